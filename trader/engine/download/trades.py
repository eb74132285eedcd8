"""Seconds of USD-M, which has no such candles: built from its aggregated trades, page by page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trader.core.candle import NAN
from trader.core.errors import DataError
from trader.core.timeframe import HOUR_MS, MINUTE_MS, Timeframe
from trader.engine.download.stream import Stream
from trader.exchange.binance.rows import TradePage
from trader.market.manifest import Span
from trader.market.table import CandleTable
from trader.market.trades import candles_from_trades

#: Trades that are built into candles and kept at one stroke.
CHUNK_TRADES = 20_000


async def fetch_trades(stream: Stream, job: Span) -> None:
    """Download the trades of `job` and keep their candles, a chunk of whole candles at a time."""
    start, end = job
    price = await _price_before(stream, start)
    pages = [await _first_page(stream, start - start % MINUTE_MS, end)]
    more = len(pages[0].trades) > 0
    while start < end:
        over = not more or int(pages[-1].trades.times_ms[-1]) >= end
        stop = end if over else _whole(pages[-1], stream.timeframe.ms)
        if over or (stop > start and sum(len(page.trades) for page in pages) >= CHUNK_TRADES):
            table = _built(stream, pages, start, stop, price)
            stream.keep(table, (start, stop))
            price = float(table.close[-1]) if len(table) else price
            start, pages = stop, _still_needed(pages, stop)
        if not over:
            fresh = await _following(stream, pages[-1])
            more = len(fresh.trades) > 0
            pages += [fresh] if more else []


async def _price_before(stream: Stream, start: int) -> float:
    """Return the close of the last full minute before `start`; NaN where there is none."""
    minute = start - start % MINUTE_MS
    before = await stream.rest.klines(
        stream.symbol, Timeframe.MIN_1, minute - MINUTE_MS, minute, closed_before_ms=minute
    )
    return float(before.close[-1]) if len(before) else NAN


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
    return fresh


def _whole(page: TradePage, step_ms: int) -> int:
    """Return the open time of the candle that the last trade is in: those before it are whole."""
    last = int(page.trades.times_ms[-1])
    return last - last % step_ms


def _still_needed(pages: Sequence[TradePage], start: int) -> list[TradePage]:
    """Return the pages with trades from `start` on, and the one before them, to whose ids theirs must join."""
    first = next((at for at, page in enumerate(pages) if page.trades.times_ms[-1] >= start), len(pages))
    return list(pages[max(0, first - 1) :])


def _built(stream: Stream, pages: Sequence[TradePage], start: int, stop: int, price: float) -> CandleTable:
    trades = [page.trades for page in pages]
    return candles_from_trades(
        stream.symbol,
        stream.timeframe,
        np.concatenate([each.times_ms for each in trades]),
        np.concatenate([each.prices for each in trades]),
        np.concatenate([each.quantities for each in trades]),
        np.concatenate([each.is_buyer_maker for each in trades]),
        start,
        stop,
        ids=np.concatenate([each.ids for each in trades]),
        counts=np.concatenate([page.counts for page in pages]),
        last_price=price,
    )
