"""Hourly returns of the last 30 days, kept as they come, and how far two coins move together (section 8)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

#: Hours of which returns are kept, and how many two coins must share.
HOURS = 30 * 24
LEAST_COMMON = 100

#: Closes by full hour (counted from the epoch) of one coin, ascending.
HourlyCloses = dict[int, float]


def remember_hour(closes: HourlyCloses, hour: int, close: float) -> None:
    """Add the close of a full hour and forget those that are too old, in place."""
    closes[hour] = close
    while closes and next(iter(closes)) < hour - HOURS:
        del closes[next(iter(closes))]


def hourly_returns(closes: Mapping[int, float], hour: int) -> dict[int, float]:
    """Return the returns of the hours up to `hour`, 30 days at most; one with a missing neighbour is left out."""
    return {
        at: close / closes[at - 1] - 1 for at, close in closes.items() if at - 1 in closes and hour - HOURS < at <= hour
    }


def correlation(one: Mapping[int, float], other: Mapping[int, float]) -> float | None:
    """Return Pearson's r of two coins' returns over their common hours; None with fewer than 100, or without variance.

    >>> up = {hour: 0.01 * (hour % 3 - 1) for hour in range(120)}
    >>> round(correlation(up, {hour: 2 * value for hour, value in up.items()}), 6)
    1.0
    """
    common = [hour for hour in one if hour in other]
    if len(common) < LEAST_COMMON:
        return None
    return _pearson([one[hour] for hour in common], [other[hour] for hour in common])


def _pearson(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    count = len(xs)
    mean_x, mean_y = math.fsum(xs) / count, math.fsum(ys) / count
    xx = math.fsum((x - mean_x) ** 2 for x in xs)
    yy = math.fsum((y - mean_y) ** 2 for y in ys)
    xy = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return xy / math.sqrt(xx * yy) if xx > 0 and yy > 0 else None
