"""How a fold did on the span that it has not seen: the recogniser, the success model, and what its entries brought."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.timeframe import DAY_MS
from trader.engine.train.fold import CLASSES, Learned, Lesson
from trader.engine.train.success import Entered
from trader.ml.calibration import ClassLookup, Lookup, calibration_error, top_calibration_error
from trader.ml.forest import Forest, logistic, softmax
from trader.ml.pattern_model import EXPECTED, RECOGNISER, SUCCESS
from trader.ml.scores import binary_log_loss, confusion, log_loss, macro_f1

Floats = NDArray[np.float64]


class Recognised(msgspec.Struct, frozen=True):
    """Of the candidates of the test span: how many, their log loss and that of the training span's shares of classes,
    the calibration error of the class that is called, the mean F1 of all classes, the table `[true][called]`, and which
    share of the candidates before a break (`lead` above 0) was called by its pattern."""

    rows: int
    log_loss: float
    log_loss_of_shares: float
    calibration_error: float
    macro_f1: float
    confusion: tuple[tuple[int, ...], ...]
    early: float


class Traded(msgspec.Struct, frozen=True):
    """Of the entries that the recogniser would have made: how many, which share was won, the mean net return of an
    entry (a fraction of its notional) with its standard error over days, and how well the success model knew: log loss,
    that of who always says the share that was won, calibration error, mean net of the half of which it expected more.
    """

    entries: int
    won: float
    net: float
    net_error: float
    log_loss: float
    log_loss_of_share: float
    calibration_error: float
    net_of_better_half: float


class Judged(msgspec.Struct, frozen=True):
    """Both parts of a model on the test span of its fold."""

    recognised: Recognised
    traded: Traded


def judge(lesson: Lesson, learned: Learned) -> Judged:
    """Return how `learned` does on the test span of its lesson."""
    rows = lesson.parts.test
    raw = softmax(Forest.read(learned.content[RECOGNISER]).margins(lesson.inputs[rows]))
    probabilities = ClassLookup(learned.calibration[RECOGNISER])(raw)
    return Judged(_recognised(lesson, probabilities), _traded(lesson.entered(rows, probabilities), learned))


def _recognised(lesson: Lesson, probabilities: Floats) -> Recognised:
    rows = lesson.parts.test
    label, called = lesson.label[rows], probabilities.argmax(axis=1)
    table, early = confusion(label, called, CLASSES), lesson.lead[rows] > 0
    shares = np.bincount(lesson.label[lesson.parts.train], minlength=CLASSES) / len(lesson.parts.train)
    return Recognised(
        len(rows),
        log_loss(probabilities, label),
        log_loss(np.tile(shares, (len(rows), 1)), label),
        top_calibration_error(probabilities, label),
        macro_f1(table),
        tuple(tuple(row) for row in table.tolist()),
        float((called == label)[early].mean()) if early.any() else float("nan"),
    )


def _traded(entries: Entered, learned: Learned) -> Traded:
    (won,), (earned,) = learned.calibration[SUCCESS], learned.calibration[EXPECTED]
    probability = Lookup(won)(logistic(Forest.read(learned.content[SUCCESS]).margins(entries.inputs)))
    expected = Lookup(earned)(Forest.read(learned.content[EXPECTED]).margins(entries.inputs)[:, 0])
    hit, net = entries.net > 0, entries.net
    better = np.argsort(-expected, kind="stable")[: max(1, len(net) // 2)]
    share = np.full(len(net), np.clip(hit.mean() if len(hit) else 0.5, 1e-6, 1 - 1e-6))
    return Traded(
        len(net),
        float(hit.mean()) if len(net) else float("nan"),
        float(net.mean()) if len(net) else float("nan"),
        error_over_days(entries.time, net),
        binary_log_loss(probability, hit),
        binary_log_loss(share, hit),
        calibration_error(probability, hit),
        float(net[better].mean()) if len(net) else float("nan"),
    )


def error_over_days(time: NDArray[np.int64], net: Floats) -> float:
    """Return the standard error of the mean of `net`, with days as what is drawn: entries of one day are not apart.

    NaN with fewer than two days. Source: the ratio estimator of cluster sampling (Cochran, Sampling Techniques, 1977,
    chapter 9A).
    """
    day = time // DAY_MS
    days, where = np.unique(day, return_inverse=True)
    if len(days) < 2:
        return float("nan")
    total, count = np.bincount(where, weights=net), np.bincount(where)
    off = total - count * net.mean()
    return float(np.sqrt(len(days) / (len(days) - 1) * (off**2).sum()) / count.sum())
