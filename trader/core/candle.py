"""One candle of one stream."""

from __future__ import annotations

import math

import msgspec

from trader.core.timeframe import Timeframe

NAN = math.nan

#: The columns of a candle table, in the order of every array, file and ring.
#: `open_time` and `count` are integers on disk; absent columns are NaN in memory.
PRICE_COLUMNS = ("open", "high", "low", "close", "volume")
EXTRA_COLUMNS = ("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume")
VALUE_COLUMNS = PRICE_COLUMNS + EXTRA_COLUMNS
CANDLE_COLUMNS = ("open_time", *VALUE_COLUMNS)


class Candle(msgspec.Struct, frozen=True, gc=False):
    """A closed candle `[open_time, open_time + interval)`, times in ms UTC, prices in quote currency.

    The last four columns are NaN where the source does not have them.
    """

    symbol: str
    timeframe: Timeframe
    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float = NAN
    count: float = NAN
    taker_buy_volume: float = NAN
    taker_buy_quote_volume: float = NAN

    @property
    def close_time(self) -> int:
        """The instant at which the candle closes, ms: the open of the next."""
        return self.open_time + self.timeframe.ms
