"""Fees and slippage of the simulated exchange (trading-rules, section 5)."""

from __future__ import annotations

import msgspec

from trader.core.settings import Settings


class Costs(msgspec.Struct, frozen=True):
    """Fee rates and slippage as fractions of the notional."""

    taker_fee: float
    maker_fee: float
    slippage: float

    @classmethod
    def of(cls, settings: Settings) -> Costs:
        """Return the costs of the market in use."""
        return cls(settings.taker_fee, settings.maker_fee, settings.SLIPPAGE_PCT)

    def taken(self, price: float, buying: bool) -> float:
        """Return the price at which a market order fills: `price` moved against the trader."""
        return price * (1 + self.slippage) if buying else price * (1 - self.slippage)
