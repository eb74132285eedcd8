"""What a daemon must know before its first decision: each stream's candles from its anchor on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine.live.feed import Feed, without
from trader.engine.live.hours import hours_wanted, one_span_each
from trader.engine.streams import StreamPlan
from trader.exchange.binance.endpoints import has_klines
from trader.exchange.binance.rest import BinanceRest
from trader.market.history import stream_table
from trader.market.store import Store
from trader.market.table import CandleTable

log = logging.getLogger(__name__)

#: Streams that are fetched side by side.
TOGETHER = 4


class History:
    """Fills the store from the venue and reads the streams' tables from it, in threads: a year takes seconds."""

    def __init__(
        self, settings: Settings, store: Store, rest: BinanceRest, feeds: Mapping[str, Feed], plan: StreamPlan
    ) -> None:
        self._settings = settings
        self._store = store
        self._rest = rest
        self._feeds = feeds
        self._plan = plan
        self._room = asyncio.Semaphore(TOGETHER)

    async def fetch(self, anchor: int, end: int) -> None:
        """Bring what the store lacks: the bases up to `end`, the longer streams up to the anchor.

        A longer candle that is in the making at `anchor` or `end` needs its parts, so a base reaches back to its open.
        Longer streams of which the venue has no candles (15s, 30s) are built from the base: then it reaches back as
        far as they do. Where a rule looks at hours, those before the anchor are brought too.
        """
        preload = self._settings.PRELOAD_CANDLES
        wanted = hours_wanted(self._settings, self._plan, anchor)
        for symbol, base in self._plan.exits.items():
            longest = self._longest(symbol)
            start = min(anchor - preload * self._farthest(symbol), anchor - anchor % longest, end - end % longest)
            wanted.append((symbol, base, max(0, start), end))
        for symbol, timeframe in self._plan.streams:
            if self._is_fetched(symbol, timeframe):
                wanted.append((symbol, timeframe, max(0, anchor - preload * timeframe.ms), anchor))
        tasks = [
            asyncio.create_task(self._complete(symbol, timeframe, first, end))
            for symbol, timeframe, first, end in one_span_each(wanted)
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def tables(self, symbol: str, anchor: int, end: int) -> list[CandleTable]:
        """Return the tables of a coin's streams from their anchors to `end`, as a backtest would read them."""
        base, market, preload = self._plan.exits[symbol], self._settings.MARKET, self._settings.PRELOAD_CANDLES
        return [
            await asyncio.to_thread(
                stream_table, self._store, market, symbol, base, timeframe, anchor - preload * timeframe.ms, end
            )
            for name, timeframe in self._plan.streams
            if name == symbol
        ]

    async def making(self, symbol: str, end: int) -> CandleTable:
        """Return the base candles before `end` that belong to longer candles in the making."""
        return await self.base(symbol, end - end % self._longest(symbol), end)

    async def base(self, symbol: str, start: int, end: int) -> CandleTable:
        """Return a coin's base candles with `start <= open_time < end`."""
        market, base = self._settings.MARKET, self._plan.exits[symbol]
        return await asyncio.to_thread(self._store.read, market, symbol, base, start, end)

    def _longest(self, symbol: str) -> int:
        return max(timeframe.ms for name, timeframe in self._plan.streams if name == symbol)

    def _is_fetched(self, symbol: str, timeframe: Timeframe) -> bool:
        """Tell whether a longer stream is preloaded as the venue has it, and not built from the coin's base."""
        return timeframe is not self._plan.exits[symbol] and has_klines(self._settings.MARKET, timeframe)

    def _farthest(self, symbol: str) -> int:
        """Return the length of the longest candles that are preloaded as base candles, ms."""
        built = [tf.ms for name, tf in self._plan.streams if name == symbol and not self._is_fetched(name, tf)]
        return max([self._plan.exits[symbol].ms, *built])

    async def _complete(self, symbol: str, timeframe: Timeframe, start: int, end: int) -> None:
        market = self._settings.MARKET
        start, end = start - start % timeframe.ms, end - end % timeframe.ms
        async with self._room:
            manifest = await asyncio.to_thread(self._store.manifest, market, symbol, timeframe)
            for first, last in _lacking(manifest.spans, start, end):
                table = await self._ask(symbol, timeframe, first, last)
                said = {"symbol": symbol, "timeframe": str(timeframe)}
                log.info("preloaded %d candles of %d", len(table), (last - first) // timeframe.ms, extra=said)
                if len(table):
                    await asyncio.to_thread(self._store.merge, market, table)

    async def _ask(self, symbol: str, timeframe: Timeframe, start: int, end: int) -> CandleTable:
        feed = self._feeds[symbol]
        if timeframe is feed.base:
            return await feed.fetch(self._rest, start, end, end)
        table = await self._rest.klines(symbol, timeframe, start, end, closed_before_ms=end)
        return without(table, feed.absent)


def _lacking(spans: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Return the parts of `[start, end)` that no span covers.

    >>> _lacking([(0, 10), (20, 30)], 5, 40)
    [(10, 20), (30, 40)]
    """
    lacking = []
    for first, last in sorted(spans):
        if last <= start or first >= end:
            continue
        if first > start:
            lacking.append((start, first))
        start = max(start, last)
    return [*lacking, (start, end)] if start < end else lacking
