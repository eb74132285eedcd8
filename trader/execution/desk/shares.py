"""Spot: how what is held is split over lists of one target and one stop each (OCO)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from trader.core.account import ZERO
from trader.core.instrument import Instrument
from trader.core.order import OrderRequest
from trader.execution.wire_numbers import cut


class Share(msgspec.Struct, frozen=True):
    """A quantity on the step that one target, or none, and the stop guard together."""

    quantity: Decimal
    target: OrderRequest | None


def shares(held: Decimal, targets: Sequence[OrderRequest], stop: float, instrument: Instrument) -> list[Share]:
    """Split `held` over `targets` (nearest first): the last takes what is left, none is below the minimum at `stop`.

    The core plans its targets for what filled, and at their own prices; a stop is lower, and what is held may be less
    by then. A share that is too small is guarded with its neighbour's.
    """
    found: list[Share] = []
    left = cut(instrument, held)
    for target in targets:
        wanted = cut(instrument, Decimal(repr(target.quantity)))
        quantity = min(wanted, left) if target is not targets[-1] else left
        if quantity <= 0 or not instrument.tradable(float(quantity), stop):
            continue
        found.append(Share(quantity, target))
        left -= quantity
    if left <= 0:
        return found
    if not found:
        return [Share(left, targets[-1] if targets else None)]
    *others, last = found
    return [*others, Share(last.quantity + left, last.target)]


def total(parts: Sequence[Share]) -> Decimal:
    """Return the quantity of all shares."""
    return sum((each.quantity for each in parts), ZERO)
