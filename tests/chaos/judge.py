"""The judge: from what the exchange wrote down, whether the trader did wrong. It knows nothing of the trader's books.

How it counts: time is the exchange's (`notes`). A position is bare while stops of ours rest for less than is held of
it, as far as that can be sold at all. It may be bare for `BARE_MS` in a row outside outages; where something struck
meanwhile for so long for each: a request about it that met a fault, a daemon that was killed (what it had sent is in
doubt until the exchange can no longer take it). One is no excuse. Outages are: the daemon dead, from SIGKILL until it
trades again; the exchange shut; a ban (418, 429), until its Retry-After; and for the position concerned a lost event,
until the audit of each minute must have found it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from tests.chaos.executions import ZERO, Change, Execution, changes
from tests.chaos.notes import Asked, Note, Struck
from tests.chaos.outages import Span, outside
from trader.core.instrument import Instrument
from trader.execution.client_ids import ClientId, Purpose, parse
from trader.execution.wire_numbers import cut

BARE_MS = 5_000
#: After a lost event the audit of each minute finds what is wrong; it looks twice.
AUDIT_MS = 70_000
BANS = ("418", "429")
#: What of a price a position must be worth to count: it has to be possible to sell it.
MARGIN = 0.95
#: How client ids of a stranger begin.
BY_HAND = "web_"
#: Requests that touch every order of a symbol, a stranger's too.
SWEEPING = ("/api/v3/openOrders", "/fapi/v1/allOpenOrders", "/fapi/v1/algoOpenOrders")


class Position(msgspec.Struct):
    """What is held for one entry, and the stops (order id -> quantity left) that guard it.

    `sellable`: what is held is enough to be sold. `in_coin` are fees that were taken from it.
    """

    run: str
    id: int
    symbol: str
    side: str
    held: Decimal = ZERO
    entered: Decimal = ZERO
    at_market: Decimal = ZERO
    sellable: bool = False
    in_coin: Decimal = ZERO
    taken: Decimal = ZERO
    entries: set[str] = msgspec.field(default_factory=set)
    stops: dict[str, Decimal] = msgspec.field(default_factory=dict)
    bare_since: int = 0
    faults: list[Span] = msgspec.field(default_factory=list)
    outages: list[Span] = msgspec.field(default_factory=list)


class Booking(msgspec.Struct, frozen=True):
    """An execution of an order of ours."""

    at: int
    name: str
    symbol: str
    buying: bool
    purpose: Purpose
    position_id: int
    execution: Execution


class Verdict(msgspec.Struct):
    """What was found; `resting` are orders of ours that rest at the end, `taken` what others took by symbol.

    `beyond` counts the executions that closed more than their position, on futures.
    """

    violations: list[str] = msgspec.field(default_factory=list)
    bookings: list[Booking] = msgspec.field(default_factory=list)
    positions: dict[tuple[str, int], Position] = msgspec.field(default_factory=dict)
    resting: dict[str, str] = msgspec.field(default_factory=dict)
    taken: dict[str, Decimal] = msgspec.field(default_factory=lambda: defaultdict(Decimal))
    orders: int = 0
    faults: int = 0
    longest_bare_ms: int = 0
    beyond: int = 0


class Judge:
    """Reads the notes of a run once, from the beginning. `dead` and `shut`: when daemon and exchange were not there."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        bases: Mapping[str, str],
        dead: Iterable[Span],
        shut: Iterable[Span],
    ) -> None:
        self.verdict = Verdict()
        self._instruments = instruments
        self._bases = bases
        self._dead = list(dead)
        self._outages = [*self._dead, *shut]
        self._price: dict[str, Decimal] = {}
        self._orders: set[str] = set()
        self._entries: dict[str, str] = {}
        self._surplus: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._began = 0

    def read(self, notes: Iterable[Note], end_ms: int) -> Verdict:
        """Return what there is to say up to `end_ms`."""
        for each in changes(notes):
            self._began = self._began or each.at
            if isinstance(each, Struck):
                self._struck(each)
            elif isinstance(each, Asked):
                self._asked(each)
            else:
                self._changed(each)
        for position in self.verdict.positions.values():
            self._covered(position, end_ms)
        self.verdict.orders = len(self._orders)
        return self.verdict

    def _violated(self, at: int, words: str) -> None:
        self.verdict.violations.append(f"{(at - self._began) / 1000:8.3f} s: {words}")

    # --- faults and requests ----------------------------------------------------------------------------------------

    def _struck(self, fault: Struck) -> None:
        self.verdict.faults += 1
        if fault.kind in BANS:
            self._outages.append((fault.at, fault.at + int(1000 * max(1.0, fault.amount)) + 500))
        elif fault.kind == "event_lost" and (position := self._position_of(fault.name)) is not None:
            position.outages.append((fault.at, fault.at + AUDIT_MS))

    def _asked(self, request: Asked) -> None:
        if request.method == "DELETE" and request.path in SWEEPING:
            self._violated(request.at, f"{request.method} {request.path} touches orders of strangers")
        for name in request.names:
            if parse(name) is None:
                self._violated(request.at, f"{request.method} {request.path} names {name}, which is none of ours")
        position = next(filter(None, map(self._position_of, request.names)), None)
        if position is not None and request.failed:
            position.faults.append((request.at, request.until))

    def _position_of(self, name: str) -> Position | None:
        parts = parse(name)
        return None if parts is None else self.verdict.positions.get((parts.run, parts.trade))

    # --- orders -----------------------------------------------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        if change.execution is not None:
            self._price[change.symbol] = change.execution.price
        name = parse(change.name)
        if name is None:
            self._stranger(change)
        else:
            self._ours(change, name)

    def _ours(self, change: Change, name: ClientId) -> None:
        found = self.verdict.positions
        position = found.setdefault((name.run, name.trade), Position(name.run, name.trade, change.symbol, change.side))
        self._orders.add(change.order_id)
        if change.rests:
            self.verdict.resting[change.order_id] = change.name
        else:
            self.verdict.resting.pop(change.order_id, None)
        if change.execution is not None:
            self._execute(position, change, name, change.execution)
        if name.purpose is Purpose.STOP:
            position.stops[change.order_id] = change.left if change.rests else ZERO
        self._look(position, change.at)

    def _execute(self, position: Position, change: Change, name: ClientId, one: Execution) -> None:
        booking = Booking(change.at, change.name, change.symbol, change.buying, name.purpose, name.trade, one)
        self.verdict.bookings.append(booking)
        fee = one.fee if one.fee_asset == self._bases.get(change.symbol) else ZERO
        if name.purpose is Purpose.ENTRY:
            self._enter(position, change)
            position.held += one.quantity - fee
            position.entered += one.quantity
        else:
            position.held -= one.quantity
            position.at_market += one.quantity if name.purpose is Purpose.CLOSE else ZERO
        position.in_coin += fee
        if position.held < 0 and change.side != "BOTH":
            self._beyond(position, change)
        dust = sum((each.in_coin for each in self._of(change.symbol, change.side)), ZERO)
        if position.held < -dust - self._instruments[change.symbol].step.unit:
            self._violated(change.at, f"position {position.id}: {-position.held} more was closed than was opened")

    def _beyond(self, position: Position, change: Change) -> None:
        """Let an order close what others of its side hold: to the exchange they are one.

        A stop rests for what its targets have closed a moment before, until it is replaced, and while the position is
        closed at market. But nothing is closed at market twice.
        """
        if position.at_market > position.entered:
            return
        beyond, position.held = -position.held, ZERO
        self.verdict.beyond += 1
        for other in self._of(change.symbol, change.side):
            part = min(beyond, max(ZERO, other.held))
            beyond -= part
            other.held -= part
            self._look(other, change.at)

    def _enter(self, position: Position, change: Change) -> None:
        position.entries.add(change.order_id)
        if len(position.entries) > 1:
            ids = ", ".join(sorted(position.entries))
            self._violated(change.at, f"position {position.id}: entered by {len(position.entries)} orders ({ids})")

    def _of(self, symbol: str, side: str) -> list[Position]:
        return [each for each in self.verdict.positions.values() if each.symbol == symbol and each.side == side]

    # --- strangers --------------------------------------------------------------------------------------------------

    def _stranger(self, change: Change) -> None:
        if change.kind == "CANCELED" and change.by and not change.by.startswith(BY_HAND):
            self._violated(change.at, f"a stranger's order {change.name} was cancelled")
        if change.execution is None:
            return
        key = (change.symbol, change.side)
        opens = change.buying != (change.side == "SHORT")
        one = change.execution
        fee = one.fee if one.fee_asset == self._bases.get(change.symbol) else ZERO
        self._surplus[key] += one.quantity - fee if opens else -one.quantity
        if self._surplus[key] < 0:
            self._take(change, -self._surplus[key])
            self._surplus[key] = ZERO

    def _take(self, change: Change, quantity: Decimal) -> None:
        """Let go what others took: from the oldest positions first; the rest was dust."""
        for position in self._of(change.symbol, change.side):
            part = min(quantity, self._whole(position))
            quantity -= part
            position.held -= part
            position.taken += part
            self.verdict.taken[change.symbol] += part
            self._look(position, change.at)

    # --- stops ------------------------------------------------------------------------------------------------------

    def _look(self, position: Position, at: int) -> None:
        """Note since when a position has been bare, or judge that it was."""
        held = self._whole(position)
        worth = float(self._price.get(position.symbol, ZERO)) * MARGIN
        position.sellable = self._instruments[position.symbol].tradable(float(held), worth)
        if position.sellable and held > sum(position.stops.values()):
            position.bare_since = position.bare_since or at
        else:
            self._covered(position, at)

    def _whole(self, position: Position) -> Decimal:
        """Return what is held, in steps: the rest is dust."""
        return cut(self._instruments[position.symbol], max(ZERO, position.held))

    def _covered(self, position: Position, at: int) -> None:
        since, position.bare_since = position.bare_since, 0
        if not since:
            return
        bare = outside(since, at, [*self._outages, *position.outages])
        met = sum(began <= at and until >= since for began, until in (*position.faults, *self._dead))
        self.verdict.longest_bare_ms = max(self.verdict.longest_bare_ms, bare)
        if bare > BARE_MS * max(1, met):
            self._violated(
                at,
                f"position {position.id} of {position.symbol}: without a stop for {bare} ms ({at - since} with outages,"
                f" {met} faults and kills)",
            )
