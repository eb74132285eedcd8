"""Shape: the candle itself, and where it stands in the range of 20."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trader.compiled import inlined
from trader.indicators.columns import column
from trader.indicators.ratios import fraction_of_range
from trader.indicators.windows import window_max, window_min, window_size

Floats = NDArray[np.float64]

BODY, UPPER_SHADOW, LOWER_SHADOW = column("body"), column("upper_shadow"), column("lower_shadow")
HIGH20, LOW20, POSITION20 = column("high20"), column("low20"), column("position20")

_WINDOW20 = window_size(20)

RANGE_SIZE = 2 * _WINDOW20

SIZE = RANGE_SIZE


@inlined
def candle_shape(open: float, high: float, low: float, close: float) -> tuple[float, float, float]:
    """Return body (-1 … 1, rising positive), upper and lower shadow (0 … 1) as shares of the range; 0 without one.

    The parts of S. Nison, Japanese Candlestick Charting Techniques (1991): `close - open`, what is above both, what
    is below both.

    >>> candle_shape(2.0, 6.0, 1.0, 3.0)
    (0.2, 0.6, 0.2)
    """
    whole = high - low
    if whole == 0.0:
        return 0.0, 0.0, 0.0
    return (close - open) / whole, (high - max(open, close)) / whole, (min(open, close) - low) / whole


@inlined
def range_of_20(f: Floats, at: int, seen: int, high: float, low: float) -> tuple[float, float]:
    """Return the highest high and the lowest low of the last 20 candles (a Donchian channel); NaN while `seen < 20`.

    TA-Lib's MAX of the highs and MIN of the lows. State: `RANGE_SIZE` floats.

    >>> f = np.zeros(RANGE_SIZE)
    >>> [range_of_20(f, 0, seen, seen + 1.0, float(seen)) for seen in range(1, 25)][-1]
    (25.0, 5.0)
    """
    highest = window_max(f, at, (seen - 1) % 20, 20, high)
    lowest = window_min(f, at + _WINDOW20, (seen - 1) % 20, 20, low)
    return (highest, lowest) if seen >= 20 else (math.nan, math.nan)


@inlined
def step(f: Floats, at: int, seen: int, open: float, high: float, low: float, close: float, out: Floats) -> None:
    """Write the candle's parts, the range of 20, and the close's place in it: 0 low, 1 high, 0.5 without a range."""
    out[BODY], out[UPPER_SHADOW], out[LOWER_SHADOW] = candle_shape(open, high, low, close)
    out[HIGH20], out[LOW20] = range_of_20(f, at, seen, high, low)
    out[POSITION20] = fraction_of_range(close, out[LOW20], out[HIGH20])
