"""Candles below a minute of USD-M, which has no 1s klines: built from its aggregated trades.

A stream of trades may rightly say nothing for a while, and a candle without trades is flat. So silence must not be
mistaken for calm: a candle counts when the next trade's id proves that none was lost, or while the stream has spoken
a moment ago. Otherwise REST is asked.
"""

from __future__ import annotations

import math

import numpy as np

from trader.core.candle import Candle
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.exchange.binance.endpoints import agg_trade_stream
from trader.exchange.binance.messages import AggTrade, Message
from trader.exchange.binance.rest import BinanceRest
from trader.exchange.binance.rows import TradePage
from trader.market.table import CandleTable
from trader.market.trades import TradeCandles, candles_from_trades

#: Trades are so late at most, ms of the market.
LATE_MS = 1_000


class TradeFeed:
    """1s, 15s and 30s from aggregated trades; after `stale_ms` of silence the clock alone proves nothing."""

    def __init__(self, symbol: str, base: Timeframe, stale_ms: int) -> None:
        self.symbol = symbol
        self.stream = agg_trade_stream(symbol)
        self.base = base
        self.absent: tuple[str, ...] = ()
        self._trades = TradeCandles(symbol, base)
        self._stale_ms = stale_ms
        self._heard_ms = 0
        self._certain = False

    def take(self, message: Message) -> list[Candle]:
        """Return the base candles that a trade shows to be over; doubtful ones are left out, so REST repairs them."""
        if not isinstance(message, AggTrade):
            return []
        count = float(message.last_id - message.first_id + 1)
        known = self._trades.duplicates
        done = self._trades.push(
            message.trade_id, message.time_ms, message.price, message.quantity, message.buyer_is_maker, count
        )
        self._heard_ms = max(self._heard_ms, message.time_ms)
        self._certain = self._certain or self._trades.duplicates == known
        return self._vouched(done)

    def advance(self, clock_ms: int) -> list[Candle]:
        """Return the base candles that closed a second ago or more, while nothing speaks against the silence."""
        if not self._certain or self.is_silent(clock_ms):
            return []
        return self._vouched(self._trades.advance(clock_ms - LATE_MS))

    def doubt(self) -> None:
        """Trust the clock no more until a further trade shows whether any was lost."""
        self._certain = False

    def is_silent(self, clock_ms: int) -> bool:
        """Tell whether no trade has come for longer than can be taken for calm."""
        self._heard_ms = self._heard_ms or clock_ms  # before the first trade, it counts from the first look
        return clock_ms - self._heard_ms > self._stale_ms

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
        """Return candles built from the venue's trades; flat where there are none, at the price before."""
        pages = await self._pages(rest, start_ms, end_ms)
        last_ms = int(pages[-1].trades.times_ms[-1]) if len(pages[-1].trades) else 0
        end = min(end_ms, closed_before_ms if closed_before_ms is not None else last_ms)
        price = await self._price_before(rest, pages[0], start_ms)
        return _built(self.symbol, self.base, pages, start_ms, max(start_ms, end - end % self.base.ms), price)

    async def _pages(self, rest: BinanceRest, start_ms: int, end_ms: int) -> list[TradePage]:
        """Return the trades from `start_ms` to one page past `end_ms`: a request by time reaches an hour at most."""
        page = await rest.agg_trades(self.symbol, start_ms=start_ms)
        while not len(page.trades) and (start_ms := start_ms + HOUR_MS) < end_ms:
            page = await rest.agg_trades(self.symbol, start_ms=start_ms)
        pages = [page]
        while len(page.trades) and page.trades.times_ms[-1] < end_ms:
            page = await rest.agg_trades(self.symbol, from_id=int(page.trades.ids[-1]) + 1)
            pages.append(page)
        return pages if len(page.trades) or len(pages) == 1 else pages[:-1]

    async def _price_before(self, rest: BinanceRest, first: TradePage, start_ms: int) -> float:
        """Return the price of the last trade before `start_ms`; NaN where the venue shows none."""
        if len(first.trades):
            before = await rest.agg_trades(self.symbol, from_id=int(first.trades.ids[0]) - 1, limit=1)
        else:
            before = await rest.agg_trades(self.symbol, limit=1)
        earlier = len(before.trades) and before.trades.times_ms[-1] < start_ms
        return float(before.trades.prices[-1]) if earlier else math.nan


def _built(
    symbol: str, base: Timeframe, pages: list[TradePage], start_ms: int, end_ms: int, last_price: float
) -> CandleTable:
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
        end_ms,
        ids=columns["ids"],
        counts=counts,
        last_price=last_price,
    )
