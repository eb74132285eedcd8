"""The judge sits at the exchange: it hears what happened there, before any fault, and holds the trader to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tests.simulate.heard import ZERO, Ears, Executed, Heard
from tests.simulate.outages import Outages
from tests.simulate.trace import Trace
from trader.core.instrument import Instrument
from trader.core.settings import Market
from trader.execution.client_ids import ClientId, Purpose, parse
from trader.execution.wire_numbers import cut
from trader.journal.records import FillRecord, OrderRecord

#: Nothing is held without a resting stop for longer, outside outages; once its close leaves, that has as long. One
#: lost request is no excuse; each further one in a row is an outage of as long.
UNGUARDED_MS = 5_000
#: A request that is not answered for so long has met a fault.
SLOW_MS = 600
#: An execution is in the trader's books after so long, outside outages.
UNTOLD_MS = 20_000
#: What a trader may send that changes orders, and what that changes no order.
ORDERS = ("order", "orderList/oco", "orderList", "algoOrder")
SETTINGS = ("leverage", "marginType", "positionSide/dual")
IDS = ("newClientOrderId", "origClientOrderId", "clientAlgoId", "listClientOrderId")

Key = tuple[str, int]


class Position(msgspec.Struct):
    """What is held for one entry at the exchange, and the stops (client id -> quantity left) that guard it.

    `failures`: requests of it that met a fault since it is without one. `dust`: so much of what earlier positions left
    may be sold with it, in place of fees taken from the coin. `hedge`: the core opened it as one, to have no stop.
    `emptied`: since when nothing of it is held.
    """

    id: int
    symbol: str
    side: str = ""
    held: Decimal = ZERO
    dust: Decimal = ZERO
    entries: set[int] = msgspec.field(default_factory=set)
    stops: dict[str, Decimal] = msgspec.field(default_factory=dict)
    bare_since: int | None = None
    failures: int = 0
    closing: bool = False
    hedge: bool = False
    emptied: int | None = None


class Watcher:
    """Hears the account. `price` is the exchange's of now, `violated` takes what is wrong."""

    def __init__(
        self,
        market: Market,
        instruments: Mapping[str, Instrument],
        bases: Mapping[str, str],
        now: Callable[[], int],
        price: Callable[[str], float],
        trace: Trace,
        violated: Callable[[str], None],
    ) -> None:
        self.outages = Outages()
        self.bases = bases
        self.positions: dict[int, Position] = {}
        self.executed: dict[Key, Executed] = {}
        self.told: dict[Key, dict[str, FillRecord]] = {}
        self.hedges: set[int] = set()
        self.orders: set[str] = set()
        self._spot = market == "spot"
        self._instruments = instruments
        self._now = now
        self._price = price
        self._trace = trace
        self._violated = violated
        self._ears = Ears()
        self._untold: dict[Key, int] = {}
        self._sending: Counter[int] = Counter()
        self._sent_at: dict[int, int] = {}
        self._asked_at: dict[int, int] = {}

    # --- the exchange -----------------------------------------------------------------------------------------------

    def asked(self, method: str, path: str, values: Mapping[str, str]) -> None:
        """Take a request that changes something as it arrives: it names an order of ours, and none but ours."""
        what = path.partition("/v")[2].partition("/")[2]
        named = [values[name] for name in IDS if name in values]
        if what in SETTINGS or (what in ORDERS and named and all(parse(each) for each in named)):
            return
        self._violated(f"{method} {path} {dict(values)} may touch what is not ours")

    def hear(self, event: dict[str, Any]) -> None:
        """Take an event as it was made."""
        heard = self._ears.heard(event)
        if heard is None:
            return
        self._trace.say(f"  {heard.words}")
        name = parse(heard.client_id)
        if name is not None:
            self._ours(heard, name)
        elif heard.forced and heard.execution is not None:
            self._taken(heard.execution)

    def over(self, told: bool) -> None:
        """End: never."""

    def _ours(self, heard: Heard, name: ClientId) -> None:
        position = self.positions.setdefault(name.trade, Position(name.trade, heard.symbol))
        position.hedge = name.trade in self.hedges
        self.orders.add(heard.client_id)
        if heard.execution is not None:
            self._execute(position, heard, heard.execution, name)
        if name.purpose is Purpose.STOP:
            position.stops[heard.client_id] = heard.rests
        self._look(position)

    def _execute(self, position: Position, heard: Heard, one: Executed, name: ClientId) -> None:
        self._note(one)
        fee = one.fee if self._spot and one.fee_asset == self.bases[one.symbol] else ZERO
        opens = name.purpose is Purpose.ENTRY
        position.side = one.side
        position.held += one.quantity - fee if opens else -one.quantity
        position.dust += fee
        allowed = position.dust + self._instruments[one.symbol].step.unit if self._spot else ZERO
        if position.held < -allowed:
            self._overdone(position, one, name)
        if position.held <= 0 and position.emptied is None:
            position.emptied = self._now()
        if opens:
            position.entries.add(heard.order_id)
            if len(position.entries) > 1:
                self._violated(f"position {position.id}: entered by {len(position.entries)} orders")

    def _overdone(self, position: Position, one: Executed, name: ClientId) -> None:
        """More was closed than opened. On USD-M a stop and a target, both resting, may be met before either can be
        withdrawn; the side is one position to the exchange, so the other trades on it bear it."""
        now = self._now()
        since = now if position.emptied is None else position.emptied
        late = self.outages.outside(since, now) > UNGUARDED_MS * self._faults(position)
        if self._spot or late or name.purpose not in (Purpose.STOP, Purpose.TARGET):
            self._violated(f"position {position.id}: {-position.held} more was closed than opened")
        else:
            left, position.held = -position.held, ZERO
            self._bear(one, left)

    def _note(self, one: Executed) -> None:
        self.executed[one.symbol, one.trade_id] = one
        if not self._is_told((one.symbol, one.trade_id)):
            self._untold[one.symbol, one.trade_id] = self._now()

    def _taken(self, one: Executed) -> None:
        """The exchange takes what is held, all of a side: oldest positions first."""
        self._note(one)
        self._bear(one, one.quantity)

    def _bear(self, one: Executed, left: Decimal) -> None:
        """Take so much from the positions of a side, oldest first."""
        for position in self.positions.values():
            if (position.symbol, position.side) == (one.symbol, one.side) and position.held > 0:
                part = min(left, position.held)
                position.held, left = position.held - part, left - part
                self._look(position)
        if left:
            self._violated(f"{left} more of {one.symbol} {one.side} was taken than was held")

    def _look(self, position: Position) -> None:
        """Note since when a position has been without a stop."""
        held = cut(self._instruments[position.symbol], position.held)
        if position.hedge or held <= sum(position.stops.values()) or not self.sellable(position):
            position.bare_since = None
        elif position.bare_since is None:
            position.bare_since, position.failures = self._now(), 0

    def sellable(self, position: Position) -> bool:
        """Tell whether what is held can be closed at all, on spot with some room for prices."""
        held = cut(self._instruments[position.symbol], position.held)
        if not self._spot:
            return held > 0
        return self._instruments[position.symbol].tradable(float(held), self._price(position.symbol) * 0.95)

    # --- the trader -------------------------------------------------------------------------------------------------

    def sends(self, client_id: str) -> None:
        """A request that changes something leaves."""
        name = parse(client_id)
        if name is None:
            return
        self._sending[name.trade] += 1
        self._sent_at[name.trade] = self._now()
        if self._sending[name.trade] > 1:
            self._violated(f"position {name.trade}: {self._sending[name.trade]} requests are under way")
        position = self.positions.get(name.trade)
        if name.purpose is Purpose.CLOSE and position is not None and not position.closing:
            position.closing = True
            position.bare_since = None if position.bare_since is None else self._now()

    def answered(self, client_id: str, failed: bool) -> None:
        """Its answer is there, or is not waited for any more; `failed`: it met a fault."""
        name = parse(client_id)
        if name is None:
            return
        self._sending[name.trade] -= 1
        if failed or self._now() - self._sent_at.get(name.trade, 0) > SLOW_MS:
            self._deaf(name)

    def asks(self, client_id: str) -> None:
        """A question about an order leaves."""
        if (name := parse(client_id)) is not None:
            self._asked_at[name.trade] = self._now()

    def told_of(self, client_id: str, failed: bool) -> None:
        """It was answered, or is not waited for any more."""
        if (name := parse(client_id)) is not None:
            self._asked_at.pop(name.trade, None)
            if failed:
                self._deaf(name)

    def _deaf(self, name: ClientId) -> None:
        if name.trade in self.positions:
            self.positions[name.trade].failures += 1

    def wrote(self, records: Iterable[object]) -> None:
        """The trader writes down that something was executed, or that it opens a hedge."""
        for each in records:
            if isinstance(each, OrderRecord) and each.request is not None and each.request.reason == "hedge_open":
                self.hedges.add(each.position_id)
            if isinstance(each, FillRecord):
                self._book(each)

    def _book(self, fill: FillRecord) -> None:
        key = (fill.symbol, fill.trade_id)
        told = self.told.setdefault(key, {})
        if fill.client_id in told:
            self._violated(f"execution {fill.trade_id} of {fill.client_id} was booked twice")
        told[fill.client_id] = fill
        if self._is_told(key):
            self._untold.pop(key, None)

    def _is_told(self, key: Key) -> bool:
        """Tell whether all of an execution is booked; what was taken by the exchange may be of several positions."""
        one, told = self.executed.get(key), self.told.get(key, {})
        return one is not None and sum((each.quantity for each in told.values()), ZERO) >= one.quantity

    def booked(self) -> list[tuple[str, int, str]]:
        """Return what the trader has written down of executions: symbol, the venue's id, our order's."""
        return [(*key, client_id) for key, told in self.told.items() for client_id in told]

    def killed(self, kept: Iterable[tuple[str, int, str]]) -> None:
        """The trader is dead, and remembers these executions alone."""
        for position in self.positions.values():
            position.failures += self._meeting(position)
        self._sending.clear()
        self._asked_at.clear()
        known = set(kept)
        for key, told in self.told.items():
            for client_id in [each for each in told if (*key, each) not in known]:
                del told[client_id]
                self._untold[key] = self._now()

    # --- time -------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Judge what has lasted too long."""
        now = self._now()
        for position in self.positions.values():
            since = position.bare_since
            if since is not None and self.outages.outside(since, now) > UNGUARDED_MS * self._faults(position):
                self._violated(f"position {position.id}: {position.held} held without a stop for {now - since} ms")
                position.bare_since = None
        for key, since in list(self._untold.items()):
            if self.outages.outside(since, now) > UNTOLD_MS:
                self._violated(f"execution {key[1]} of {self.executed[key].client_id} is not in the books")
                del self._untold[key]

    def _faults(self, position: Position) -> int:
        """Return how many requests in a row have met a fault, and at least one."""
        return max(1, position.failures + self._meeting(position))

    def _meeting(self, position: Position) -> int:
        """Return how many requests seem to be meeting a fault just now."""
        now = self._now()
        sends = self._sending[position.id] > 0 and now - self._sent_at[position.id] > SLOW_MS
        asks = now - self._asked_at.get(position.id, now) > SLOW_MS
        return sends + asks
