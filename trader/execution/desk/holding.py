"""One position as the desk sees it: what the core wants of it, which orders were sent for it, what is held.

It is a level, not a list of things to do: whoever looks at it, at any moment, also after a crash, can tell the next
step (`steps.Planner`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from trader.core.account import ZERO, AlgoUpdate, OrderUpdate
from trader.core.commands import AmendStop, CancelOrder, Command
from trader.core.order import OrderRequest, Role
from trader.core.signal import Direction
from trader.execution.client_ids import Purpose
from trader.execution.fees import bought
from trader.execution.states import IN_DOUBT, RESTING, Order, OrderState

PURPOSES: dict[Role, Purpose] = {
    Role.ENTRY: Purpose.ENTRY,
    Role.STOP: Purpose.STOP,
    Role.TARGET: Purpose.TARGET,
    Role.CLOSE: Purpose.CLOSE,
}


class Stop(msgspec.Struct, frozen=True):
    """The stop that the core wants: what its fill will be called, and the core's id of it."""

    order_id: int
    price: float
    reason: str


class Sent(msgspec.Struct):
    """An order of ours with its meaning to the core: `order_id` and `reason` of its fills, `price` NaN at market.

    `told` are the executions (ids) that the core has been told, `looks` how often it was looked up in vain. `left_s`:
    when it left last, on the desk's clock; None where it has not, or where an earlier run sent it.
    """

    order: Order
    purpose: Purpose
    order_id: int
    reason: str
    price: float
    list_id: str = ""
    attempt: int = 0
    told: set[int] = msgspec.field(default_factory=set)
    looks: int = 0
    left_s: float | None = None

    @property
    def client_id(self) -> str:
        """The id under which it was sent."""
        return self.order.client_id

    @property
    def rests(self) -> bool:
        """Whether the exchange has it and it can still be executed."""
        return self.order.state in RESTING

    def as_it_stands(self, update: OrderUpdate | AlgoUpdate) -> None:
        """Take level and quantity from what rests at the exchange under this id.

        The journal may have lost an order that had it, and what is believed to guard must be what does.
        """
        level = update.trigger if isinstance(update, AlgoUpdate) else update.trigger or update.price
        if not self.rests or self.purpose not in (Purpose.STOP, Purpose.TARGET) or level <= 0:
            return
        self.price = float(level)
        if update.quantity > 0:
            self.order = msgspec.structs.replace(self.order, quantity=update.quantity)

    @property
    def in_doubt(self) -> bool:
        """Whether it may or may not be at the exchange."""
        return self.order.state in IN_DOUBT


class Holding(msgspec.Struct):
    """A position. `base` is the coin that is bought on spot, "" on futures, where no fee is taken from the position.

    `close` is the core's order to close, `rescue` the reason for which the desk itself closes, `dropped` why an entry
    that was not sent never will be. `dust` came from the ledger of dust, or went there (negative). What went without an
    order of ours (liquidation, somebody's hand) is among `sent` too. `entered` and `left` are what the core has been
    told: bought in all, and not closed yet. `most` is how many lists the venue takes for it, 0 while nothing is known.
    """

    position_id: int
    symbol: str
    direction: Direction
    base: str
    entry: OrderRequest
    dropped: str = ""
    stop: Stop | None = None
    targets: dict[int, OrderRequest] = {}
    close: OrderRequest | None = None
    rescue: str = ""
    sent: dict[str, Sent] = {}
    dust: Decimal = ZERO
    entered: Decimal = ZERO
    left: Decimal = ZERO
    most: int = 0

    def want(self, command: Command) -> None:
        """Take a command of the core for this position."""
        if isinstance(command, AmendStop):
            self.stop = Stop(command.order_id, command.price, command.reason)
        elif isinstance(command, CancelOrder):
            self._withdraw(command.order_id)
        elif command.request.role is Role.STOP:
            request = command.request
            self.stop = Stop(request.order_id, request.price, request.reason)
        elif command.request.role is Role.TARGET:
            self.targets[command.request.order_id] = command.request
        elif command.request.role is Role.CLOSE and self.close is None:
            self.close = command.request

    def _withdraw(self, order_id: int) -> None:
        self.targets.pop(order_id, None)
        if order_id == self.entry.order_id:
            self.dropped = "withdrawn"
        elif self.stop is not None and self.stop.order_id == order_id:
            self.stop = None

    @property
    def closing(self) -> str:
        """Why the rest is to be closed at market; "" when it is not."""
        return self.rescue or (self.close.reason if self.close else "")

    @property
    def owned(self) -> Decimal:
        """What is held at the exchange, exactly: a spot fee in the coin itself has been taken from it."""
        entered = sum((self._bought(each.order) for each in self.of(Purpose.ENTRY)), ZERO)
        closed = sum((each.order.cumulative for each in self.sent.values() if each.purpose is not Purpose.ENTRY), ZERO)
        return entered - closed + self.dust

    @property
    def brought(self) -> Decimal:
        """What the entry's executions, as far as they were told, have brought, less a fee in the coin itself."""
        executions = [execution for each in self.of(Purpose.ENTRY) for execution in each.order.executions]
        return bought(executions, self.base) if self.base else sum((each.quantity for each in executions), ZERO)

    def executed(self, order_id: int) -> Decimal:
        """Return how much of an order of the core's has been executed, by however many of ours."""
        ours = (each.order.cumulative for each in self.sent.values() if order_id and each.order_id == order_id)
        return sum(ours, ZERO)

    def _bought(self, order: Order) -> Decimal:
        """Return what an entry brought; executions that are not told yet count without their fee."""
        if not self.base:
            return order.cumulative
        return bought(order.executions, self.base) + order.untold

    def of(self, *purposes: Purpose) -> Iterator[Sent]:
        """Yield the orders sent for `purposes`, in the order of sending."""
        return (each for each in self.sent.values() if each.purpose in purposes)

    def resting(self, *purposes: Purpose) -> list[Sent]:
        """Return the orders of `purposes` that rest."""
        return [each for each in self.of(*purposes) if each.rests]

    def lists(self) -> dict[str, list[Sent]]:
        """Return the legs of each list of which something rests."""
        found: dict[str, list[Sent]] = {}
        for each in self.sent.values():
            if each.list_id:
                found.setdefault(each.list_id, []).append(each)
        return {name: legs for name, legs in found.items() if any(leg.rests for leg in legs)}

    def next_attempt(self, *purposes: Purpose) -> int:
        """Return the number of the next try; no id is ever used for two different orders."""
        return 1 + max((each.attempt for each in self.of(*purposes)), default=-1)

    def put(self, order: Order) -> Sent:
        """Put an order in its new state, and return it with its meaning."""
        sent = self.sent[order.client_id]
        sent.order = order
        return sent

    def fresh(self, sent: Sent) -> list[int]:
        """Return the ids of the executions that the core has not been told."""
        return [each.trade_id for each in sent.order.executions if each.trade_id not in sent.told]


def new_holding(request: OrderRequest, base: str) -> Holding:
    """Return the holding that an entry begins."""
    return Holding(request.position_id, request.symbol, request.direction, base, request)


def ended(orders: Iterable[Sent]) -> bool:
    """Tell whether nothing of `orders` can still be executed, as far as anybody knows."""
    return all(each.order.ended or each.order.state is OrderState.ABSENT for each in orders)
