"""The trades of the generated market: so many a minute on its path, on tick and step, made alike at every call."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled
from trader.core.timeframe import MINUTE_MS
from trader.market.synthetic.noise import GOLDEN, LOW_16, MIX_1, MIX_2, S16, S27, S30, S31, S32, S48
from trader.market.table import Floats, Times
from trader.market.trades import Flags

#: Mean of 1 / (0.08 + u) for u uniform in [0, 1): quantities have that shape, from a third of the mean to five times.
QUANTITY_MEAN = math.log(1.08 / 0.08)
ONE_SECOND = 1000.0
FIRST_BITS = np.uint64(0xFFFFF)
S20, S40, S44 = np.uint64(20), np.uint64(40), np.uint64(44)
ONE = np.uint64(1)


@compiled
def word(key: np.uint64, position: np.uint64) -> np.uint64:
    """Return 64 random bits of one position, as `noise.words` does for many."""
    value = key + (position + ONE) * GOLDEN
    value = (value ^ (value >> S30)) * MIX_1
    value = (value ^ (value >> S27)) * MIX_2
    return value ^ (value >> S31)


@compiled
def make_trades(
    key: np.uint64,
    first_minute: int,
    level: Floats,
    sigma: NDArray[np.float32],
    activity: NDArray[np.float32],
    trades: NDArray[np.int32],
    units: tuple[float, float, float],
) -> tuple[Times, Floats, Floats, Flags]:
    """Return times, prices, quantities and buyer-is-maker of the trades of some minutes.

    `level[n+1]`: log price; `trades[n+1]`: the count before each minute. `units`: ticks in 1, steps in 1, mean steps.
    Within a minute the price is a random bridge from one level to the next: the last trade is at the minute's end
    level, the first comes within the first second (so that a minute opens as its first second does). A taker who
    buys pays the tick above, one who sells gets the one below; takers follow the move in 7 of 10 trades.
    """
    count = trades[-1] - trades[0]
    times, makers = np.empty(count, np.int64), np.empty(count, np.bool_)
    prices, quantities = np.empty(count), np.empty(count)
    ticks, steps, mean_steps = units
    row = 0
    for minute in range(len(sigma)):
        number = trades[minute + 1] - trades[minute]
        price, end = math.exp(level[minute]) * ticks, math.exp(level[minute + 1]) * ticks
        spread = price * sigma[minute] / math.sqrt(number)
        slot = MINUTE_MS / number
        size = mean_steps * math.sqrt(activity[minute]) / QUANTITY_MEAN
        own = word(key, np.uint64(first_minute + minute))
        for trade in range(number):
            left = number - trade
            bits = word(own, np.uint64(2 * trade))
            shock = float((bits & LOW_16) + ((bits >> S16) & LOW_16) + ((bits >> S32) & LOW_16) + (bits >> S48))
            shock = (shock * 2.0**-16 - 2.0) * math.sqrt(3.0)
            price += (end - price) / left + spread * math.sqrt((left - 1) / left) * shock
            bits = word(own, np.uint64(2 * trade + 1))
            wait = float(bits & FIRST_BITS) * 2.0**-20
            sells = (float(bits >> S44) * 2.0**-20 < 0.7) == (shock < 0)
            big = float((bits >> S20) & FIRST_BITS) * 2.0**-20
            at = trade * slot + wait * slot if trade else wait * min(slot, ONE_SECOND)
            times[row] = (first_minute + minute) * MINUTE_MS + int(at)
            prices[row] = max(1.0, math.floor(price) if sells else math.ceil(price)) / ticks
            quantities[row] = max(1.0, math.floor(size / (0.08 + big))) / steps
            makers[row] = sells
            row += 1
    return times, prices, quantities, makers
