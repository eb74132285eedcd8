"""No more than a share of equity may be reserved in one symbol, or in one direction."""

from __future__ import annotations

from typing import Any

from trader.core.settings import Settings
from trader.trading.book import Book
from trader.trading.limits.base import Proposal, exceeds


class SymbolExposure:
    """Reserved capital of the symbol, pending entries and the new one included, against `MAX_SYMBOL_EXPOSURE`."""

    rule = "symbol_exposure"

    def check(self, proposal: Proposal, book: Book, settings: Settings) -> dict[str, Any] | None:
        """Return the exposure and its limit, in quote currency, when the new trade would exceed it."""
        exposure = book.reserved_where(symbol=proposal.symbol) + proposal.reserve
        limit = settings.MAX_SYMBOL_EXPOSURE * book.pool.equity
        return {"exposure": exposure, "limit": limit} if exceeds(exposure, limit) else None


class DirectionExposure:
    """Reserved capital of the direction, pending entries and the new one included, against `MAX_DIRECTION_EXPOSURE`."""

    rule = "direction_exposure"

    def check(self, proposal: Proposal, book: Book, settings: Settings) -> dict[str, Any] | None:
        """Return the exposure and its limit, in quote currency, when the new trade would exceed it."""
        exposure = book.reserved_where(direction=proposal.direction) + proposal.reserve
        limit = settings.MAX_DIRECTION_EXPOSURE * book.pool.equity
        return {"exposure": exposure, "limit": limit} if exceeds(exposure, limit) else None
