"""What the rules of correlation and hedging know of the hours before a run, the same in backtest and daemon.

A run whose rules look at hours begins with 30 days of them (and a run-in), so that they act from its first instant on.
An hour is the store's 1h candle; where it has none, it is built from the finest candles. The daemon has the store
filled by the exchange. High, low and close of an hour are those of its minutes to the bit, so both are the same hours;
only one of which minutes are missing can differ: what is built lacks it.
"""

from __future__ import annotations

from trader.core.candle import Candle
from trader.core.timeframe import DAY_MS, HOUR_MS, Timeframe
from trader.market.history import history, stream_table
from trader.market.store import Store
from trader.trading.hourly import PRELOAD_HOURS, Hourly

H1 = Timeframe.HOUR_1
#: How much is read at once: 30 days of seconds would not fit everywhere.
PIECE_MS = 5 * DAY_MS


def first_hour(time: int) -> int:
    """Return the open time of the first hour that a run from `time` on looks back at, ms.

    >>> (first_hour(3_600_000_000 + 5) - 3_600_000_000) // 3_600_000
    -860
    """
    return max(0, time - time % HOUR_MS - PRELOAD_HOURS * HOUR_MS)


def hours_before(store: Store, market: str, symbol: str, base: Timeframe, time: int) -> Hourly:
    """Return the hours of a coin as they stand when all that closed by `time` (ms) has been taken.

    `base` is its exit stream: a longer one than an hour tells no hours, as in the run.
    """
    hours = Hourly()
    if base.ms > HOUR_MS:
        return hours
    full = time - time % HOUR_MS
    for candle in _full_hours(store, market, symbol, base, first_hour(time), full):
        hours.take(candle, candle.close_time)
    for candle in history(store, market, symbol, base, full, time - base.ms + 1).candles():
        hours.take(candle, candle.close_time)
    return hours


def _full_hours(store: Store, market: str, symbol: str, base: Timeframe, start: int, end: int) -> list[Candle]:
    own = store.read(market, symbol, H1, start, end)
    if len(own) == (end - start) // HOUR_MS:
        return list(own.candles())
    found: dict[int, Candle] = {}
    for at in range(start, end, PIECE_MS):
        piece = stream_table(store, market, symbol, base, H1, at, min(at + PIECE_MS, end))
        found |= {candle.open_time: candle for candle in piece.candles()}
    found |= {candle.open_time: candle for candle in own.candles()}
    return [found[at] for at in sorted(found)]
