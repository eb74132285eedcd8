"""Room in the account's limits of orders: had before anything that guards is taken away, and before anything is opened.

A venue takes so many orders in ten seconds, a minute, a day. Whoever finds that used up after he has withdrawn a stop
has nothing in its place. So a position is promised room for all that must follow, and waits while there is none: what
it has goes on guarding. Entries and moves leave a share to protections and closings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from trader.core.settings import Market
from trader.core.timeframe import DAY_MS
from trader.exchange.binance.order_limits import DEFAULTS, order_limits, window_s
from trader.execution.governor import MARGIN_S, Ticket, WeightGovernor

#: The share of each window that only protections and closings may use.
RESERVE = 0.4
#: Windows longer than this are counted by the venue alone; of those a share is left to what protects, too.
LONGEST_S = 60
LONG_RESERVE = 0.1
#: How far our clock may be off the venue's, as a share of a window.
MARGIN_SHARE = 0.05


class LongWindow:
    """A gate for a day: it lets everything pass, and knows what the venue has counted by what its answers say.

    `wall` gives seconds since the epoch.
    """

    def __init__(self, limit: int, window_seconds: int, wall: Callable[[], float] = time.time) -> None:
        self.limit = limit
        self.offset_s = 0.0
        self.waiting = 0
        self._window_s = window_seconds
        self._wall = wall
        self._counted = (-1, 0)

    async def admit(self, weight: int, urgent: bool = False) -> Ticket:
        """Let orders pass."""
        return Ticket(weight, self._window())

    def settle(self, ticket: Ticket, used: int | None = None) -> None:
        """Take the venue's own figure."""
        if used is not None:
            self._counted = (self._window(), used)

    def pause(self, seconds: float, banned: bool = False) -> None:
        """Believe that the window is full where the venue asks for a pause that only a long window explains."""
        if seconds > LONGEST_S:
            self._counted = (self._window(), self.limit)

    def room_in_s(self, weight: int, urgent: bool = False) -> float:
        """Return how long to wait for room, seconds."""
        window, used = self._counted
        share = 1.0 if urgent else 1 - LONG_RESERVE
        if window != self._window() or used + weight <= self.limit * share:
            return 0.0
        return (window + 1) * self._window_s - self._now()

    def keep(self, weight: int) -> Ticket:
        """Count nothing: the venue does."""
        return Ticket(weight, self._window())

    def give_back(self, ticket: Ticket) -> None:
        """Change nothing."""

    def _window(self) -> int:
        return int(self._now() // self._window_s)

    def _now(self) -> float:
        return self._wall() + self.offset_s


OrderGate = WeightGovernor | LongWindow


class OrderRoom:
    """The limits of one account on one market, by window; without any there is always room."""

    def __init__(self, gates: Mapping[str, OrderGate] | None = None) -> None:
        self.gates = dict(gates or {})

    def promise(self) -> Promise:
        """Return a promise of nothing yet."""
        return Promise(self)

    def room_in_s(self, orders: int, urgent: bool) -> float:
        """Return how long to wait for room for so many orders, seconds; 0 where there is."""
        return max((gate.room_in_s(orders, urgent) for gate in self.gates.values()), default=0.0)


class Promise:
    """Room for `orders` that nobody else can use, until they are spent or it ends."""

    def __init__(self, room: OrderRoom) -> None:
        self.orders = 0
        self._room = room
        self._tickets: list[tuple[OrderGate, Ticket]] = []

    def hold(self, orders: int, urgent: bool) -> float:
        """Hold room for `orders` in all; return how long to wait for it, seconds, or 0 where it is held now."""
        lacking = orders - self.orders
        if lacking <= 0:
            return 0.0
        wait_s = self._room.room_in_s(lacking, urgent)
        if wait_s <= 0:
            self._tickets += [(gate, gate.keep(lacking)) for gate in self._room.gates.values()]
            self.orders = orders
        return wait_s

    def spend(self, orders: int) -> None:
        """Give back the room of so many orders, which are counted as they leave, at once."""
        left = max(0, self.orders - orders)
        self.end()
        if left:
            self._tickets = [(gate, gate.keep(left)) for gate in self._room.gates.values()]
            self.orders = left

    def end(self) -> None:
        """Give back what is left."""
        for gate, ticket in self._tickets:
            gate.give_back(ticket)
        self._tickets, self.orders = [], 0


def order_room(market: Market, info: object) -> OrderRoom:
    """Return the room that exchangeInfo tells of; raise `DataError` where it cannot be read."""
    limits = order_limits(info, longest_s=DAY_MS // 1000) or DEFAULTS[market]
    return OrderRoom({name: _gate(name, limit) for name, limit in limits.items()})


def _gate(name: str, limit: int) -> OrderGate:
    seconds = window_s(name)
    if seconds > LONGEST_S:
        return LongWindow(limit, seconds)
    margin_s = min(MARGIN_S, seconds * MARGIN_SHARE)
    return WeightGovernor(
        limit, RESERVE, window_s=float(seconds), key=f"orders of {name}", jitter_s=0.05, margin_s=margin_s
    )
