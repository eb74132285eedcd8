"""Volatility: true range, Bollinger bands, Keltner channel."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trader.compiled import inlined
from trader.indicators.columns import column
from trader.indicators.moving_averages import SMA20, exponential_average, wilder_average
from trader.indicators.ratios import fraction_of_range
from trader.indicators.windows import variance

Floats = NDArray[np.float64]

BB_UPPER, BB_LOWER = column("bb_upper"), column("bb_lower")
BB_WIDTH, BB_PERCENT_B = column("bb_width"), column("bb_percent_b")
ATR14, ATR_PCT = column("atr14"), column("atr_pct")
KELTNER_UPPER, KELTNER_LOWER = column("keltner_upper"), column("keltner_lower")

#: Standard deviations from the middle to a Bollinger band; average true ranges to a line of the Keltner channel.
BOLLINGER_DEVIATIONS = 2.0
KELTNER_RANGES = 2.0

_CLOSES = 0
_ATR14 = _CLOSES + 20
_KELTNER = _ATR14 + 1
SIZE = _KELTNER + 2


@inlined
def true_range(high: float, low: float, previous_close: float) -> float:
    """Return the greatest of `high - low`, `|high - previous close|` and `|low - previous close|`. Wilder (1978).

    >>> true_range(12.0, 11.0, 9.0)
    3.0
    """
    return max(high - low, abs(high - previous_close), abs(low - previous_close))


@inlined
def standard_deviation(f: Floats, at: int, seen: int, close: float, mean: float) -> float:
    """Return the population standard deviation of the last 20 closes about their `mean`; NaN while `seen < 20`.

    Exact where TA-Lib's is not: that one takes the square of the mean from the mean of squares, and of a calm
    stretch at a high price few digits remain. State: the last 20 closes, in a ring.

    >>> f = np.zeros(20)
    >>> [standard_deviation(f, 0, seen, 5.0 + 2.0 * (seen % 2), 6.0) for seen in range(1, 21)][-1]
    1.0
    """
    f[at + (seen - 1) % 20] = close
    return math.sqrt(variance(f, at, 20, mean)) if seen >= 20 else math.nan


@inlined
def bollinger(f: Floats, at: int, seen: int, close: float, out: Floats) -> None:
    """Write the Bollinger bands, `sma20 ± 2 standard deviations`, their width and where in them the close lies.

    J. Bollinger, Bollinger on Bollinger Bands (2001): width = `(upper - lower) / sma20`, %b = `(close - lower) /
    (upper - lower)`, 0.5 where the bands meet. The bands are TA-Lib's BBANDS. State: the last 20 closes, in a ring.

    >>> f, out = np.zeros(20), np.zeros(40)
    >>> out[SMA20] = 6.0
    >>> for seen in range(1, 21):
    ...     bollinger(f, 0, seen, 5.0 + 2.0 * (seen % 2), out)
    >>> out[[BB_UPPER, BB_LOWER, BB_PERCENT_B]].tolist()
    [8.0, 4.0, 0.25]
    """
    reach = BOLLINGER_DEVIATIONS * standard_deviation(f, at, seen, close, out[SMA20])
    out[BB_UPPER] = out[SMA20] + reach
    out[BB_LOWER] = out[SMA20] - reach
    out[BB_WIDTH] = 2.0 * reach / out[SMA20]
    out[BB_PERCENT_B] = fraction_of_range(close, out[BB_LOWER], out[BB_UPPER])


@inlined
def keltner(f: Floats, at: int, seen: int, ranged: float, close: float) -> tuple[float, float]:
    """Return the lines of the Keltner channel, `EMA20 of the close ± 2 * ATR10`.

    L. Raschke's form of C. Keltner's, How to Make Money in Commodities (1960). State: two floats.

    >>> f = np.zeros(2)
    >>> [keltner(f, 0, seen, 3.0, 50.0) for seen in range(1, 21)][-1]
    (56.0, 44.0)
    """
    middle = exponential_average(f, at, seen, 20, close)
    reach = KELTNER_RANGES * wilder_average(f, at + 1, seen - 1, 10, ranged)
    return middle + reach, middle - reach


@inlined
def step(f: Floats, at: int, seen: int, ranged: float, close: float, out: Floats) -> None:
    """Write the bands, ATR14, its fraction of the close, and the Keltner channel.

    ATR14 is Wilder's average of the true range `ranged`, which the first candle has not, as in TA-Lib's ATR.
    """
    bollinger(f, at + _CLOSES, seen, close, out)
    out[ATR14] = wilder_average(f, at + _ATR14, seen - 1, 14, ranged)
    out[ATR_PCT] = out[ATR14] / close
    out[KELTNER_UPPER], out[KELTNER_LOWER] = keltner(f, at + _KELTNER, seen, ranged, close)
