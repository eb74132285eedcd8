"""Which streams are looked at more closely: those with an open trade, of which rules may think otherwise."""

from __future__ import annotations

from trader.core.timeframe import Timeframe
from trader.trading.book import Book

NOWHERE: frozenset[tuple[str, Timeframe]] = frozenset()


def held_streams(book: Book) -> frozenset[tuple[str, Timeframe]]:
    """Return the streams with an open trade; a hedge has no stream."""
    if not book.trades:
        return NOWHERE
    return frozenset((trade.symbol, trade.timeframe) for trade in book.trades.values() if not trade.hedge)


def is_held(book: Book, symbol: str, timeframe: Timeframe) -> bool:
    """Tell whether a trade is open on a stream."""
    return (symbol, timeframe) in held_streams(book)
