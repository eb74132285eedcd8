"""`MAX_CAPITAL`: what a pool may have in use, however much it has."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.trading.book import Book


def usable_equity(settings: Settings, book: Book) -> float:
    """Return the equity that sizes are a share of: no more than `MAX_CAPITAL`."""
    equity = book.pool.equity
    return equity if settings.MAX_CAPITAL is None else min(equity, settings.MAX_CAPITAL)


def usable_free(settings: Settings, book: Book) -> float:
    """Return what may still be reserved: free capital, and no more than `MAX_CAPITAL` leaves beside what is in use."""
    free = book.pool.free
    return free if settings.MAX_CAPITAL is None else min(free, settings.MAX_CAPITAL - book.reserved)
