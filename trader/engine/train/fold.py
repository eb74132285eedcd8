"""One fold: what is learned from its training span and calibrated on its calibration span. The test span is not seen.

The success model learns from entries that a recogniser makes on candles which it has not learned from: so the training
span is cut in two, a first recogniser learns from the earlier part and enters in the later one. The one that is kept
learns from all of the span, and calibrates both parts with what it says of the calibration span.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.errors import ConfigError
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.engine.train.samples import Samples
from trader.engine.train.success import Entered, entered
from trader.market.table import CandleTable
from trader.ml.calibration import ClassLookup, Curve
from trader.ml.fitting import Fitted, Target, Trees, class_weights, fit
from trader.ml.forest import logistic, softmax
from trader.ml.isotonic import fit_classes, fit_mean, fit_probability
from trader.ml.pattern_model import EXPECTED, NONE, RECOGNISER, SUCCESS
from trader.ml.splits import Fold, hold_back, split

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
#: Told what is being learned, how many rounds are done, and the score.
Told = Callable[[str, int, float], None]

CLASSES = NONE + 1
#: The earlier share of the training span, from which the recogniser learns that enters in the rest of it.
EARLIER = 0.6
#: A net return beyond this counts as much as this in the expected one: a single outlier must not shape the trees.
MOST_NET = 0.05


class Plan(msgspec.Struct, frozen=True):
    """How models are grown: by equal plans and samples come equal models."""

    #: A model is kept small, so it has few rounds; with smaller steps it would still be learning at the last of them.
    recogniser: Trees = Trees(eta=0.2, rounds=80)
    success: Trees = Trees(max_depth=3, eta=0.05, min_child_weight=100.0)
    seed: int = 1
    threads: int = 1


class Stream(msgspec.Struct, frozen=True, eq=False):
    """One stream of a training: its samples, and what its trades are followed on."""

    samples: Samples
    exits: CandleTable
    instrument: Instrument


class Learned(msgspec.Struct, frozen=True):
    """The parts of a model by name: JSON of the trees, curves, and the score of each on what it was ended by."""

    content: dict[str, bytes]
    calibration: dict[str, tuple[Curve, ...]]
    scores: dict[str, float]


class Lesson:
    """All samples of a fold side by side, stream behind stream, and what is learned from them.

    `parts` are the rows of each span; `inputs`, `label`, `lead`, `time`, `label_end` as in `Samples`.
    """

    def __init__(self, streams: Sequence[Stream], fold: Fold, rules: Settings, plan: Plan, told: Told) -> None:
        every = [each.samples for each in streams]
        self.fold = fold
        self._streams, self._rules, self._plan, self._told = streams, rules, plan, told
        self.lead = np.concatenate([each.lead for each in every])
        self._firsts = np.cumsum([0, *map(len, every)])
        self.inputs = np.concatenate([each.inputs for each in every])
        self.label = np.concatenate([each.label for each in every])
        self.time = np.concatenate([each.time for each in every])
        self.label_end = np.concatenate([each.label_end for each in every])
        self.parts = split(fold, self.time, self.label_end)

    def learn(self) -> Learned:
        """Return the parts of a model; raise `ConfigError` where the spans hold too little to learn from."""
        recogniser = self._recogniser(RECOGNISER, self.parts.train)
        curves = fit_classes(self._raw(recogniser, self.parts.calibrate), self.label[self.parts.calibrate])
        success, expected, won, earned = self._success(self._entries(), self._judged(recogniser, curves))
        return Learned(
            {RECOGNISER: recogniser.content, SUCCESS: success.content, EXPECTED: expected.content},
            {RECOGNISER: curves, SUCCESS: (won,), EXPECTED: (earned,)},
            {part: each.best_score for part, each in self._named(recogniser, success, expected).items()},
        )

    @staticmethod
    def _named(*parts: Fitted) -> Mapping[str, Fitted]:
        return dict(zip((RECOGNISER, SUCCESS, EXPECTED), parts, strict=True))

    # --- the recogniser ---------------------------------------------------------------------------------------------

    def _recogniser(self, name: str, rows: Rows) -> Fitted:
        learn, stop = hold_back(rows, self.time, self.label_end)
        weight = np.ones(len(self.label))
        weight[rows] = class_weights(self.label[rows], CLASSES)  # how rare a class is may not be known of other spans
        target = Target("multi:softprob", self.label, weight, CLASSES)
        return self._fit(name, self.inputs, target, learn, stop, self._plan.recogniser)

    def _raw(self, recogniser: Fitted, rows: Rows) -> Floats:
        return softmax(recogniser.forest().margins(self.inputs[rows]))

    # --- the success model ------------------------------------------------------------------------------------------

    def _entries(self) -> Entered:
        """Return the entries of the later part of the training span, by a recogniser that knows the earlier one."""
        fold = self.fold
        cut = fold.train_start + int((fold.train_end - fold.train_start) * EARLIER)
        train = self.parts.train
        earlier = train[(self.label_end[train] < cut) & (self.time[train] < cut)]
        later = train[self.time[train] >= cut]
        if not len(earlier) or not len(later):
            raise ConfigError(f"fold {fold.words()}: no candidates on both sides of its training span")
        first = self._recogniser(f"{RECOGNISER} of the earlier part", earlier)
        _, ended = hold_back(earlier, self.time, self.label_end)
        curves = fit_classes(self._raw(first, ended), self.label[ended])
        found = self.entered(later, ClassLookup(curves)(self._raw(first, later)))
        return _ended_by(found, fold.calibrate_start)

    def _judged(self, recogniser: Fitted, curves: Sequence[Curve]) -> Entered:
        """Return the entries of the calibration span, by the recogniser that is kept."""
        rows = self.parts.calibrate
        found = self.entered(rows, ClassLookup(curves)(self._raw(recogniser, rows)))
        return _ended_by(found, self.fold.test_start)

    def entered(self, rows: Rows, probabilities: Floats) -> Entered:
        """Return what became of the entries at `rows`, stream by stream."""
        found = []
        for number, stream in enumerate(self._streams):
            own = (rows >= self._firsts[number]) & (rows < self._firsts[number + 1])
            which = (rows[own] - self._firsts[number]).astype(np.int64)
            found.append(
                entered(stream.samples, probabilities[own], which, stream.exits, stream.instrument, self._rules)
            )
        return Entered(
            sample=np.concatenate([each.sample for each in found]),
            inputs=np.concatenate([each.inputs for each in found]),
            net=np.concatenate([each.net for each in found]),
            time=np.concatenate([each.time for each in found]),
            label_end=np.concatenate([each.label_end for each in found]),
        )

    def _success(self, learned: Entered, judged: Entered) -> tuple[Fitted, Fitted, Curve, Curve]:
        learn, stop = hold_back(np.arange(len(learned)), learned.time, learned.label_end)
        even, net = np.ones(len(learned)), np.clip(learned.net, -MOST_NET, MOST_NET).astype(np.float32)
        won = Target("binary:logistic", (learned.net > 0).astype(np.float32), even)
        success = self._fit(SUCCESS, learned.inputs, won, learn, stop, self._plan.success)
        earned = Target("reg:pseudohubererror", net, even)
        expected = self._fit(EXPECTED, learned.inputs, earned, learn, stop, self._plan.success)
        probability = logistic(success.forest().margins(judged.inputs))
        number = expected.forest().margins(judged.inputs)[:, 0]
        return success, expected, fit_probability(probability, judged.net > 0), fit_mean(number, judged.net)

    def _fit(
        self, name: str, inputs: NDArray[np.float32], target: Target, learn: Rows, stop: Rows, trees: Trees
    ) -> Fitted:
        plan = self._plan
        told = self._told
        return fit(
            inputs,
            target,
            learn,
            stop,
            trees,
            seed=plan.seed,
            threads=plan.threads,
            told=lambda done, score: told(name, done, score),
        )


def _ended_by(found: Entered, end: int) -> Entered:
    """Return the entries before the first that had not ended by `end`, ms.

    Behind that one the quick ends would be here and the slow ones not: a sample chosen by outcome.
    """
    open_ = found.time[found.label_end >= end]
    which = found.time < (open_.min() if len(open_) else end)
    return Entered(
        found.sample[which], found.inputs[which], found.net[which], found.time[which], found.label_end[which]
    )
