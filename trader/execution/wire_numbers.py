"""Floats on an instrument's grid -> the exact plain decimals that go to the wire, and back to decimals for the books.

Nothing is rounded here: what is not on the grid yet is a mistake of ours, and is said before it leaves.
"""

from __future__ import annotations

import math
from decimal import Decimal

from trader.core.errors import InvariantError
from trader.core.instrument import Grid, Instrument

#: How far a float may be off its grid, in units: `Grid` rounds to the nearest float, so noise is far below.
TOLERANCE = 1e-6


def quantity_text(instrument: Instrument, quantity: float) -> str:
    """Return `quantity` as the venue takes it; raise `InvariantError` unless it is positive and on the step."""
    return _text(instrument.step, quantity, instrument.symbol, "quantity")


def price_text(instrument: Instrument, price: float) -> str:
    """Return `price` as the venue takes it; raise `InvariantError` unless it is positive and on the tick."""
    return _text(instrument.tick, price, instrument.symbol, "price")


def cut(instrument: Instrument, quantity: Decimal) -> Decimal:
    """Return an exact `quantity` cut down to the step, exactly.

    >>> cut(Instrument.from_filters("A", {"tickSize": "0", "stepSize": "0.001", "minQty": "0", "minNotional": "0"}),
    ...     Decimal("0.0997"))
    Decimal('0.099')
    """
    step = instrument.step.unit
    return quantity // step * step if step else quantity


def _text(grid: Grid, value: float, symbol: str, what: str) -> str:
    if not 0 < value < math.inf:
        raise InvariantError(f"{symbol}: a {what} of {value} cannot be sent; allowed: above 0")
    text = grid.text(value)
    unit = float(grid.unit)
    if unit and abs(float(text) - value) > max(unit * TOLERANCE, value * 1e-12):
        raise InvariantError(f"{symbol}: a {what} of {value!r} is not on the grid of {grid.unit}; round it first")
    return text
