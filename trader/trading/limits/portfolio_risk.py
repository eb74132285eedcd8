"""All stops together may lose no more than a share of equity."""

from __future__ import annotations

import math

from trader.core.settings import Settings
from trader.core.signal import Refusal
from trader.trading.book import Book
from trader.trading.limits.base import APPROVED, Approval, Proposal, exceeds


class PortfolioRisk:
    """`Σ quantity left * |entry - stop| <= MAX_PORTFOLIO_RISK * equity`, pending entries and the new one included.

    A stop past the entry risks nothing. Hedges have no stop and do not count.
    """

    stage, rule = "portfolio", "portfolio_risk"

    def __init__(self, settings: Settings) -> None:
        self._share = settings.MAX_PORTFOLIO_RISK

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with the risk and its limit, in quote currency."""
        risk = _at_risk(proposal.direction, proposal.price, proposal.stop, proposal.quantity)
        for trade in book.trades.values():
            if not trade.hedge:
                risk += _at_risk(trade.direction, trade.entry_price, trade.stop, trade.quantity_left)
        for pending in book.pending.values():
            if pending.hedge:
                continue
            risk += _at_risk(pending.request.direction, pending.price, pending.stop, pending.request.quantity)
        limit = self._share * book.pool.equity
        if proposal.is_finite() and not exceeds(risk, limit):
            return APPROVED
        return Refusal(self.stage, self.rule, {"risk": risk, "limit": limit})


def _at_risk(direction: int, entry: float, stop: float, quantity: float) -> float:
    distance = (entry - stop) * direction
    return 0.0 if -math.inf < distance <= 0 else quantity * distance
