"""All stops together may lose no more than a share of equity."""

from __future__ import annotations

from typing import Any

from trader.core.settings import Settings
from trader.trading.book import Book
from trader.trading.limits.base import Proposal, exceeds


class PortfolioRisk:
    """`Σ quantity left * |entry - stop| <= MAX_PORTFOLIO_RISK * equity`, pending entries and the new one included.

    A stop past the entry risks nothing. Hedges have no stop and do not count.
    """

    rule = "portfolio_risk"

    def check(self, proposal: Proposal, book: Book, settings: Settings) -> dict[str, Any] | None:
        """Return the risk and its limit, in quote currency, when the new trade would exceed it."""
        risk = sum(
            _at_risk(trade.direction, trade.entry_price, trade.stop, trade.quantity_left)
            for trade in book.trades.values()
            if not trade.hedge
        )
        risk += sum(_at_risk(p.request.direction, p.price, p.stop, p.request.quantity) for p in book.entries_pending)
        if not proposal.is_finite():
            return {"stop": proposal.stop}
        risk += _at_risk(proposal.direction, proposal.price, proposal.stop, proposal.quantity)
        limit = settings.MAX_PORTFOLIO_RISK * book.pool.equity
        return {"risk": risk, "limit": limit} if exceeds(risk, limit) else None


def _at_risk(direction: int, entry: float, stop: float, quantity: float) -> float:
    distance = (entry - stop) * direction
    return 0.0 if distance <= 0 else quantity * distance
