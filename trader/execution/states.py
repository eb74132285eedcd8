"""The life of an order: one table of allowed transitions, and one pure function that takes what is told of it.

Answers, events and look-ups race: each may come late, twice, or before what caused it. So an order never takes a
message's word for where it stands: quantities only grow, executions are told apart by their ids, and a state changes
only as the table allows. Any order and number of the same messages ends in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

import msgspec

from trader.core.account import ZERO, AlgoUpdate, Execution, OrderStatus, OrderUpdate
from trader.core.order import Side
from trader.core.venue import AccountTrade


class OrderState(StrEnum):
    """Where an order stands. The first four are our own knowledge, the others the venue's word."""

    INTENDED = "intended"  # written to the journal, not sent
    SENT = "sent"
    UNKNOWN = "unknown"  # sent without an answer to rely on: look it up, send nothing else for it
    ABSENT = "absent"  # looked up long enough and not found; revives should the venue ever speak of it
    OPEN = "open"
    TRIGGERED = "triggered"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


_VENUES = frozenset(map(OrderState, OrderStatus))
_ENDS = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED})
_ONLY_FILLED = frozenset({OrderState.FILLED})

#: From a state to those that may follow. An end stays, but for the proof that all was executed.
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    OrderState.INTENDED: _VENUES | {OrderState.SENT, OrderState.UNKNOWN, OrderState.ABSENT},
    OrderState.SENT: _VENUES | {OrderState.UNKNOWN, OrderState.ABSENT},
    OrderState.UNKNOWN: _VENUES | {OrderState.ABSENT},
    OrderState.ABSENT: _VENUES | {OrderState.SENT},  # the same order again, under the same id
    OrderState.OPEN: _ENDS | {OrderState.TRIGGERED, OrderState.PARTLY_FILLED},
    OrderState.TRIGGERED: _ENDS | {OrderState.PARTLY_FILLED},
    OrderState.PARTLY_FILLED: _ENDS,
    OrderState.FILLED: frozenset(),
    OrderState.CANCELLED: _ONLY_FILLED,
    OrderState.REJECTED: _ONLY_FILLED,
    OrderState.EXPIRED: _ONLY_FILLED,
}
ENDED = frozenset(state for state, following in TRANSITIONS.items() if following <= _ONLY_FILLED)
#: The venue has it: it can be cancelled, and it protects.
RESTING = frozenset({OrderState.OPEN, OrderState.TRIGGERED, OrderState.PARTLY_FILLED})
#: Nobody may act on it before it has been looked up.
IN_DOUBT = frozenset({OrderState.SENT, OrderState.UNKNOWN})


class Order(msgspec.Struct, frozen=True):
    """One order of ours. `quantity` 0: a stop of the whole position.

    A `conditional` one (USD-M algo) has the algo service's `exchange_id`, and `actual_id` once it was triggered.
    `executions` are in the order of their ids; `cumulative` and `quote` (its value) may run ahead of them. `time` is
    the newest that the venue told, `reason` why it ended.
    """

    client_id: str
    symbol: str
    side: Side
    quantity: Decimal
    conditional: bool = False
    state: OrderState = OrderState.INTENDED
    exchange_id: int = 0
    actual_id: int = 0
    cumulative: Decimal = ZERO
    quote: Decimal = ZERO
    executions: tuple[Execution, ...] = ()
    time: int = 0
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will be executed."""
        return self.state in ENDED

    @property
    def left(self) -> Decimal:
        """The quantity that is not executed."""
        return max(ZERO, self.quantity - self.cumulative)

    @property
    def untold(self) -> Decimal:
        """The executed quantity whose executions have not been told: ask for the account's trades."""
        return max(ZERO, self.cumulative - sum((each.quantity for each in self.executions), ZERO))


def advance(order: Order, update: OrderUpdate | AlgoUpdate) -> Order:
    """Return `order` after what the venue tells of it."""
    if isinstance(update, AlgoUpdate):
        advanced = _take(order, update.as_order(), conditional=True)
        return msgspec.structs.replace(advanced, actual_id=order.actual_id or update.actual_id)
    return _take(order, update, conditional=False)


def _take(order: Order, update: OrderUpdate, conditional: bool) -> Order:
    executions = _joined(order.executions, update.executions)
    told = sum((each.quantity for each in executions), ZERO)
    cumulative = max(order.cumulative, update.cumulative, told)
    value = sum((each.quantity * each.price for each in executions), ZERO)
    ids = _ids(order, update.exchange_id, conditional)
    return msgspec.structs.replace(
        order,
        state=_move(order.state, _wanted(update.status, cumulative, order.quantity)),
        exchange_id=ids[0],
        actual_id=ids[1],
        cumulative=cumulative,
        quote=max(order.quote, update.cumulative_quote, value),
        executions=executions,
        time=max(order.time, update.time),
        reason=order.reason or (update.reason if OrderState(update.status) in ENDED else ""),
    )


def attach(order: Order, trades: Iterable[AccountTrade]) -> Order:
    """Return `order` with its executions among `trades`: what the account's history knows and no message told."""
    ids = {order.exchange_id, order.actual_id} - {0}
    executions = _joined(order.executions, (each.execution for each in trades if each.exchange_id in ids))
    done = sum((each.quantity for each in executions), ZERO)
    value = sum((each.quantity * each.price for each in executions), ZERO)
    cumulative = max(order.cumulative, done)
    state = order.state
    if cumulative > 0:
        state = _move(state, _wanted(OrderStatus.PARTLY_FILLED, cumulative, order.quantity))
    return msgspec.structs.replace(
        order, state=state, cumulative=cumulative, quote=max(order.quote, value), executions=executions
    )


def fresh_executions(before: Order, after: Order) -> tuple[Execution, ...]:
    """Return the executions that `after` has and `before` had not: those to book."""
    known = {each.trade_id for each in before.executions}
    return tuple(each for each in after.executions if each.trade_id not in known)


def mark(order: Order, state: OrderState, reason: str = "") -> Order:
    """Return `order` in a state that we know of ourselves, unless the table says that more is known already."""
    moved = _move(order.state, state)
    return msgspec.structs.replace(order, state=moved, reason=order.reason or (reason if moved is state else ""))


def _wanted(status: OrderStatus, cumulative: Decimal, quantity: Decimal) -> OrderState:
    """Return the state that a status and what is executed amount to."""
    if status is OrderStatus.FILLED or 0 < quantity <= cumulative:
        return OrderState.FILLED
    state = OrderState(status)
    return OrderState.PARTLY_FILLED if cumulative > 0 and state not in ENDED else state


def _move(state: OrderState, wanted: OrderState) -> OrderState:
    return wanted if wanted in TRANSITIONS[state] else state


def _ids(order: Order, told: int, conditional: bool) -> tuple[int, int]:
    """Return the exchange id and the actual id; an update of an order tells what a conditional one became."""
    if order.conditional and not conditional:
        return order.exchange_id, order.actual_id or told
    return order.exchange_id or told, order.actual_id


def _joined(known: tuple[Execution, ...], told: Iterable[Execution]) -> tuple[Execution, ...]:
    """Return all executions by their ids; of two tellings of one (an answer says less than an event) the fuller."""
    every = {each.trade_id: each for each in known}
    for each in told:
        every[each.trade_id] = max(every.get(each.trade_id, each), each, key=_fullness)
    return tuple(sorted(every.values(), key=lambda each: each.trade_id))


def _fullness(told: Execution) -> tuple[bool, bool, int, Decimal, Decimal]:
    return bool(told.fee_asset), told.maker, told.time, abs(told.fee), abs(told.realised)
