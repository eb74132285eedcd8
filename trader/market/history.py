"""What the store knows of a stream, whatever timeframe it was stored in. Backtest and embedded exchange read here."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from trader.core.candle import VALUE_COLUMNS
from trader.core.errors import DataError
from trader.core.timeframe import Timeframe
from trader.market.resample import resample
from trader.market.store import Store
from trader.market.table import CandleTable


def finest_stored(store: Store, market: str, symbol: str) -> Timeframe | None:
    """Return the finest timeframe of a coin with candles, None without any."""
    stored = store.timeframes(market, symbol)
    return stored[0] if stored else None


def history(store: Store, market: str, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
    """Return the candles with `start_ms <= open_time < end_ms`.

    Stored candles of the timeframe itself count inside their own span, gaps included. Before and after it, candles
    are built from the next finer timeframe that is stored. Nothing finer and nothing stored is an empty table.
    """
    own = store.manifest(market, symbol, timeframe)
    if own.first is None or own.last is None:
        return _built(store, market, symbol, timeframe, start_ms, end_ms)
    inside = store.read(market, symbol, timeframe, start_ms, end_ms)
    before = _built(store, market, symbol, timeframe, start_ms, min(end_ms, own.first))
    after = _built(store, market, symbol, timeframe, max(start_ms, own.last + timeframe.ms), end_ms)
    return joined([before, inside, after])


def _built(store: Store, market: str, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
    finer = [other for other in store.timeframes(market, symbol) if _builds(other, timeframe)]
    if not finer or start_ms >= end_ms:
        return CandleTable.empty(symbol, timeframe)
    end = -(-end_ms // timeframe.ms) * timeframe.ms
    source = history(store, market, symbol, finer[-1], start_ms - start_ms % timeframe.ms, end)
    return resample(source, timeframe).between(start_ms, end_ms)


def _builds(finer: Timeframe, timeframe: Timeframe) -> bool:
    return finer.ms < timeframe.ms and timeframe.ms % finer.ms == 0


def joined(tables: list[CandleTable]) -> CandleTable:
    """Return tables of one stream, each after the one before, as one; raise `DataError` when they overlap."""
    filled = [table for table in tables if len(table)] or tables[:1]
    if len(filled) == 1:
        return filled[0]
    for earlier, later in pairwise(filled):
        if later.open_time[0] <= earlier.open_time[-1]:
            raise DataError(f"{later.symbol} {later.timeframe}: candles overlap at {later.open_time[0]}")
    times = np.concatenate([table.open_time for table in filled])
    columns = [np.concatenate([getattr(table, name) for table in filled]) for name in VALUE_COLUMNS]
    return CandleTable(filled[0].symbol, filled[0].timeframe, times, *columns)


def stream_table(
    store: Store, market: str, symbol: str, base: Timeframe, timeframe: Timeframe, start_ms: int, end_ms: int
) -> CandleTable:
    """Return a stream's candles that opened at `start_ms` or later and have closed by `end_ms`.

    They are built from the base, and the store's own where the base does not reach back. This is what the daemon
    sees: it subscribes the base, builds the rest, and preloads what lies before.
    """
    return stream_from(
        store, market, history(store, market, symbol, base, start_ms, end_ms), timeframe, start_ms, end_ms
    )


def stream_from(
    store: Store, market: str, base: CandleTable, timeframe: Timeframe, start_ms: int, end_ms: int
) -> CandleTable:
    """Return what `stream_table` does, from the coin's base candles from `start_ms` or earlier to `end_ms` or later."""
    built = resample(base.between(start_ms, end_ms - base.timeframe.ms + 1), timeframe)
    if timeframe is base.timeframe:
        return built
    closed = end_ms - timeframe.ms + 1  # what opened before this has closed by the end
    first = int(built.open_time[0]) if len(built) else closed
    return joined([history(store, market, base.symbol, timeframe, start_ms, min(first, closed)), built])


def closing(table: CandleTable, start_ms: int, end_ms: int) -> CandleTable:
    """Return the candles whose instants lie in a run: they close after `start_ms` and by `end_ms`; as views."""
    return table.between(start_ms - table.timeframe.ms + 1, end_ms - table.timeframe.ms + 1)
