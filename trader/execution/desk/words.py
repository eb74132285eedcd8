"""What the desk is about, in words for a person who waits for it."""

from __future__ import annotations

from decimal import Decimal

from trader.core.account import ZERO
from trader.execution.client_ids import Purpose
from trader.execution.desk.holding import Holding
from trader.execution.desk.steps import PROTECTIONS
from trader.execution.states import OrderState

#: How an order that did not stand may have ended.
FAILED = (OrderState.REJECTED, OrderState.ABSENT, OrderState.EXPIRED)


def is_ending(holding: Holding) -> bool:
    """Tell whether a position is to be closed, or its entry to be withdrawn."""
    return bool(holding.closing or holding.dropped)


def under_way(holding: Holding) -> str:
    """Return what is still to happen before a position that ends is over at the exchange."""
    return f"{holding.symbol}: {_said(holding)}"


def _said(holding: Holding) -> str:
    doubted = next((each for each in holding.sent.values() if each.in_doubt), None)
    if doubted is not None:
        return f"what became of order {doubted.client_id} is not known yet"
    if holding.owned <= 0:
        resting = len(holding.resting(*PROTECTIONS))
        return f"{resting} orders are being withdrawn" if resting else "the last is being asked for"
    if holding.resting(Purpose.CLOSE):
        return f"the order over {_plain(holding.owned)} stands, and is not filled yet"
    if not holding.closing:
        return "the entry that was withdrawn has been sent already"
    if holding.base and holding.resting(*PROTECTIONS):
        return f"stops and targets are being withdrawn before {_plain(holding.owned)} can be sold"
    return f"the order over {_plain(holding.owned)} is about to leave{_after(holding)}"


def _after(holding: Holding) -> str:
    """Return why the last order to close did not stand."""
    last = next(reversed([*holding.of(Purpose.CLOSE)]), None)
    return f"; the last one: {last.order.reason}" if last is not None and last.order.state in FAILED else ""


def _plain(quantity: Decimal) -> str:
    return f"{max(ZERO, quantity).normalize():f}"
