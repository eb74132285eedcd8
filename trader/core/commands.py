"""What the core asks of a broker; nothing is answered but by a later event."""

from __future__ import annotations

import msgspec

from trader.core.order import OrderRequest


class SubmitOrder(msgspec.Struct, frozen=True):
    """Send an order: a market order (entry, close, hedge), or a resting stop or target of a trade."""

    request: OrderRequest


class AmendStop(msgspec.Struct, frozen=True):
    """Move the stop of a position to `price` from the next candle on; `reason` is what its fill will be called."""

    position_id: int
    order_id: int
    price: float
    reason: str


class CancelOrder(msgspec.Struct, frozen=True):
    """Withdraw an order that has not filled; unknown and finished orders are no error."""

    position_id: int
    order_id: int


Command = SubmitOrder | AmendStop | CancelOrder
