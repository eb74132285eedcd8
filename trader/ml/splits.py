"""Who may learn from what: spans of time over all coins at once, without a label that looks into the next span.

A sample stands at the close of its candle, `time`, and its label is known at `label_end`, both ms UTC: until then the
label depends on candles. So a sample is used for training only when its label ends before the span begins that judges
it (purge), and where training goes on behind a test span, it begins some time later (embargo).
Source: López de Prado, Advances in Financial Machine Learning (2018), chapter 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.errors import ConfigError
from trader.core.timeframe import utc

Times = NDArray[np.int64]
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]


class Fold(msgspec.Struct, frozen=True):
    """The spans of one fold, ms UTC, each without its end; calibration comes before the test and touches no training.

    Training may go on behind the test span: then what lies within it, and within `embargo_ms` behind it, is left out.
    """

    train_start: int
    train_end: int
    calibrate_start: int
    calibrate_end: int
    test_start: int
    test_end: int
    embargo_ms: int = 0

    def __post_init__(self) -> None:
        order = (self.calibrate_start, self.calibrate_end, self.test_start, self.test_end)
        if list(order) != sorted(order) or self.train_start > self.train_end or self.embargo_ms < 0:
            raise ConfigError(f"fold {self.words()}: allowed: calibration, then its test, each end behind its start")

    def words(self) -> str:
        """Say the spans as a person reads them."""
        spans = (
            ("train", self.train_start, self.train_end),
            ("calibrate", self.calibrate_start, self.calibrate_end),
            ("test", self.test_start, self.test_end),
        )
        return ", ".join(f"{name} {utc(start)} to {utc(end)}" for name, start, end in spans)


class Parts(NamedTuple):
    """The rows of a fold, as ascending indices of the samples."""

    train: Rows
    calibrate: Rows
    test: Rows


def walk_forward(
    start: int,
    end: int,
    *,
    folds: int,
    test_ms: int,
    calibrate_ms: int,
    train_ms: int | None = None,
    embargo_ms: int = 0,
) -> tuple[Fold, ...]:
    """Return `folds` folds whose test spans follow each other without a hole and end at `end`, oldest first.

    Calibration lies `embargo_ms` before its test span, training as long before calibration. Training begins at
    `start`, or `train_ms` before its end where that is given. Raise `ConfigError` where the span is too short.

    >>> [(fold.train_end, fold.calibrate_start, fold.test_start) for fold in
    ...  walk_forward(0, 100, folds=2, test_ms=20, calibrate_ms=10, embargo_ms=5)]
    [(40, 45, 60), (60, 65, 80)]
    """
    first_test = end - folds * test_ms
    least = start + calibrate_ms + 2 * embargo_ms
    if min(folds, test_ms, calibrate_ms) <= 0 or first_test <= least:
        needed = folds * test_ms + calibrate_ms + 2 * embargo_ms
        raise ConfigError(
            f"{utc(start)} to {utc(end)} is too short for {folds} folds: {needed} ms are for tests, calibration and "
            f"embargo, {end - start} ms are there; allowed: fewer folds, shorter tests, or a longer span"
        )
    return tuple(
        _fold(start, first_test + number * test_ms, test_ms, calibrate_ms, train_ms, embargo_ms)
        for number in range(folds)
    )


def _fold(start: int, test: int, test_ms: int, calibrate_ms: int, train_ms: int | None, embargo_ms: int) -> Fold:
    calibrate_end = test - embargo_ms
    train_end = calibrate_end - calibrate_ms - embargo_ms
    train_start = start if train_ms is None else max(start, train_end - train_ms)
    return Fold(train_start, train_end, train_end + embargo_ms, calibrate_end, test, test + test_ms, embargo_ms)


def around(start: int, end: int, *, folds: int, calibrate_share: float = 0.2, embargo_ms: int = 0) -> tuple[Fold, ...]:
    """Return folds whose test spans share out the whole span, with training on both sides (purged k-fold).

    For choices that must not wait for years, such as those between trials; a verdict needs `walk_forward`. The
    first `calibrate_share` of each part is for calibration.
    """
    edges = [start + (end - start) * number // folds for number in range(folds + 1)] if folds > 0 else []
    if len(edges) < 3 or not 0 < calibrate_share < 1 or edges[1] <= start:
        raise ConfigError(f"{folds} folds of {end - start} ms, {calibrate_share} of each for calibration: too few")
    made = []
    for left, right in pairwise(edges):
        middle = left + int((right - left) * calibrate_share)
        made.append(Fold(start, end, left, middle, middle, right, embargo_ms))
    return tuple(made)


def split(fold: Fold, times: Times, label_ends: Times) -> Parts:
    """Return the rows for training, calibration and test; those whose labels look too far are in none.

    `times` and `label_ends` are int64[n] in any order, all coins together. No label of a training row ends within
    or behind a span that judges it, unless the row begins behind that; no label of a calibration row reaches its test.
    """
    if len(times) != len(label_ends) or (label_ends < times).any():
        raise ConfigError(f"{len(times)} times, {len(label_ends)} ends of labels: each label ends at or after its time")
    train = _within(times, fold.train_start, fold.train_end)
    train &= _apart(times, label_ends, fold.calibrate_start, fold.calibrate_end, fold.embargo_ms)
    train &= _apart(times, label_ends, fold.test_start, fold.test_end, fold.embargo_ms)
    calibrate = _within(times, fold.calibrate_start, fold.calibrate_end) & (label_ends < fold.test_start)
    test = _within(times, fold.test_start, fold.test_end)
    return Parts(*(np.flatnonzero(flags) for flags in (train, calibrate, test)))


def hold_back(rows: Rows, times: Times, label_ends: Times, share: float = 0.15) -> tuple[Rows, Rows]:
    """Return `rows` for fitting, and the last `share` of their time for early stopping, with a purge between them.

    Both lie inside the training span, so that neither calibration nor test says when to stop.
    """
    if not len(rows) or not 0 < share < 1:
        raise ConfigError(f"{share} of the time of {len(rows)} rows to hold back: allowed: a share between 0 and 1")
    first, last = int(times[rows].min()), int(times[rows].max())
    edge = last + 1 - max(1, int((last + 1 - first) * share))
    late = times[rows] >= edge
    return rows[~late & (label_ends[rows] < edge)], rows[late]


def overlaps(fold: Fold, parts: Parts, times: Times, label_ends: Times) -> list[str]:
    """Return a sentence for each kind of leak that `parts` have; none when they are sound. For audits."""
    return list(_leaks(fold, parts, times, label_ends))


def _leaks(fold: Fold, parts: Parts, times: Times, label_ends: Times) -> Iterator[str]:
    test, calibrate = (fold.test_start, fold.test_end), (fold.calibrate_start, fold.calibrate_end)
    for name, rows, judged, span in (
        ("training", parts.train, "test", test),
        ("calibration", parts.calibrate, "test", test),
        ("training", parts.train, "calibration", calibrate),
    ):
        reach = (times[rows] < span[1]) & (label_ends[rows] >= span[0])
        if span[0] < span[1] and reach.any():
            first = utc(int(times[rows[reach]].min()))
            yield f"{int(reach.sum())} {name} labels reach into the {judged} span, the first from {first}"


def _within(times: Times, start: int, end: int) -> Flags:
    return (times >= start) & (times < end)


def _apart(times: Times, label_ends: Times, start: int, end: int, embargo_ms: int) -> Flags:
    """Tell which samples are over before a span begins, or begin at least `embargo_ms` behind its end."""
    return (label_ends < start) | (times >= end + embargo_ms) if start < end else np.ones(len(times), np.bool_)
