"""What went without an order of ours: whose it was, at which price, and why, as the venue's own trades tell it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from trader.core.account import ZERO, Execution, Forced, OrderUpdate
from trader.core.order import Side, side_of
from trader.core.venue import AccountTrade
from trader.execution.desk.booking import DELEVERAGED, LIQUIDATION, MANUAL, SETTLED
from trader.execution.desk.holding import Holding

REASONS: dict[Forced, str] = {
    Forced.NONE: MANUAL,
    Forced.LIQUIDATION: LIQUIDATION,
    Forced.DELEVERAGING: DELEVERAGED,
    Forced.SETTLEMENT: SETTLED,
}


class Loss(msgspec.Struct, frozen=True):
    """What a position lost to one order that was not ours; `exchange_id` is that order's, 0 where none is known."""

    position_id: int
    executions: tuple[Execution, ...]
    reason: str
    exchange_id: int = 0

    @property
    def quantity(self) -> Decimal:
        """What went."""
        return sum((each.quantity for each in self.executions), ZERO)


def shared(
    executions: Iterable[Execution], holdings: Iterable[Holding], reason: str, exchange_id: int = 0
) -> list[Loss]:
    """Share `executions` among positions, oldest first, each up to what it holds; the rest is none of ours.

    An execution that is split keeps its id and price; its fee is shared by quantity, to the last digit.
    """
    left = list(executions)
    losses = []
    for holding in sorted(holdings, key=lambda each: each.position_id):
        taken, left = split(left, holding.owned)
        if taken:
            losses.append(Loss(holding.position_id, tuple(taken), reason, exchange_id))
    return losses


def split(executions: Sequence[Execution], quantity: Decimal) -> tuple[list[Execution], list[Execution]]:
    """Return the first `quantity` of executions, and the rest.

    >>> taken, rest = split([Execution(1, Decimal(3), Decimal(100), 0, Decimal("0.9"))], Decimal(1))
    >>> str(taken[0].fee), str(rest[0].quantity), str(rest[0].fee)
    ('0.3', '2', '0.6')
    """
    taken: list[Execution] = []
    rest: list[Execution] = []
    for each in executions:
        part = min(each.quantity, max(ZERO, quantity))
        quantity -= part
        fee = each.fee * part / each.quantity
        if part > 0:
            taken.append(_part(each, part, fee))
        if part < each.quantity:
            rest.append(_part(each, each.quantity - part, each.fee - fee))
    return taken, rest


def _part(execution: Execution, quantity: Decimal, fee: Decimal) -> Execution:
    if quantity == execution.quantity:
        return execution
    return msgspec.structs.replace(execution, quantity=quantity, fee=fee)


def closing_side(holding: Holding) -> Side:
    """Return the side of orders that close a position."""
    return side_of(holding.direction, closing=True)


def by_order(trades: Iterable[AccountTrade]) -> dict[int, list[AccountTrade]]:
    """Return trades by the venue's id of their order, in the order of the first."""
    found: dict[int, list[AccountTrade]] = {}
    for each in trades:
        found.setdefault(each.exchange_id, []).append(each)
    return found


def reason_of(order: OrderUpdate) -> str:
    """Return why an order that we did not send was there.

    A liquidation is told by the venue, by its client id; what nobody tells was somebody's hand.
    """
    return REASONS[order.forced]
