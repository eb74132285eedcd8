"""What a daemon must know before its first decision: each stream's candles from its anchor on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.live.feed import Feed, without
from trader.exchange.binance.rest import BinanceRest
from trader.market.history import stream_table
from trader.market.store import Store
from trader.market.table import CandleTable

log = logging.getLogger(__name__)


class History:
    """Fills the store from the venue and reads the streams' tables from it."""

    def __init__(self, settings: Settings, store: Store, rest: BinanceRest, feeds: Mapping[str, Feed]) -> None:
        self._settings = settings
        self._store = store
        self._rest = rest
        self._feeds = feeds

    async def fetch(
        self, exits: Mapping[str, Timeframe], streams: Sequence[tuple[str, Timeframe]], anchor: int, end: int
    ) -> None:
        """Bring what the store lacks: the bases up to `end`, the longer streams up to the anchor.

        A longer candle that is in the making at `anchor` or `end` needs its parts, so a base reaches back to its open.
        """
        for symbol, base in exits.items():
            longest = max(timeframe.ms for name, timeframe in streams if name == symbol)
            start = min(
                anchor - self._settings.PRELOAD_CANDLES * base.ms, anchor - anchor % longest, end - end % longest
            )
            await self._complete(symbol, base, start - start % base.ms, end - end % base.ms)
        for symbol, timeframe in streams:
            if timeframe is not exits[symbol]:
                start = anchor - self._settings.PRELOAD_CANDLES * timeframe.ms
                await self._complete(symbol, timeframe, start - start % timeframe.ms, anchor - anchor % timeframe.ms)

    def table(self, symbol: str, base: Timeframe, timeframe: Timeframe, anchor: int, end: int) -> CandleTable:
        """Return a stream's candles from its anchor to `end`, as a backtest would read them."""
        start = anchor - self._settings.PRELOAD_CANDLES * timeframe.ms
        return stream_table(self._store, self._settings.MARKET, symbol, base, timeframe, start, end)

    def base(self, symbol: str, base: Timeframe, end: int) -> CandleTable:
        """Return the base candles of the last two days before `end`: enough for every longer candle in the making."""
        return self._store.read(self._settings.MARKET, symbol, base, end - 2 * DAY_MS, end)

    async def _complete(self, symbol: str, timeframe: Timeframe, start: int, end: int) -> None:
        market = self._settings.MARKET
        for first, last in _lacking(self._store.manifest(market, symbol, timeframe).spans, start, end):
            table = await self._ask(symbol, timeframe, first, last)
            log.info(
                "preloaded %d candles",
                len(table),
                extra={"symbol": symbol, "timeframe": str(timeframe)},
            )
            if len(table):
                self._store.merge(market, table)

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
