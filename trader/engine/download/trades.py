"""Seconds of USD-M, which has no such candles: built from its aggregated trades, page by page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trader.core.errors import DataError
from trader.core.timeframe import HOUR_MS, MINUTE_MS
from trader.engine.download.stream import Stream
from trader.exchange.binance.rows import TradePage
from trader.market.manifest import Span
from trader.market.table import CandleTable
from trader.market.trades import candles_from_trades

#: Trades that are built into candles and kept at one stroke.
CHUNK_TRADES = 20_000
#: How far before a span its last price is looked for.
LOOK_BACK_MS = MINUTE_MS


async def fetch_trades(stream: Stream, job: Span) -> None:
    """Download the trades of `job` and keep their candles, a chunk of whole candles at a time."""
    start, end = job
    pages = [await _first_page(stream, start - LOOK_BACK_MS, end)]
    while start < end:
        over = _is_over(pages[-1], end)
        if over or sum(len(page.trades) for page in pages) >= CHUNK_TRADES:
            stop = end if over else _whole(pages[-1], stream.timeframe.ms)
            if stop > start:
                stream.keep(_built(stream, pages, start, stop), (start, stop))
                start, pages = stop, _from(pages, stop)
        if not over:
            pages.append(await _following(stream, pages[-1]))


async def _first_page(stream: Stream, start: int, end: int) -> TradePage:
    """Return the first page of trades: the venue looks an hour ahead at most, so an empty hour is stepped over."""
    while True:
        stop = min(end, start + HOUR_MS)
        page = await stream.rest.agg_trades(stream.symbol, start_ms=start, end_ms=stop)
        if len(page.trades) or stop >= end:
            return page
        start = stop


async def _following(stream: Stream, page: TradePage) -> TradePage:
    following = int(page.trades.ids[-1]) + 1
    fresh = await stream.rest.agg_trades(stream.symbol, from_id=following)
    if len(fresh.trades) and fresh.trades.ids[0] < following:
        raise DataError(f"aggTrades of {stream.symbol}: asked from id {following} on, earlier ones came")
    return fresh if len(fresh.trades) else TradePage(page.trades, page.counts, last=True)


def _is_over(page: TradePage, end: int) -> bool:
    trades = page.trades
    return page.last or not len(trades) or int(trades.times_ms[-1]) >= end


def _whole(page: TradePage, step_ms: int) -> int:
    """Return the open time of the candle that the last trade is in: those before it are whole."""
    last = int(page.trades.times_ms[-1])
    return last - last % step_ms


def _from(pages: Sequence[TradePage], start: int) -> list[TradePage]:
    """Return what is still needed: the pages with trades from `start` on, and the one before, for its last price."""
    first = next((at for at, page in enumerate(pages) if page.trades.times_ms[-1] >= start), len(pages))
    return list(pages[max(0, first - 1) :])


def _built(stream: Stream, pages: Sequence[TradePage], start: int, stop: int) -> CandleTable:
    names = ("ids", "times_ms", "prices", "quantities", "is_buyer_maker")
    ids, *columns = (np.concatenate([getattr(page.trades, name) for page in pages]) for name in names)
    counts = np.concatenate([page.counts for page in pages])
    return candles_from_trades(stream.symbol, stream.timeframe, *columns, start, stop, ids=ids, counts=counts)
