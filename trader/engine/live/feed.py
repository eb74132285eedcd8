"""One coin's base candles over the wire, whatever the venue calls them.

Most bases are kline streams. 15s and 30s are built from 1s klines on spot, and on USD-M, which has no 1s, everything
below a minute from aggregated trades.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import msgspec
import numpy as np

from trader.core.candle import EXTRA_COLUMNS, NAN, Candle
from trader.core.settings import Market
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.exchange.binance.endpoints import agg_trade_stream, kline_stream
from trader.exchange.binance.messages import AggTrade, KlineMessage, Message
from trader.exchange.binance.rest import BinanceRest
from trader.exchange.binance.rows import TradePage
from trader.market.resample import Resampler, resample
from trader.market.table import CandleTable
from trader.market.trades import TradeCandles, candles_from_trades


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

    async def fetch(self, rest: BinanceRest, start_ms: int, end_ms: int, closed_before_ms: int | None) -> CandleTable:
        """Return the venue's closed base candles with `start_ms <= open_time < end_ms`."""
        ...


def make_feed(market: Market, symbol: str, base: Timeframe, columns: Collection[str] = EXTRA_COLUMNS) -> Feed:
    """Return the feed for `base`; `columns` are the optional ones that the venue's data has, others become NaN."""
    absent = tuple(name for name in EXTRA_COLUMNS if name not in columns)
    if base.ms >= MINUTE_MS or (market == "spot" and base is Timeframe.SEC_1):
        return KlineFeed(market, symbol, base, absent)
    return SecondFeed(symbol, base, absent) if market == "spot" else TradeFeed(symbol, base)


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
        return [msgspec.structs.replace(message.candle, **self._nothing) if self._nothing else message.candle]

    def advance(self, clock_ms: int) -> list[Candle]:
        """Return nothing: the venue says when a candle closes."""
        return []

    async def fetch(self, rest: BinanceRest, start_ms: int, end_ms: int, closed_before_ms: int | None) -> CandleTable:
        """Return klines."""
        table = await rest.klines(self.symbol, self.base, start_ms, end_ms, closed_before_ms=closed_before_ms)
        return without(table, self.absent)


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

    async def fetch(self, rest: BinanceRest, start_ms: int, end_ms: int, closed_before_ms: int | None) -> CandleTable:
        """Return candles built from 1s klines."""
        return resample(await self._seconds.fetch(rest, start_ms, end_ms, closed_before_ms), self.base)


class TradeFeed:
    """1s, 15s and 30s from the aggregated trades of USD-M."""

    def __init__(self, symbol: str, base: Timeframe) -> None:
        self.symbol = symbol
        self.stream = agg_trade_stream(symbol)
        self.base = base
        self.absent: tuple[str, ...] = ()
        self._trades = TradeCandles(symbol, base)

    def take(self, message: Message) -> list[Candle]:
        """Return the base candles that a trade shows to be over; doubtful ones are left out, so REST repairs them."""
        if not isinstance(message, AggTrade):
            return []
        count = float(message.last_id - message.first_id + 1)
        done = self._trades.push(
            message.trade_id, message.time_ms, message.price, message.quantity, message.buyer_is_maker, count
        )
        return self._vouched(done)

    def advance(self, clock_ms: int) -> list[Candle]:
        """Return the base candles that closed a second ago or more: trades are that late at most."""
        return self._vouched(self._trades.advance(clock_ms - 1_000))

    def _vouched(self, done: list[Candle]) -> list[Candle]:
        gaps = self._trades.gaps
        if not gaps:
            return done
        doubtful = [candle for candle in done if any(gap.start_ms <= candle.open_time < gap.end_ms for gap in gaps)]
        latest = max((candle.open_time for candle in done), default=0)
        for gap in [gap for gap in gaps if gap.end_ms <= latest]:
            self._trades.settle(gap)
        return [candle for candle in done if candle not in doubtful]

    async def fetch(self, rest: BinanceRest, start_ms: int, end_ms: int, closed_before_ms: int | None) -> CandleTable:
        """Return candles built from the venue's trades, a minute of earlier ones telling the last price."""
        end = end_ms if closed_before_ms is None else min(end_ms, closed_before_ms - closed_before_ms % self.base.ms)
        pages = [await rest.agg_trades(self.symbol, start_ms=start_ms - MINUTE_MS, end_ms=end)]
        while len(pages[-1].trades) >= 1_000:
            following = await rest.agg_trades(self.symbol, from_id=int(pages[-1].trades.ids[-1]) + 1)
            pages.append(following)
            if not len(following.trades) or following.trades.times_ms[-1] >= end:
                break
        return _built(self.symbol, self.base, pages, start_ms, end)


def _built(symbol: str, base: Timeframe, pages: list[TradePage], start_ms: int, end_ms: int) -> CandleTable:
    columns = {
        name: np.concatenate([getattr(page.trades, name) for page in pages])
        for name in ("ids", "times_ms", "prices", "quantities", "is_buyer_maker")
    }
    counts = np.concatenate([page.counts for page in pages])
    return candles_from_trades(
        symbol,
        base,
        columns["times_ms"],
        columns["prices"],
        columns["quantities"],
        columns["is_buyer_maker"],
        start_ms,
        max(start_ms, end_ms),
        ids=columns["ids"],
        counts=counts,
    )


def without(table: CandleTable, absent: Collection[str]) -> CandleTable:
    """Return `table` with the optional columns in `absent` as NaN."""
    if not absent:
        return table
    nothing = np.full(len(table), np.nan)
    return msgspec.structs.replace(table, **dict.fromkeys(absent, nothing))
