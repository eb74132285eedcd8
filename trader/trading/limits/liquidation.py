"""A stop that lies past the liquidation price protects nothing."""

from __future__ import annotations

from typing import Any

from trader.core.settings import Settings
from trader.trading.book import Book
from trader.trading.limits.base import Proposal
from trader.trading.margin import liquidation_price


class BeyondLiquidation:
    """On futures the stop must be nearer to the entry than the liquidation price."""

    rule = "beyond_liquidation"

    def check(self, proposal: Proposal, book: Book, settings: Settings) -> dict[str, Any] | None:
        """Return stop and liquidation price when the stop is not nearer."""
        if settings.MARKET != "futures":
            return None
        price = liquidation_price(
            proposal.price, proposal.direction, proposal.leverage, settings.MAINTENANCE_MARGIN_RATE
        )
        nearer = proposal.direction * proposal.stop > proposal.direction * price
        return None if nearer and proposal.is_finite() else {"stop": proposal.stop, "liquidation": price}
