"""Which streams are looked at more closely: those with an open trade that a rule would close or add to on a signal."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.trading.book import Book


def looks_at_held(settings: Settings) -> bool:
    """Tell whether a rule acts on what is seen on a stream with an open trade."""
    return settings.REVERSAL.enable or settings.PYRAMIDING.enable


def held_streams(settings: Settings, book: Book) -> frozenset[tuple[str, Timeframe]]:
    """Return the streams with an open trade, where a rule acts on what is seen there; a hedge has no stream."""
    if not looks_at_held(settings):
        return frozenset()
    return frozenset((trade.symbol, trade.timeframe) for trade in book.trades.values() if not trade.hedge)


def is_held(book: Book, symbol: str, timeframe: Timeframe) -> bool:
    """Tell whether a trade is open on a stream."""
    return any(
        trade.symbol == symbol and trade.timeframe is timeframe and not trade.hedge for trade in book.trades.values()
    )
