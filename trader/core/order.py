"""Orders: the request as sent, and one execution of it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from trader.core.signal import Direction


class Side(StrEnum):
    """BUY or SELL, as exchanges say it."""

    BUY = "BUY"
    SELL = "SELL"


def side_of(direction: Direction, closing: bool) -> Side:
    """Return the side that opens, or closes, a position of `direction`."""
    return Side.BUY if (direction > 0) != closing else Side.SELL


class Role(StrEnum):
    """What an order is for, in the life of its trade."""

    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    CLOSE = "close"
    LIQUIDATION = "liquidation"


class OrderRequest(msgspec.Struct, frozen=True):
    """A sized and rounded order. `price` is the level of a stop or target, NaN for a market order.

    `order_id` is unique in the run. `position_id` is the order id of the entry that opened, or will open, the
    position: known before anything fills. `direction` is the position's. `reason` is what a fill of it is called.
    `decided` is T of the decision, ms. `expires`: the last open time, ms, at which an entry may still fill; 0 is never.
    """

    order_id: int
    position_id: int
    symbol: str
    role: Role
    direction: Direction
    quantity: float
    price: float
    leverage: float
    reason: str
    decided: int
    expires: int = 0


class Fill(msgspec.Struct, frozen=True):
    """One execution: `time` in ms (the candle's open time for what happens at the open, else its close).

    `fee` in quote currency, `slippage` the part of the cost that the price moved against us, likewise.
    A liquidation has `order_id` 0.
    """

    time: int
    order_id: int
    position_id: int
    symbol: str
    role: Role
    direction: Direction
    quantity: float
    price: float
    fee: float
    slippage: float
    reason: str


class OrderDropped(msgspec.Struct, frozen=True):
    """A market order that will never fill: `expired`, or `insufficient_capital` at its fill. `time` in ms."""

    time: int
    order_id: int
    symbol: str
    rule: str
