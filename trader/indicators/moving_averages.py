"""Moving averages: simple, exponential, Wilder's."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trader.compiled import inlined
from trader.indicators.columns import column
from trader.indicators.ratios import relative_change
from trader.indicators.windows import window_size, window_sum

Floats = NDArray[np.float64]

SMA10, SMA20, SMA50 = column("sma10"), column("sma20"), column("sma50")
EMA12, EMA26, EMA50 = column("ema12"), column("ema26"), column("ema50")
EMA50_DISTANCE = column("ema50_distance")

_SMA10 = 0
_SMA20 = _SMA10 + window_size(10)
_SMA50 = _SMA20 + window_size(20)
_EMA12 = _SMA50 + window_size(50)
_EMA26 = _EMA12 + 1
_EMA50 = _EMA26 + 1
SIZE = _EMA50 + 1


@inlined
def simple_average(f: Floats, at: int, seen: int, n: int, x: float) -> float:
    """Return the mean of the last `n` values; `seen` counts them, `x` included. NaN while `seen < n`.

    State: `window_size(n)` floats at `at`.

    >>> f = np.zeros(window_size(2))
    >>> [simple_average(f, 0, seen, 2, x) for seen, x in ((1, 1.0), (2, 2.0), (3, 4.0))]
    [nan, 1.5, 3.0]
    """
    total = window_sum(f, at, (seen - 1) % n, n, x)
    return total / n if seen >= n else math.nan


@inlined
def exponential_average(f: Floats, at: int, seen: int, n: int, x: float) -> float:
    """Return `average + (x - average) * 2 / (n + 1)`, begun with the mean of the first `n`; NaN while `seen < n`.

    As TA-Lib's EMA, from the same first value. State: one float; `seen` counts the values, `x` included.

    >>> f = np.zeros(1)
    >>> [exponential_average(f, 0, seen, 3, x) for seen, x in ((1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0))]
    [nan, nan, 2.0, 3.0]
    """
    if seen < n:
        f[at] += x
        return math.nan
    average: float = (f[at] + x) / n if seen == n else f[at] + (x - f[at]) * (2.0 / (n + 1))
    f[at] = average
    return average


@inlined
def wilder_average(f: Floats, at: int, seen: int, n: int, x: float) -> float:
    """Return `(average * (n - 1) + x) / n`, begun with the mean of the first `n`; NaN while `seen < n`.

    J. W. Wilder, New Concepts in Technical Trading Systems (1978); as in TA-Lib's RSI and ATR.
    State: one float; a value with `seen` 0 (there is no change before the second candle) is passed over.

    >>> f = np.zeros(1)
    >>> [wilder_average(f, 0, seen, 2, x) for seen, x in ((0, 9.0), (1, 1.0), (2, 3.0), (3, 4.0))]
    [nan, nan, 2.0, 3.0]
    """
    if seen < n:
        f[at] += x if seen > 0 else 0.0
        return math.nan
    average: float = (f[at] + x) / n if seen == n else (f[at] * (n - 1) + x) / n
    f[at] = average
    return average


@inlined
def step(f: Floats, at: int, seen: int, close: float, out: Floats) -> None:
    """Write the averages of the close, and its distance from EMA50 as a fraction of that: `(close - ema50) / ema50`."""
    out[SMA10] = simple_average(f, at + _SMA10, seen, 10, close)
    out[SMA20] = simple_average(f, at + _SMA20, seen, 20, close)
    out[SMA50] = simple_average(f, at + _SMA50, seen, 50, close)
    out[EMA12] = exponential_average(f, at + _EMA12, seen, 12, close)
    out[EMA26] = exponential_average(f, at + _EMA26, seen, 26, close)
    out[EMA50] = exponential_average(f, at + _EMA50, seen, 50, close)
    out[EMA50_DISTANCE] = relative_change(close, out[EMA50])
