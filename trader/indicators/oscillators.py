"""Oscillators: relative strength, stochastic, commodity channel, MACD, rates of change."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trader.compiled import inlined
from trader.indicators.columns import column
from trader.indicators.moving_averages import EMA12, EMA26, exponential_average, simple_average, wilder_average
from trader.indicators.ratios import fraction_of_range, relative_change
from trader.indicators.windows import mean_deviation, window_max, window_min, window_size

Floats = NDArray[np.float64]

RSI14, CCI20 = column("rsi14"), column("cci20")
STOCH_K, STOCH_D = column("stoch_k"), column("stoch_d")
MACD, MACD_SIGNAL, MACD_HISTOGRAM = column("macd"), column("macd_signal"), column("macd_histogram")
ROC1, ROC5, ROC10 = column("roc1"), column("roc5"), column("roc10")

_WINDOW3, _WINDOW14, _WINDOW20 = window_size(3), window_size(14), window_size(20)

STOCHASTIC_SIZE = 2 * _WINDOW14 + 2 * _WINDOW3
CHANNEL_SIZE = 20 + _WINDOW20

_RSI = 0
_STOCHASTIC = _RSI + 2
_CHANNEL = _STOCHASTIC + STOCHASTIC_SIZE
_SIGNAL = _CHANNEL + CHANNEL_SIZE
_CLOSES = _SIGNAL + 1
SIZE = _CLOSES + 10


@inlined
def relative_strength(f: Floats, at: int, seen: int, n: int, change: float) -> float:
    """Return Wilder's RSI, `100 * gain / (gain + loss)` of Wilder averages of rises and falls; 0 … 100.

    Wilder (1978). `seen` counts the changes. Without any movement it is 50; TA-Lib says 0 there. State: two floats.

    >>> f = np.zeros(2)
    >>> [relative_strength(f, 0, seen, 2, change) for seen, change in ((1, 3.0), (2, -1.0), (3, 0.0))]
    [nan, 75.0, 75.0]
    """
    gain = wilder_average(f, at, seen, n, max(change, 0.0))
    loss = wilder_average(f, at + 1, seen, n, max(-change, 0.0))
    moved = gain + loss
    return 100.0 * (gain / moved) if moved != 0.0 else 50.0


@inlined
def stochastic(f: Floats, at: int, seen: int, high: float, low: float, close: float) -> tuple[float, float]:
    """Return the slow stochastic 14/3/3 of G. Lane: %K and %D, 0 … 100.

    `100 * (close - low14) / (high14 - low14)`, averaged over 3 candles for %K; %D averages 3 of %K.
    As TA-Lib's STOCH, except that a range of zero counts as its middle, 50 (there 0), and that %K has its own
    warm-up of 16 candles (there both begin with the 18th). State: `STOCHASTIC_SIZE` floats.

    >>> f = np.zeros(STOCHASTIC_SIZE)
    >>> [stochastic(f, 0, seen, seen + 3.0, float(seen), seen + 2.0) for seen in range(1, 19)][-1]
    (93.75, 93.75)
    """
    low_at = at + _WINDOW14
    k_at = low_at + _WINDOW14
    highest = window_max(f, at, (seen - 1) % 14, 14, high)
    lowest = window_min(f, low_at, (seen - 1) % 14, 14, low)
    if seen < 14:
        return math.nan, math.nan
    percent_k = simple_average(f, k_at, seen - 13, 3, 100.0 * fraction_of_range(close, lowest, highest))
    if seen < 16:
        return math.nan, math.nan
    return percent_k, simple_average(f, k_at + _WINDOW3, seen - 15, 3, percent_k)


@inlined
def commodity_channel(f: Floats, at: int, seen: int, typical: float) -> float:
    """Return the CCI over 20 candles, `(typical - mean) / (0.015 * mean deviation)`; typical = (H + L + C) / 3.

    D. Lambert, Commodities magazine (1980); as TA-Lib's CCI, 0 where nothing moved. State: `CHANNEL_SIZE` floats.

    >>> f = np.zeros(CHANNEL_SIZE)
    >>> [round(commodity_channel(f, 0, seen, float(seen)), 9) for seen in (*range(1, 21), 21)][-2:]
    [126.666666667, 126.666666667]
    """
    f[at + (seen - 1) % 20] = typical
    mean = simple_average(f, at + 20, seen, 20, typical)
    if seen < 20:
        return math.nan
    deviation = mean_deviation(f, at, 20, mean)
    return (typical - mean) / (0.015 * deviation) if deviation != 0.0 else 0.0


@inlined
def rates_of_change(f: Floats, at: int, seen: int, close: float) -> tuple[float, float, float]:
    """Return the rates of change over 1, 5 and 10 candles as fractions, NaN where there is no candle so far back.

    State: the last 10 closes, in a ring.

    >>> f = np.zeros(10)
    >>> [rates_of_change(f, 0, seen, close) for seen, close in ((1, 100.0), (2, 102.0))][-1]
    (0.02, nan, nan)
    """
    one = relative_change(close, f[at + (seen + 8) % 10]) if seen > 1 else math.nan
    five = relative_change(close, f[at + (seen + 4) % 10]) if seen > 5 else math.nan
    ten = relative_change(close, f[at + (seen + 9) % 10]) if seen > 10 else math.nan
    f[at + (seen - 1) % 10] = close
    return one, five, ten


@inlined
def convergence(f: Floats, at: int, seen: int, fast: float, slow: float) -> tuple[float, float, float]:
    """Return MACD, `fast - slow` of two averages, its EMA9 as signal, and their difference, the histogram.

    G. Appel (1979). `seen` counts the candles since the slow average is warm; before, it is 0 or less. TA-Lib begins
    its EMA12 here with the mean of candles 15 to 26, we with that of 1 to 12, as `ema12`: the difference falls by
    13/11 with each candle, and after about 220 is beyond a double's digits. State: one float.

    >>> f = np.zeros(1)
    >>> [convergence(f, 0, seen, 3.0, 1.0) for seen in range(1, 10)][7:]
    [(2.0, nan, nan), (2.0, 2.0, 0.0)]
    """
    line = fast - slow
    signal = exponential_average(f, at, seen, 9, line) if seen > 0 else math.nan
    return line, signal, line - signal


@inlined
def step(f: Floats, at: int, seen: int, change: float, high: float, low: float, close: float, out: Floats) -> None:
    """Write the oscillators; `change` is that of the close."""
    macd = convergence(f, at + _SIGNAL, seen - 25, out[EMA12], out[EMA26])
    out[RSI14] = relative_strength(f, at + _RSI, seen - 1, 14, change)
    out[STOCH_K], out[STOCH_D] = stochastic(f, at + _STOCHASTIC, seen, high, low, close)
    out[CCI20] = commodity_channel(f, at + _CHANNEL, seen, (high + low + close) / 3.0)
    out[MACD], out[MACD_SIGNAL], out[MACD_HISTOGRAM] = macd
    out[ROC1], out[ROC5], out[ROC10] = rates_of_change(f, at + _CLOSES, seen, close)
