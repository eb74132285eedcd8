"""A stop that lies past the liquidation price protects nothing."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.core.signal import Refusal
from trader.trading.book import Book
from trader.trading.limits.base import APPROVED, Approval, Proposal
from trader.trading.margin import liquidation_price


class BeyondLiquidation:
    """On futures the stop must be nearer to the entry than the liquidation price."""

    stage, rule = "portfolio", "beyond_liquidation"

    def __init__(self, settings: Settings) -> None:
        self._futures = settings.MARKET == "futures"
        self._rate = settings.MAINTENANCE_MARGIN_RATE

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with stop and liquidation price when the stop is not nearer."""
        if not self._futures:
            return APPROVED
        rate = self._rate if proposal.maintenance_rate is None else proposal.maintenance_rate
        price = liquidation_price(proposal.price, proposal.direction, proposal.leverage, rate)
        nearer = proposal.direction * proposal.stop > proposal.direction * price
        if nearer and proposal.is_finite():
            return APPROVED
        return Refusal(self.stage, self.rule, {"stop": proposal.stop, "liquidation": price})
