"""Numbers as Binance writes them: plain decimals with the width of the market or of the symbol's filters."""

from __future__ import annotations

import math
from decimal import Decimal

import msgspec


class Decimals(msgspec.Struct, frozen=True):
    """Digits behind the point of prices, quantities and quote volumes."""

    price: int
    quantity: int
    quote: int


#: Spot writes everything with eight.
SPOT_DECIMALS = Decimals(8, 8, 8)


def futures_decimals(tick: str, step: str) -> Decimals:
    """Return the widths of a USD-M symbol: those of its filters, quote volumes having both.

    >>> futures_decimals("0.10", "0.001")
    Decimals(price=2, quantity=3, quote=5)
    """
    price, quantity = places(tick), places(step)
    return Decimals(price, quantity, min(8, price + quantity))


def places(unit: str) -> int:
    """Return the digits behind the point of a decimal text."""
    return len(unit.partition(".")[2])


def number(value: float, digits: int) -> str:
    """Return `value` as a plain decimal of `digits`; wider where that would change it, 0 for NaN.

    Stored prices may be finer than today's tick: what is sent must read back as the same float.

    >>> number(0.1, 4), number(0.123456789, 4), number(1e-7, 2)
    ('0.1000', '0.123456789', '0.0000001')
    """
    if math.isnan(value):
        value = 0.0
    text = f"{value:.{digits}f}"
    return text if float(text) == value else format(Decimal(repr(value)), "f")
