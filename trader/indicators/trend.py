"""Trend: directional movement and the parabolic stop."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trader.compiled import inlined
from trader.indicators.columns import column
from trader.indicators.moving_averages import wilder_average

Floats = NDArray[np.float64]

ADX14, PLUS_DI14, MINUS_DI14 = column("adx14"), column("plus_di14"), column("minus_di14")
PSAR = column("psar")

#: Wilder's acceleration of the parabolic stop: its first value and step, and its greatest.
ACCELERATION = 0.02
ACCELERATION_MAX = 0.2

DIRECTIONAL_SIZE = 4
PARABOLIC_SIZE = 4

_DIRECTIONAL = 0
_PARABOLIC = _DIRECTIONAL + DIRECTIONAL_SIZE
SIZE = _PARABOLIC + PARABOLIC_SIZE


@inlined
def directional_movement(rise: float, fall: float) -> tuple[float, float]:
    """Return +DM and -DM: of the rise of the high and the fall of the low only the greater counts. Wilder (1978).

    >>> directional_movement(2.0, 1.0), directional_movement(1.0, 1.0), directional_movement(-1.0, 3.0)
    ((2.0, 0.0), (0.0, 0.0), (0.0, 3.0))
    """
    plus = rise if rise > fall and rise > 0.0 else 0.0
    minus = fall if fall > rise and fall > 0.0 else 0.0
    return plus, minus


@inlined
def wilder_sum(f: Floats, at: int, seen: int, n: int, x: float) -> float:
    """Return `total - total / n + x`, begun with the plain sum of the first `n - 1`; NaN while `seen < n`.

    Wilder (1978), as in TA-Lib's DI and ADX. State: one float; a value with `seen` 0 is passed over.

    >>> f = np.zeros(1)
    >>> [wilder_sum(f, 0, seen, 2, x) for seen, x in ((0, 9.0), (1, 1.0), (2, 3.0), (3, 4.0))]
    [nan, nan, 3.5, 5.75]
    """
    if seen < n:
        f[at] += x if seen > 0 else 0.0
        return math.nan
    total: float = f[at] - f[at] / n + x
    f[at] = total
    return total


@inlined
def directional_index(
    f: Floats, at: int, seen: int, rise: float, fall: float, ranged: float
) -> tuple[float, float, float]:
    """Return ADX, +DI and -DI over 14 candles, 0 … 100. Wilder (1978).

    DI = `100 * sum of DM / sum of true range`; DX = `100 * |+DI - -DI| / (+DI + -DI)`; ADX is Wilder's average of DX.
    `seen` counts the changes, which begin with the second candle. As TA-Lib's; where nothing moved DI is 0 and the
    ADX stays (in its first 14 values, DX counts as 0). State: `DIRECTIONAL_SIZE` floats.

    >>> f = np.zeros(DIRECTIONAL_SIZE)
    >>> [directional_index(f, 0, seen, 1.0, -1.0, 2.0) for seen in range(1, 28)][-1]
    (100.0, 50.0, 0.0)
    """
    plus, minus = directional_movement(rise, fall)
    plus_sum = wilder_sum(f, at, seen, 14, plus)
    minus_sum = wilder_sum(f, at + 1, seen, 14, minus)
    range_sum = wilder_sum(f, at + 2, seen, 14, ranged)
    if seen < 14:
        return math.nan, math.nan, math.nan
    plus_di = 100.0 * (plus_sum / range_sum) if range_sum != 0.0 else 0.0
    minus_di = 100.0 * (minus_sum / range_sum) if range_sum != 0.0 else 0.0
    return average_index(f, at + 3, seen - 13, plus_di, minus_di), plus_di, minus_di


@inlined
def average_index(f: Floats, at: int, seen: int, plus_di: float, minus_di: float) -> float:
    """Return the ADX after one more pair of DI; it stays where both are 0. State: one float.

    >>> f = np.zeros(1)
    >>> [average_index(f, 0, seen, 30.0, 10.0) for seen in range(1, 15)][-1], average_index(f, 0, 15, 0.0, 0.0)
    (50.0, 50.0)
    """
    both = plus_di + minus_di
    if both == 0.0 and seen > 14:
        last: float = f[at]
        return last
    index = 100.0 * (abs(plus_di - minus_di) / both) if both != 0.0 else 0.0
    return wilder_average(f, at, seen, 14, index)


@inlined
def parabolic_stop(
    f: Floats, at: int, seen: int, high: float, low: float, previous_high: float, previous_low: float
) -> float:
    """Return Wilder's stop and reverse, 0.02 / 0.2, as TA-Lib's SAR; NaN for the first candle. Wilder (1978).

    The stop moves by `acceleration * (extreme - stop)` a candle, never into the range of the last two candles; the
    acceleration grows with each new extreme. A candle that touches the stop turns it: it restarts at the old extreme.
    The first direction is down when the second candle's low fell by more than its high rose, else up.
    State: `PARABOLIC_SIZE` floats: direction (1 or -1), stop, extreme, acceleration.

    Prices are multiplied by the direction, so that both sides share one formula; that changes no digit.

    >>> f = np.zeros(PARABOLIC_SIZE)
    >>> stops = [parabolic_stop(f, 0, seen, seen + 1.0, seen, float(seen), seen - 1.0) for seen in range(1, 5)]
    >>> [round(stop, 4) for stop in stops]
    [nan, 1.0, 1.04, 1.1584]
    """
    if seen < 2:
        return math.nan
    if seen == 2:
        begin_parabola(f, at, high, low, previous_high, previous_low)
        previous_high, previous_low = high, low
    side: float = f[at]
    best, worst = (high, low) if side > 0.0 else (-low, -high)
    previous_worst = previous_low if side > 0.0 else -previous_high
    stop: float = f[at + 1]
    if worst <= stop:
        return turn_parabola(f, at, side, high, low, previous_high, previous_low)
    if best > f[at + 2]:
        f[at + 2] = best
        f[at + 3] = min(f[at + 3] + ACCELERATION, ACCELERATION_MAX)
    f[at + 1] = min(stop + f[at + 3] * (f[at + 2] - stop), previous_worst, worst)
    return side * stop


@inlined
def begin_parabola(f: Floats, at: int, high: float, low: float, previous_high: float, previous_low: float) -> None:
    """Choose the direction at the second candle; stop and extreme are kept multiplied by it.

    >>> f = np.zeros(PARABOLIC_SIZE)
    >>> begin_parabola(f, 0, 3.0, 2.0, 2.0, 1.0)
    >>> f.tolist()
    [1.0, 1.0, 3.0, 0.02]
    """
    falling = previous_low - low > max(high - previous_high, 0.0)
    f[at] = -1.0 if falling else 1.0
    f[at + 1] = -previous_high if falling else previous_low
    f[at + 2] = -low if falling else high
    f[at + 3] = ACCELERATION


@inlined
def turn_parabola(
    f: Floats, at: int, side: float, high: float, low: float, previous_high: float, previous_low: float
) -> float:
    """Turn the stop to the other side of the price and return it: the old extreme, outside the last two ranges.

    >>> f = np.array([1.0, 2.0, 5.0, 0.06])
    >>> turn_parabola(f, 0, 1.0, 3.0, 1.5, 4.0, 2.5), f.tolist()
    (5.0, [-1.0, -4.93, -1.5, 0.02])
    """
    best, worst = (-low, -high) if side > 0.0 else (high, low)
    previous_worst = -previous_high if side > 0.0 else previous_low
    stop: float = min(-f[at + 2], previous_worst, worst)
    f[at] = -side
    f[at + 1] = min(stop + ACCELERATION * (best - stop), previous_worst, worst)
    f[at + 2] = best
    f[at + 3] = ACCELERATION
    return -side * stop


@inlined
def step(
    f: Floats,
    at: int,
    seen: int,
    ranged: float,
    high: float,
    low: float,
    previous_high: float,
    previous_low: float,
    out: Floats,
) -> None:
    """Write ADX, +DI, -DI and the parabolic stop; `ranged` is the true range."""
    rise, fall = high - previous_high, previous_low - low
    out[ADX14], out[PLUS_DI14], out[MINUS_DI14] = directional_index(f, at + _DIRECTIONAL, seen - 1, rise, fall, ranged)
    out[PSAR] = parabolic_stop(f, at + _PARABOLIC, seen, high, low, previous_high, previous_low)
