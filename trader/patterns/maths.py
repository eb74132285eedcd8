"""The few formulas that every rule is made of; exact under scaling by powers of two."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled
from trader.patterns import layout as at

Floats = NDArray[np.float64]


@compiled
def ramp(x: float, ends: tuple[float, float]) -> float:
    """Return 0 at the first end, 1 at the second (which may be the smaller), linear between and clipped outside.

    >>> ramp(3.0, (2.0, 4.0)), ramp(0.1, (0.5, 0.3))
    (0.5, 1.0)
    """
    return min(1.0, max(0.0, (x - ends[0]) / (ends[1] - ends[0])))


@compiled
def plateau(x: float, ends: tuple[float, float, float, float]) -> float:
    """Return 0 at the outer ends, 1 between the inner ones, linear between and clipped outside.

    >>> plateau(0.5, (0.0, 1.0, 2.0, 3.0)), plateau(1.5, (0.0, 1.0, 2.0, 3.0))
    (0.5, 1.0)
    """
    return min(ramp(x, (ends[0], ends[1])), ramp(x, (ends[3], ends[2])))


@compiled
def nearness(gap: float, limit: float) -> float:
    """Return 1 for no gap, falling to 0 at `limit`.

    >>> nearness(-0.5, 2.0), nearness(3.0, 2.0)
    (0.75, 0.0)
    """
    return max(0.0, 1.0 - abs(gap) / limit)


@compiled
def ratio(a: float, b: float) -> float:
    """Return the smaller of two positive values against the larger; 0 where either is not positive."""
    if a <= 0.0 or b <= 0.0:
        return 0.0
    return min(a, b) / max(a, b)


@compiled
def blend(fit: float, balance: float, size: float, context: float) -> float:
    """Return the geometric mean: as good as all four parts, and 0 where one is."""
    return math.sqrt(math.sqrt(fit * balance * size * context))


@compiled
def mean_atr(swings: Floats, rows: int) -> float:
    """Return the mean of ATR14 at the newest `rows` swings."""
    total = 0.0
    for row in range(rows):
        total += swings[row, at.ATR]
    return total / rows


@compiled
def fit_line(swings: Floats, first: int, rows: int) -> tuple[float, float, float]:
    """Fit a line by least squares through every second swing from row `first` on, below `rows`.

    Returns its value at the newest swing's candle, its slope a candle and the largest miss of a swing.
    """
    origin = swings[0, at.AT]
    n = sx = sy = sxx = sxy = 0.0
    for row in range(first, rows, 2):
        x, y = swings[row, at.AT] - origin, swings[row, at.PRICE]
        n, sx, sy, sxx, sxy = n + 1.0, sx + x, sy + y, sxx + x * x, sxy + x * y
    slope = 0.0
    if n > 1.0:
        slope = (n * sxy - sx * sy) / (n * sxx - sx * sx)
    value = (sy - slope * sx) / n
    miss = 0.0
    for row in range(first, rows, 2):
        miss = max(miss, abs(swings[row, at.PRICE] - value - slope * (swings[row, at.AT] - origin)))
    return value, slope, miss
