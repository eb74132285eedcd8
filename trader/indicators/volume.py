"""Volume: on balance, weighted price of the day, average, share of takers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader.compiled import inlined
from trader.indicators.columns import column
from trader.indicators.moving_averages import simple_average
from trader.indicators.ratios import share
from trader.indicators.windows import window_size

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

OBV, VWAP_DAY = column("obv"), column("vwap_day")
VOLUME_SMA20, VOLUME_RATIO = column("volume_sma20"), column("volume_ratio")
TAKER_BUY_RATIO = column("taker_buy_ratio")

DAY_MS = 86_400_000

_BALANCE = 0
_TURNOVER = _BALANCE + 1
_VOLUME = _TURNOVER + 1
_AVERAGE = _VOLUME + 1
SIZE = _AVERAGE + window_size(20)


@inlined
def on_balance_volume(f: Floats, at: int, seen: int, change: float, volume: float) -> float:
    """Return the sum since the anchor of the volumes of candles that rose less those that fell.

    J. Granville, Granville's New Key to Stock Market Profits (1963). As TA-Lib's OBV, begun with the first volume.
    State: one float.

    >>> f = np.zeros(1)
    >>> [on_balance_volume(f, 0, seen, change, 10.0) for seen, change in ((1, 0.0), (2, 1.0), (3, -1.0), (4, 0.0))]
    [10.0, 20.0, 10.0, 10.0]
    """
    side = 1.0 if change > 0.0 or seen == 1 else -1.0 if change < 0.0 else 0.0
    balance: float = f[at] + side * volume
    f[at] = balance
    return balance


@inlined
def weighted_price(f: Floats, at: int, typical: float, volume: float) -> float:
    """Return `sum(typical * volume) / sum(volume)` so far; the typical price (H + L + C) / 3 while nothing was traded.

    State: both sums; zero them where a day begins.

    >>> f = np.zeros(2)
    >>> weighted_price(f, 0, 10.0, 0.0), weighted_price(f, 0, 10.0, 1.0), weighted_price(f, 0, 20.0, 3.0)
    (10.0, 10.0, 17.5)
    """
    f[at] += typical * volume
    f[at + 1] += volume
    price: float = f[at] / f[at + 1] if f[at + 1] > 0.0 else typical
    return price


@inlined
def day_weighted_price(f: Floats, at: int, days: Integers, open_time: int, typical: float, volume: float) -> float:
    """Return the volume-weighted average price of the UTC day of `open_time` (ms); `days[0]` keeps the day.

    The first day counts from the anchor. State: two floats.

    >>> f, days = np.zeros(2), np.zeros(1, np.int64)
    >>> noon, midnight = 43_200_000, 86_400_000
    >>> day_weighted_price(f, 0, days, noon, 10.0, 1.0), day_weighted_price(f, 0, days, midnight, 20.0, 3.0)
    (10.0, 20.0)
    """
    day = open_time // DAY_MS
    if day != days[0]:
        days[0] = day
        f[at] = f[at + 1] = 0.0
    return weighted_price(f, at, typical, volume)


@inlined
def step(
    f: Floats,
    at: int,
    days: Integers,
    seen: int,
    open_time: int,
    change: float,
    typical: float,
    volume: float,
    taker_buy_volume: float,
    out: Floats,
) -> None:
    """Write the values of volume.

    `volume_ratio` is the volume over the average of 20, itself included; 1 where nothing was traded in all of them.
    `taker_buy_ratio` is the share of the volume that takers bought: 0.5 where nothing was traded, and NaN where the
    source of the candles does not tell.
    """
    out[OBV] = on_balance_volume(f, at + _BALANCE, seen, change, volume)
    out[VWAP_DAY] = day_weighted_price(f, at + _TURNOVER, days, open_time, typical, volume)
    out[VOLUME_SMA20] = simple_average(f, at + _AVERAGE, seen, 20, volume)
    out[VOLUME_RATIO] = share(volume, out[VOLUME_SMA20], 1.0)
    out[TAKER_BUY_RATIO] = share(taker_buy_volume, volume, 0.5)
