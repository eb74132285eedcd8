"""Plays the generated market: made from a seed, without end."""

from __future__ import annotations

from typing import Any

import numpy as np

from trader.core.candle import EXTRA_COLUMNS
from trader.core.timeframe import DAY_MS, MINUTE_MS, Timeframe
from trader.exchange.embedded.source import MARKETS, Funding, Trades, part_of
from trader.exchange.embedded.source_store import as_funding
from trader.market.synthetic import SyntheticMarket
from trader.market.synthetic.path import BLOCK_MINUTES, TRADES_PER_BLOCK
from trader.market.table import CandleTable, Times
from trader.market.trades import TradeTable

#: What is listed when no symbols are named.
DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT")
#: When the play begins unless told: a Monday, 2026-01-05.
DEFAULT_START_MS = 1_767_571_200_000
#: The market was listed so long before its play, and has no end.
HISTORY_MS = 365 * DAY_MS
FOREVER_MS = 4_133_404_800_000


class GeneratedSource:
    """The market of `seed` whose prices are the listed ones at `start_ms`; spot and USD-M have the same symbols."""

    generated = True

    def __init__(self, seed: int, symbols: tuple[str, ...], start_ms: int) -> None:
        self.name = f"generated market, seed {seed}: its prices are invented"
        self._start_ms = start_ms
        self._symbols = symbols or DEFAULT_SYMBOLS
        self._markets = {market: SyntheticMarket(seed, self._symbols, start_ms, market) for market in MARKETS}

    def symbols(self, market: str) -> tuple[str, ...]:
        """Return the symbols that can be played."""
        return self._symbols

    def timeframes(self, market: str, symbol: str) -> tuple[Timeframe, ...]:
        """Return what is held of a symbol, the finest first."""
        return Timeframe.SEC_1, Timeframe.MIN_1

    def base_of(self, market: str, symbol: str, timeframe: Timeframe) -> Timeframe:
        """Return the held timeframe from whose candles those of `timeframe` are built."""
        return Timeframe.SEC_1 if timeframe.ms < MINUTE_MS else Timeframe.MIN_1

    def span(self, market: str, symbol: str, timeframe: Timeframe) -> tuple[int, int]:
        """Return `[start, end)` of what is held of one stream, ms."""
        return (self._start_ms - HISTORY_MS) // DAY_MS * DAY_MS, FOREVER_MS

    def columns(self, market: str, symbol: str) -> tuple[str, ...]:
        """Return the optional columns of the finest candles."""
        return EXTRA_COLUMNS

    def candles(self, market: str, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        """Return the candles with `start_ms <= open_time < end_ms`."""
        begin, end = self.span(market, symbol, timeframe)
        return self._markets[market].candles(symbol, timeframe, max(start_ms, begin), min(end_ms, end))

    def trades(self, market: str, symbol: str) -> Trades:
        """Return a symbol's trades."""
        return GeneratedTrades(self._markets[market], symbol, self.span(market, symbol, Timeframe.SEC_1)[0])

    def exchange_info(self, market: str) -> dict[str, Any]:
        """Return the exchangeInfo of the market."""
        return self._markets[market].exchange_info()

    def funding(self, market: str, symbol: str, start_ms: int, end_ms: int) -> Funding:
        """Return the payments with `start_ms <= time < end_ms`."""
        begin = max(start_ms, self.span(market, symbol, Timeframe.MIN_1)[0])
        return as_funding(self._markets[market].funding(symbol, begin, max(begin, end_ms)))


class GeneratedTrades:
    """The trades of one symbol of the generated market: so many in each block of its days, so ids follow from time."""

    def __init__(self, market: SyntheticMarket, symbol: str, listed_ms: int) -> None:
        self._market = market
        self._symbol = symbol
        self._listed_ms = listed_ms

    def between(self, start_ms: int, end_ms: int) -> TradeTable:
        """Return the trades with `start_ms <= time < end_ms`."""
        return self._market.trades(self._symbol, max(start_ms, self._listed_ms), end_ms)

    def last(self, end_ms: int, count: int) -> TradeTable:
        """Return the last `count` trades before `end_ms`."""
        minutes = 2
        trades = self.between(end_ms - minutes * MINUTE_MS, end_ms)
        while len(trades) < count and end_ms - minutes * MINUTE_MS > self._listed_ms:
            minutes *= 2
            trades = self.between(end_ms - minutes * MINUTE_MS, end_ms)
        return part_of(trades, max(0, len(trades) - count), len(trades))

    def from_id(self, id: int, end_ms: int, count: int) -> TradeTable:
        """Return `count` trades before `end_ms`, from `id` on."""
        start = max(self._minute_of(id) * MINUTE_MS, self._listed_ms)
        minutes = 2
        trades = self.between(start, min(start + minutes * MINUTE_MS, end_ms))
        while len(trades) and trades.ids[-1] < id + count - 1 and start + minutes * MINUTE_MS < end_ms:
            minutes *= 2
            trades = self.between(start, min(start + minutes * MINUTE_MS, end_ms))
        low = int(np.searchsorted(trades.ids, id))
        return part_of(trades, low, low + count)

    def first_id(self, time_ms: int) -> int:
        """Return the id of the first trade at or after `time_ms`."""
        minutes = 1
        trades = self._market.trades(self._symbol, time_ms, time_ms + MINUTE_MS)
        while not len(trades):
            minutes *= 2
            trades = self._market.trades(self._symbol, time_ms, time_ms + minutes * MINUTE_MS)
        return int(trades.ids[0])

    def spans(self, table: CandleTable) -> tuple[Times, Times]:
        """Return ids by the counts of trades: no candle is ever missing."""
        if not len(table):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        counts = table.count.astype(np.int64)
        ends = self.first_id(int(table.open_time[0])) + np.cumsum(counts)
        return np.where(counts > 0, ends - counts, -1), np.where(counts > 0, ends - 1, -1)

    def _minute_of(self, id: int) -> int:
        """Return the minute that holds the trade `id`, by bisection within its block."""
        low = id // TRADES_PER_BLOCK * BLOCK_MINUTES
        high = low + BLOCK_MINUTES
        while high - low > 1:
            middle = (low + high) // 2
            if self.first_id(middle * MINUTE_MS) <= id:
                low = middle
            else:
                high = middle
        return low
