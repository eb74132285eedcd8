"""What a training gives to watch drift by: the `Reference` of its streams and of what its folds had said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine.train.fold import Learned, Lesson, Plan, Stream
from trader.engine.train.walk import Walked
from trader.ml.calibration import ClassLookup, Lookup
from trader.ml.drift import DayCounts, Reference, day_counts, reference_of
from trader.ml.forest import Forest, logistic, softmax
from trader.ml.pattern_model import RECOGNISER, SUCCESS

Floats = NDArray[np.float64]


def reference_of_training(streams: Sequence[Stream], walked: Sequence[Walked], rules: Settings) -> Reference:
    """Return the reference of a model: inputs and rates of all its candidates, outcomes of its folds' tests.

    Those were said by other models of the same plan, each on a span that it had not seen: so well the one that is kept
    is expected to do.
    """
    said = [_said(Lesson(streams, each.fold, rules, Plan(), _tell_nobody), each.learned) for each in walked]
    probability, won = (
        np.concatenate([np.empty(0), *part]) for part in (zip(*said, strict=True) if said else ([], []))
    )
    timeframes = sorted({each.samples.timeframe for each in streams}, key=lambda timeframe: timeframe.ms)
    return reference_of(
        np.concatenate([each.samples.inputs for each in streams]),
        {timeframe.value: _counts(streams, timeframe) for timeframe in timeframes},
        probability,
        won,
    )


def _said(lesson: Lesson, learned: Learned) -> tuple[Floats, Floats]:
    """Return what a fold's success model says of the entries of its test, and which of them were won."""
    rows = lesson.parts.test
    raw = softmax(Forest.read(learned.content[RECOGNISER]).margins(lesson.inputs[rows]))
    entries = lesson.entered(rows, ClassLookup(learned.calibration[RECOGNISER])(raw))
    margins = Forest.read(learned.content[SUCCESS]).margins(entries.inputs)
    return Lookup(learned.calibration[SUCCESS][0])(logistic(margins)), (entries.net > 0).astype(np.float64)


def _counts(streams: Sequence[Stream], timeframe: Timeframe) -> DayCounts:
    """Return candles and candidates of a timeframe; its candles close where one of the exit stream does."""
    own = [each for each in streams if each.samples.timeframe is timeframe]
    closes = [each.exits.open_time + each.exits.timeframe.ms for each in own]
    candles = np.concatenate([times[times % timeframe.ms == 0] for times in closes])
    candidates = np.concatenate([each.samples.time for each in own])
    return day_counts(candles, candidates[np.isin(candidates, candles)])


def _tell_nobody(part: str, done: int, score: float) -> None:
    """Say nothing of how far it is: nothing is learned here."""
