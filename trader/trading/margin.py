"""Prices at which isolated margin is used up (trading-rules, section 6)."""

from __future__ import annotations

from trader.core.signal import Direction


def liquidation_price(entry: float, direction: Direction, leverage: float, maintenance_rate: float) -> float:
    """Return `entry * (1 - direction * (1 / leverage - maintenance_rate))`, not rounded.

    >>> round(liquidation_price(100.0, Direction.LONG, 10, 0.005), 9)
    90.5
    """
    return entry * (1 - direction * (1 / leverage - maintenance_rate))


def bankruptcy_price(entry: float, direction: Direction, leverage: float) -> float:
    """Return the price at which a position's whole reserve is gone: where a liquidation is booked."""
    return entry * (1 - direction / leverage)
