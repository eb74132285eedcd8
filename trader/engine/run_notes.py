"""What a person must read first about a backtest: how it ended, and what its data lack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS
from trader.engine.passage import Funding
from trader.engine.prepare import Span
from trader.market.table import CandleTable
from trader.trading.book import Book

#: Funding falls due at 00, 08 and 16 UTC (trading-rules, section 5), on some coins more often; Binance's times are late
#: by some milliseconds.
FUNDING_EVERY_MS = 8 * HOUR_MS
FUNDING_LATE_MS = MINUTE_MS

#: How many funding times are missing, and the first and the last of them, ms.
Missing = tuple[int, int, int]


def day_text(time_ms: int) -> str:
    """Return a time as a person reads it, UTC.

    >>> day_text(1_735_689_600_000)
    '2025-01-01 00:00'
    """
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def ending_notes(book: Book) -> list[str]:
    """Say when the run ended paused, or without capital."""
    guards = book.guards
    notes = []
    if guards.drawdown_pause:
        since = day_text(guards.paused_at)
        notes.append(f"the run ended paused: the drawdown stopped entries on {since}, and nobody resumed them")
    if book.pool.free <= 0:
        notes.append("the pool has run out of free capital")
    return notes


def span_notes(tables: Iterable[CandleTable], span: Span) -> list[str]:
    """Say which coins have candles of a part of the run only: figures by the year are then of that part."""
    notes = []
    for table in tables:
        if not len(table):
            notes.append(f"{table.symbol} has no candles in the run")
            continue
        first, last = int(table.open_time[0]), int(table.open_time[-1]) + table.timeframe.ms
        if first - span.start >= DAY_MS or span.end - last >= DAY_MS:
            notes.append(f"{table.symbol} has candles only from {day_text(first)} to {day_text(last)}")
    return notes


def data_notes(
    settings: Settings, fallbacks: Sequence[str], funding: Funding, tables: Sequence[CandleTable]
) -> list[str]:
    """Say which coins lack filters, and on futures for what part of their candles they lack funding rates."""
    notes = []
    if fallbacks:
        notes.append(f"no stored filters for {', '.join(fallbacks)}: DEFAULT_FILTERS stand in (import an exchangeInfo)")
    return [*notes, *_funding_notes(funding, tables)] if settings.MARKET == "futures" else notes


def _funding_notes(funding: Funding, tables: Sequence[CandleTable]) -> list[str]:
    """Name the coins without any rate that was due, then those without some, alike ones together."""
    due = {table.symbol: _due(table) for table in tables if len(table)}
    without = [symbol for symbol, times in due.items() if len(times) and not funding.get(symbol)]
    notes = [f"no funding rates for {', '.join(without)}: funding is not in the result"] if without else []
    partly: dict[tuple[Missing, int], list[str]] = {}
    for symbol, times in due.items():
        missing = None if symbol in without else _missing(times, funding.get(symbol, ()))
        if missing is not None:
            partly.setdefault((missing, len(times)), []).append(symbol)
    return notes + [_partly_text(symbols, *which) for which, symbols in partly.items()]


def _due(table: CandleTable) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the funding times within a coin's candles, ms."""
    first, end = int(table.open_time[0]), int(table.open_time[-1]) + table.timeframe.ms
    return np.arange(first // FUNDING_EVERY_MS + 1, end // FUNDING_EVERY_MS + 1, dtype=np.int64) * FUNDING_EVERY_MS


def _missing(due: np.ndarray[tuple[int], np.dtype[np.int64]], rates: Sequence[tuple[int, float]]) -> Missing | None:
    """Return which funding times have no rate; None when each has one."""
    known = np.array([time for time, _ in rates], np.int64)
    at = np.searchsorted(known, due)
    there = np.append(known, np.iinfo(np.int64).max)[at] - due <= FUNDING_LATE_MS
    absent = due[~there]
    return (len(absent), int(absent[0]), int(absent[-1])) if len(absent) else None


def _partly_text(symbols: Sequence[str], missing: Missing, due: int) -> str:
    count, first, last = missing
    span = f"between {day_text(first)} and {day_text(last)}" if count > 1 else f"on {day_text(first)}"
    names = ", ".join(symbols)
    return f"funding rates of {names} lack {count:,} of {due:,} funding times, {span}: not in the result"
