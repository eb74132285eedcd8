"""Fees, slippage and liquidation of the simulated exchange (trading-rules, sections 5 and 6)."""

from __future__ import annotations

import msgspec

from trader.core.settings import Settings
from trader.core.signal import Direction


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


def liquidation_price(entry: float, direction: Direction, leverage: float, maintenance_rate: float) -> float:
    """Return `entry * (1 - direction * (1 / leverage - maintenance_rate))`, not rounded.

    >>> round(liquidation_price(100.0, Direction.LONG, 10, 0.005), 9)
    90.5
    """
    return entry * (1 - direction * (1 / leverage - maintenance_rate))


def bankruptcy_price(entry: float, direction: Direction, leverage: float) -> float:
    """Return the price at which a position's whole reserve is gone: where a liquidation is booked."""
    return entry * (1 - direction / leverage)
