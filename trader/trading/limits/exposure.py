"""No more than a share of equity may be reserved in one symbol, or in one direction."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.core.signal import Refusal
from trader.trading.book import Book
from trader.trading.limits.base import APPROVED, Approval, Proposal, exceeds


class SymbolExposure:
    """Reserved capital of the symbol, pending entries, hedges and the new one included."""

    stage, rule = "portfolio", "symbol_exposure"

    def __init__(self, settings: Settings) -> None:
        self._share = settings.MAX_SYMBOL_EXPOSURE

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with the exposure and its limit, in quote currency."""
        exposure = book.reserved_where(symbol=proposal.symbol) + proposal.reserve
        return _judge(self, proposal, exposure, self._share * book.pool.equity)


class DirectionExposure:
    """Reserved capital of the direction, pending entries, hedges and the new one included."""

    stage, rule = "portfolio", "direction_exposure"

    def __init__(self, settings: Settings) -> None:
        self._share = settings.MAX_DIRECTION_EXPOSURE

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with the exposure and its limit, in quote currency."""
        exposure = book.reserved_where(direction=proposal.direction) + proposal.reserve
        return _judge(self, proposal, exposure, self._share * book.pool.equity)


def _judge(
    limit: SymbolExposure | DirectionExposure, proposal: Proposal, exposure: float, most: float
) -> Approval | Refusal:
    if proposal.is_finite() and not exceeds(exposure, most):
        return APPROVED
    return Refusal(limit.stage, limit.rule, {"exposure": exposure, "limit": most})
