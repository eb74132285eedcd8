"""What the models of a walk say of the test spans, each of its own: candidates, and the entries made on them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.settings import Settings
from trader.engine.train.fold import CLASSES, Learned, Stream
from trader.engine.train.success import Entered, entered
from trader.engine.train.walk import Walked
from trader.ml.calibration import ClassLookup, Lookup
from trader.ml.forest import Forest, logistic, softmax
from trader.ml.inputs import INPUTS
from trader.ml.pattern_model import EXPECTED, EXTRA, RECOGNISER, SUCCESS
from trader.ml.splits import Fold, split

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Inputs = NDArray[np.float32]

#: Rows about which a model is asked at once.
CHUNK_ROWS = 65_536
_SIDE, _STRENGTH = (len(INPUTS) + EXTRA.index(name) for name in ("side", "strength"))
_FIRST_PATTERN = len(INPUTS) + EXTRA.index("strength") + 1


class Asked:
    """The parts of a fold's model, to be asked about inputs."""

    def __init__(self, learned: Learned) -> None:
        self.forests = {part: Forest.read(content, part) for part, content in learned.content.items()}
        self._classes = ClassLookup(learned.calibration[RECOGNISER])
        self._won = Lookup(*learned.calibration[SUCCESS])
        self._earned = Lookup(*learned.calibration[EXPECTED])

    def probabilities(self, inputs: Inputs) -> Floats:
        """Return the calibrated probability of each class, float64[n, 12]."""
        return self._classes(softmax(self.forests[RECOGNISER].margins(inputs)))

    def won(self, wide: Inputs) -> Floats:
        """Return the calibrated probability that an entry wins, float64[n]; `wide` are inputs with `EXTRA`."""
        return self._won(logistic(self.forests[SUCCESS].margins(wide)))

    def earned(self, wide: Inputs) -> Floats:
        """Return the net return to expect of an entry, float64[n]."""
        return self._earned(self.forests[EXPECTED].margins(wide)[:, 0])


class Rows(msgspec.Struct, frozen=True, eq=False):
    """The candidates of the test spans, stream behind stream, each in the order of time; arrays of one length.

    `sample` is the index in the stream's samples; `probabilities` float64[n, 12].
    """

    stream: Integers
    fold: Integers
    sample: Integers
    time: Integers
    label: Integers
    lead: Integers
    probabilities: Floats

    def __len__(self) -> int:
        return len(self.time)


class Made(msgspec.Struct, frozen=True, eq=False):
    """The entries that the recognisers would make there, in the same order; overlapping ones too.

    `sample` is the index in the stream's samples; `side` 1 or -1; `end` when it was left; `chance` that it wins.
    """

    stream: Integers
    fold: Integers
    sample: Integers
    time: Integers
    end: Integers
    pattern: Integers
    side: Integers
    probability: Floats
    strength: Floats
    chance: Floats
    expected: Floats
    net: Floats

    def __len__(self) -> int:
        return len(self.time)

    def only(self, which: NDArray[np.generic]) -> Made:
        """Return the entries `which`: indices or flags."""
        return Made(*(getattr(self, name)[which] for name in self.__struct_fields__))


def shares_of(streams: Sequence[Stream], fold: Fold) -> Floats:
    """Return the share of each class among the training samples of a fold, float64[12]."""
    count = np.zeros(CLASSES)
    for stream in streams:
        samples = stream.samples
        train = split(fold, samples.time, samples.label_end).train
        count += np.bincount(samples.label[train], minlength=CLASSES)
    shares: Floats = count / max(float(count.sum()), 1.0)
    return shares


def seen(stream: Stream, number: int, walked: Sequence[Walked], models: Sequence[Asked]) -> Rows:
    """Return what the model of each fold says of the stream's candidates in its test span."""
    samples = stream.samples
    parts = [_tested(each.fold, samples.time) for each in walked]
    which = np.concatenate(parts)
    said = [_asked(model, samples.inputs, part) for model, part in zip(models, parts, strict=True)]
    return Rows(
        np.full(len(which), number),
        np.repeat(np.arange(len(parts)), list(map(len, parts))),
        which,
        samples.time[which],
        samples.label[which].astype(np.int64),
        samples.lead[which],
        np.concatenate(said),
    )


def _tested(fold: Fold, time: Integers) -> Integers:
    first, end = np.searchsorted(time, (fold.test_start, fold.test_end))
    return np.arange(first, end)


def _asked(model: Asked, inputs: Inputs, which: Integers) -> Floats:
    chunks = (inputs[which[first : first + CHUNK_ROWS]] for first in range(0, len(which), CHUNK_ROWS))
    return np.concatenate([np.empty((0, CLASSES)), *map(model.probabilities, chunks)])


def made(stream: Stream, rows: Rows, models: Sequence[Asked], rules: Settings) -> Made:
    """Return the entries of one stream, with what the success model of their fold says of each."""
    return joined_made([_made(stream, rows, fold, model, rules) for fold, model in enumerate(models)])


def _made(stream: Stream, rows: Rows, fold: int, model: Asked, rules: Settings) -> Made:
    own = np.flatnonzero(rows.fold == fold)
    sample, said = rows.sample[own], rows.probabilities[own]
    found: Entered = entered(stream.samples, said, sample, stream.exits, stream.instrument, rules)
    wide = found.inputs
    pattern = wide[:, _FIRST_PATTERN:].argmax(axis=1)
    return Made(
        rows.stream[own][: len(found)],
        np.full(len(found), fold),
        found.sample,
        found.time,
        found.label_end,
        pattern,
        np.where(wide[:, _SIDE] > 0, 1, -1),
        said[np.searchsorted(sample, found.sample), pattern],
        wide[:, _STRENGTH].astype(np.float64),
        model.won(wide),
        model.earned(wide),
        found.net,
    )


def joined_made(parts: Sequence[Made]) -> Made:
    """Return entries behind each other."""
    return Made(*(np.concatenate([getattr(part, name) for part in parts]) for name in Made.__struct_fields__))


def joined_rows(parts: Sequence[Rows]) -> Rows:
    """Return candidates behind each other."""
    return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__struct_fields__))
