"""One coin's base candles over the wire, whatever the venue calls them.

Most bases are kline streams. 15s and 30s are built from 1s klines on spot; on USD-M, which has no 1s, everything below
a minute is built from trades (`trade_feed`).
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Protocol

import msgspec
import numpy as np

from trader.core.candle import NAN, Candle
from trader.core.settings import Market
from trader.core.timeframe import Timeframe
from trader.exchange.binance.endpoints import kline_stream
from trader.exchange.binance.messages import KlineMessage, Message
from trader.exchange.binance.rest import BinanceRest
from trader.market.resample import Resampler, resample
from trader.market.table import CandleTable

log = logging.getLogger(__name__)

#: A candle that says it closed so long after the event that brought it is none, ms.
AHEAD_MS = 2_000


class Feed(Protocol):
    """Gives a coin's closed base candles: as messages come, and by REST. `absent`: columns the data lacks."""

    symbol: str
    base: Timeframe
    stream: str
    absent: tuple[str, ...]

    def take(self, message: Message) -> list[Candle]:
        """Return the base candles that a message of this feed's stream completes."""
        ...

    def advance(self, clock_ms: int) -> list[Candle]:
        """Return the base candles that the market's clock alone completes."""
        ...

    def doubt(self) -> None:
        """Take note that messages may have been lost."""
        ...

    def is_silent(self, clock_ms: int) -> bool:
        """Tell whether the stream, which nobody else watches, has been silent for too long."""
        ...

    async def fetch(self, rest: BinanceRest, start_ms: int, end_ms: int, closed_before_ms: int | None) -> CandleTable:
        """Return the venue's closed base candles with `start_ms <= open_time < end_ms`.

        Candles that close by `closed_before_ms` are closed; None: only those that later ones prove to be.
        """
        ...


class KlineFeed:
    """The venue's own candles."""

    def __init__(self, market: Market, symbol: str, base: Timeframe, absent: tuple[str, ...] = ()) -> None:
        self.symbol = symbol
        self.stream = kline_stream(market, symbol, base)
        self.base = base
        self.absent = absent
        self._nothing = dict.fromkeys(absent, NAN)

    def take(self, message: Message) -> list[Candle]:
        """Return the candle that `message` closes."""
        if not isinstance(message, KlineMessage) or message.candle is None:
            return []
        candle = message.candle
        if candle.close_time > message.event_ms + AHEAD_MS:
            log.warning("a candle of %d says that it closed before its time: left out", candle.open_time)
            return []
        return [msgspec.structs.replace(candle, **self._nothing) if self._nothing else candle]

    def advance(self, clock_ms: int) -> list[Candle]:
        """Return nothing: the venue says when a candle closes."""
        return []

    def doubt(self) -> None:
        """Do nothing: each candle stands for itself."""

    def is_silent(self, clock_ms: int) -> bool:
        """Return False: streams of candles are watched where they are received."""
        return False

    async def fetch(self, rest: BinanceRest, start_ms: int, end_ms: int, closed_before_ms: int | None) -> CandleTable:
        """Return klines."""
        beyond = 0 if closed_before_ms is not None else self.base.ms  # the row that proves the last one wanted
        table = await rest.klines(self.symbol, self.base, start_ms, end_ms + beyond, closed_before_ms=closed_before_ms)
        return without(table.between(start_ms, end_ms), self.absent)


class SecondFeed:
    """15s and 30s from the 1s klines of spot."""

    def __init__(self, symbol: str, base: Timeframe, absent: tuple[str, ...] = ()) -> None:
        self.symbol = symbol
        self.base = base
        self.absent = absent
        self._seconds = KlineFeed("spot", symbol, Timeframe.SEC_1, absent)
        self.stream = self._seconds.stream
        self._resampler = Resampler(symbol, Timeframe.SEC_1, base)
        self._last = -1

    def take(self, message: Message) -> list[Candle]:
        """Return the base candle that the second closes, if it does."""
        built = []
        for candle in self._seconds.take(message):
            if candle.open_time > self._last:  # two sockets may overlap
                self._last = candle.open_time
                built.append(self._resampler.push(candle))
        return [candle for candle in built if candle is not None]

    def advance(self, clock_ms: int) -> list[Candle]:
        """Return nothing: the venue says when a candle closes."""
        return []

    def doubt(self) -> None:
        """Do nothing: a candle with a missing second does not come, and is repaired."""

    def is_silent(self, clock_ms: int) -> bool:
        """Return False: streams of candles are watched where they are received."""
        return False

    async def fetch(self, rest: BinanceRest, start_ms: int, end_ms: int, closed_before_ms: int | None) -> CandleTable:
        """Return candles built from 1s klines."""
        return resample(await self._seconds.fetch(rest, start_ms, end_ms, closed_before_ms), self.base)


def without(table: CandleTable, absent: Collection[str]) -> CandleTable:
    """Return `table` with the optional columns in `absent` as NaN."""
    if not absent:
        return table
    nothing = np.full(len(table), np.nan)
    return msgspec.structs.replace(table, **dict.fromkeys(absent, nothing))
