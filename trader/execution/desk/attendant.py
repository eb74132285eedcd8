"""Attends to one position: finds the next step, takes it, waits for news, and begins again.

One request is under way at a time. Nothing raises: what cannot be done is said, and tried again with growing pauses.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal

import msgspec

from trader.core.account import ZERO, Execution
from trader.core.instrument import Instrument
from trader.core.order import OrderDropped, OrderRequest, Role
from trader.exchange.binance.trade_client import RECV_WINDOW_MS
from trader.execution.audit.losses import split
from trader.execution.breaker import Breaker, Shape
from trader.execution.client_ids import Purpose
from trader.execution.desk.booking import (
    Prices,
    fill_of,
    leftovers,
    role_of,
    unsellable,
    with_leftovers,
    write_off,
)
from trader.execution.desk.courier import NOT_SENT, Answer, Courier, Update
from trader.execution.desk.holding import Holding, Sent
from trader.execution.desk.ports import Deliver, Intentions
from trader.execution.desk.records import dust_record, fill_record, order_record
from trader.execution.desk.steps import PROTECTIONS, Cancel, Finish, Look, Place, Planner, orders_of
from trader.execution.dust import DustLedger
from trader.execution.order_room import OrderRoom
from trader.execution.outcomes import Act, Outcome, Why
from trader.execution.states import OrderState, advance, mark
from trader.journal.records import DustRecord, OrderRecord

log = logging.getLogger(__name__)

#: What is held is closed at market when no stop could be placed in so many tries, or for so long: what rests has to be
#: withdrawn first, and nothing is without a stop for more than 5 s.
GUARD_TRIES, GUARD_S = 3, 4.5
#: Pauses between looks for an order that is not found, before it counts as never taken: reads lag, but not long.
LOOK_PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.0)
#: So long after it left, an order that is not found was never taken: by then the venue finds its request too old
#: (recvWindow), even if clocks differ by a second, and reads that lag by a second know of it.
LATEST_S = RECV_WINDOW_MS / 1000 + 2.0
LEAST_LOOKS = 2
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0
#: Room that an entry keeps for what must guard it: three lists, or a stop and its targets.
ORDERS_TO_GUARD = 6
#: News has told of an order: its answer is waited for no longer than this, for what was bought waits for its stop.
LATE_S = 0.25
#: A market order that is not told to have ended, or executions that are not told, are asked for after so long.
PATIENCE_S = 1.0
UNPROTECTED = "unprotected"
#: A stop that has become an order on the book.
TRIGGERED = frozenset({OrderState.TRIGGERED, OrderState.PARTLY_FILLED})
#: Words of a refused entry that are a rule of the core's.
REFUSALS = (("insufficient", "insufficient_capital"), ("filter failure", "below_min_size"))


class Means(msgspec.Struct, frozen=True):
    """What attendants of one symbol work with.

    `mark` gives the last price of the symbol (NaN: unknown), `now` the market's time (ms), `clock` seconds that never
    go back. `forbidden` says why no entry may leave ("" when it may), `prepared` sees to the terms of one (leverage)
    and says why not, `indexed` is told each id of an order, `alarm` and `halt` take words, `changed` is called when an
    attendant has become quiet or busy, or has ended, `doubted` when the account may hold less than it should. `dust` is
    the account's ledger of dust, `room` its limits of orders.
    """

    planner: Planner
    courier: Courier
    breaker: Breaker
    instrument: Instrument
    prices: Prices
    journal: Intentions
    deliver: Deliver
    mark: Callable[[str], float]
    now: Callable[[], int]
    clock: Callable[[], float]
    forbidden: Callable[[Holding], str]
    indexed: Callable[[int, Sent], None]
    alarm: Callable[[str], None]
    halt: Callable[[str], None]
    changed: Callable[[], None]
    prepared: Callable[[OrderRequest], Awaitable[str]]
    doubted: Callable[[], None]
    beyond: Callable[[Holding, Sent, list[Execution]], None]
    dust: DustLedger
    room: OrderRoom


class Attendant:
    """Attends to `holding` until nothing of it is left. `quiet`: all is as it should be, and nothing is under way."""

    def __init__(self, holding: Holding, means: Means) -> None:
        self.holding = holding
        self.quiet = False
        self._means = means
        self._news = asyncio.Event()
        self._verify: list[str] = []
        self._failures = 0
        self._unguarded_since: float | None = None
        self._pause_s = FIRST_PAUSE_S
        self._began_s = self._ask_again_s = means.clock()
        self._room = means.room.promise()
        for sent in holding.sent.values():
            means.indexed(holding.position_id, sent)

    def wake(self) -> None:
        """Look anew: something has changed."""
        self._news.set()
        self._settle(False)

    def look_again(self) -> None:
        """Look up everything that rests: events may have been missed."""
        self._verify = [each.client_id for each in self.holding.sent.values() if each.rests]
        self.wake()

    async def run(self) -> None:
        """Attend to the position until it has ended."""
        planner = self._means.planner
        self._book_exits()
        while True:
            self._news.clear()
            self._watch()
            if (untold := self._untold()) is not None and self._means.clock() >= self._ask_again_s:
                await self._ask_for(untold)
                continue
            step = Look(self._verify[-1]) if self._verify else planner.next(self.holding)
            if isinstance(step, Finish):
                break
            if step is None:
                await self._rest()
            elif isinstance(step, Look):
                await self._look(self.holding.sent[step.client_id])
            elif isinstance(step, Cancel):
                await self._cancel(step)
            else:
                await self._place(step)
        self._finish()

    # --- news -------------------------------------------------------------------------------------------------------

    def take(self, client_id: str, update: Update) -> None:
        """Take what the exchange tells of an order, and tell the core what was executed."""
        sent = self.holding.sent[client_id]
        before = sent.order
        doubted = sent.in_doubt
        sent.order = advance(before, update)
        if sent.order == before:
            return
        if doubted:
            sent.as_it_stands(update)
        self._means.indexed(self.holding.position_id, sent)
        self._book(sent, self._end_siblings(sent))

    def _book(self, sent: Sent, siblings: Iterable[Sent]) -> None:
        """Write down what has become of orders, and tell what was executed; what was of other positions is theirs."""
        holding = self.holding
        executions = [each for each in sent.order.executions if each.trade_id not in sent.told]
        if sent.purpose is not Purpose.ENTRY and self._may_grow():
            executions = []  # what was bought is told first: a trade that has ended cannot grow
        beyond: list[Execution] = []
        if not holding.base and sent.purpose is not Purpose.ENTRY:
            executions, beyond = split(executions, holding.left)
        self._tell(sent, siblings, executions)
        if beyond:
            sent.told |= {each.trade_id for each in beyond}
            self._means.beyond(holding, sent, beyond)
        if sent.purpose is Purpose.ENTRY:
            self._book_exits()

    def _tell(self, sent: Sent, siblings: Iterable[Sent], executions: list[Execution]) -> None:
        """Write orders down with what the core is told of `executions`: both are kept, or neither."""
        holding, means = self.holding, self._means
        records: list[OrderRecord | DustRecord] = [
            order_record(holding, each, means.now()) for each in (sent, *siblings)
        ]
        before = holding.dust
        expected = means.mark(holding.symbol) if sent.price != sent.price else sent.price
        lies = means.dust.of(holding.base)
        fill = (
            fill_of(holding, sent, executions, means.prices, means.instrument, expected, lies) if executions else None
        )
        if fill is None:
            means.journal.record(*records)
            return
        records += self._dust(sent.client_id, before - holding.dust, "sold with a position")
        if holding.left <= 0 and means.planner.sellable(holding) <= 0:
            records += self.put_by("left of a position")
        told = [(sent, each) for each in executions if each.trade_id >= 0]  # those below are guesses of an audit
        if sent.purpose is not Purpose.ENTRY and holding.base:
            found = leftovers(holding)
            fill = with_leftovers(fill, found, means.prices, holding.base)
            told += found
        means.deliver(fill, [*records, *(fill_record(holding, *each) for each in told)])

    def _book_exits(self) -> None:
        """Tell what was sold before all was known of what had been bought."""
        for each in self.holding.sent.values():
            if each.purpose is not Purpose.ENTRY and not each.told >= {one.trade_id for one in each.order.executions}:
                self._book(each, ())

    def _dust(self, client_id: str, change: Decimal, reason: str) -> list[DustRecord]:
        """Change the ledger of dust; return what is to be written down of it."""
        if not change:
            return []
        entry = self._means.dust.add(self.holding.base, change, reason)
        return [dust_record(self.holding, client_id, entry, self._means.now())]

    def put_by(self, reason: str) -> list[DustRecord]:
        """Move what is held, and cannot be sold, to the ledger of dust; return what is to be written down of it."""
        holding = self.holding
        rest = max(ZERO, holding.owned) if holding.base else ZERO
        holding.dust -= rest
        return self._dust(next((each.client_id for each in holding.of(Purpose.ENTRY)), ""), rest, reason)

    def lose(self, executions: tuple[Execution, ...], reason: str, exchange_id: int) -> None:
        """Book what went from the position without an order of ours."""
        sent = self._means.planner.taken(self.holding, executions, reason, exchange_id)
        self.adopt(sent)

    def adopt(self, sent: Sent) -> None:
        """Take an order of this position's that was not known: it is booked, and from now on it is seen to."""
        self.holding.sent[sent.client_id] = sent
        self._means.indexed(self.holding.position_id, sent)
        self._book(sent, ())
        self.wake()

    def _take_all(self, updates: Iterable[Update]) -> None:
        for update in updates:
            if update.client_id in self.holding.sent:
                self.take(update.client_id, update)

    def _end_siblings(self, sent: Sent) -> list[Sent]:
        """Of a list's legs, the one that is executed ends the others: return them."""
        if not sent.list_id or not sent.order.cumulative:
            return []
        others = [each for each in self.holding.sent.values() if each.list_id == sent.list_id and each is not sent]
        ended = [each for each in others if each.rests]
        for each in ended:
            each.order = mark(each.order, OrderState.EXPIRED, "the other leg was executed")
        return ended

    def _watch(self) -> None:
        """Close at market what could not be guarded in time."""
        holding, planner = self.holding, self._means.planner
        if holding.closing or planner.sellable(holding) <= 0 or planner.guarded(holding):
            self._unguarded_since = None
            return
        now = self._means.clock()
        since = self._unguarded_since = now if self._unguarded_since is None else self._unguarded_since
        if any(sent.in_doubt for sent in holding.sent.values()):
            return  # a stop may be among them, and nothing is sent before they are looked up
        if self._failures >= GUARD_TRIES or now - since >= GUARD_S:
            self._means.alarm(
                f"{holding.symbol}: position {holding.position_id} could not be guarded in {self._failures} tries and "
                f"{now - since:.1f} s: it is closed at market"
            )
            holding.rescue = UNPROTECTED

    # --- steps ------------------------------------------------------------------------------------------------------

    async def _rest(self) -> None:
        """Wait for news; ask where they should have come."""
        self._calm()
        if not self.holding.resting(Purpose.ENTRY):
            self._room.end()
        waiting, stuck = self._overdue(), self._stuck()
        if waiting is None:
            self._settle(True)
            if stuck is None:
                await self._news.wait()
            elif not await self._heard_within(PATIENCE_S):
                self._pass_by(stuck)
            self._settle(False)
        elif not await self._heard_within(PATIENCE_S):
            courier = self._means.courier
            ask = courier.executions if waiting.order.untold > 0 else courier.look
            await self._accept(await ask(waiting))

    def _stuck(self) -> Sent | None:
        """Return a stop that was triggered and is not filled: its limit may lie where no price is any more."""
        stops = self.holding.resting(Purpose.STOP)
        return next((each for each in stops if each.order.state in TRIGGERED and not each.order.conditional), None)

    def _pass_by(self, stuck: Sent) -> None:
        """Close at market what a stop does not close, where the price is past it."""
        holding, mark = self.holding, self._means.mark(self.holding.symbol)
        if not holding.closing and holding.direction * (mark - stuck.price) <= 0:
            self._means.alarm(f"{holding.symbol}: the stop at {stuck.price:g} does not fill: it is closed at market")
            holding.rescue = stuck.reason

    def _untold_entry(self) -> Sent | None:
        """Return an entry of which more was executed than anybody has told."""
        return next((each for each in self.holding.of(Purpose.ENTRY) if each.order.untold > 0), None)

    def _untold(self) -> Sent | None:
        """Return an entry of which more was executed than anybody has told; any order while nothing else gets on."""
        if (entry := self._untold_entry()) is not None or not (self._failures and self._is_guarded()):
            return entry
        return next((each for each in self.holding.sent.values() if each.order.untold > 0), None)

    def _is_guarded(self) -> bool:
        return self._means.planner.guarded(self.holding)

    def _may_grow(self) -> bool:
        """Tell whether an entry may have brought more than has been told."""
        return any(each.rests or each.order.untold > 0 for each in self.holding.of(Purpose.ENTRY))

    async def _ask_for(self, sent: Sent) -> None:
        """Ask for executions that should have been told: what is to be guarded, or sold, depends on them."""
        if not await self._heard_within(FIRST_PAUSE_S):
            self._take_answer(await self._means.courier.executions(sent))
            self._ask_again_s = self._means.clock() + PATIENCE_S

    def _take_answer(self, answer: Answer) -> None:
        if answer.failure is None:
            self._take_all(answer.updates)

    def _overdue(self) -> Sent | None:
        """Return an order of which something should be heard: a market order that stands, executions not told."""
        for sent in self.holding.sent.values():
            at_market = sent.purpose in (Purpose.ENTRY, Purpose.CLOSE)
            if (at_market and sent.rests) or sent.order.untold > 0:
                return sent
        return None

    async def _place(self, step: Place) -> None:
        role, shape = role_of(step.sent[0]), Shape.of(step.request)
        orders = orders_of(step.request)
        entering = role is Role.ENTRY
        if not await self._has_room(orders + ORDERS_TO_GUARD * entering, not entering):
            return
        held_s = self._means.breaker.held_s(shape)
        if role is Role.ENTRY and (why := await self._means.prepared(self.holding.entry)):
            self.holding.dropped = self.holding.dropped or why
            return
        if held_s > 0 and role is not Role.ENTRY:
            self._failures += 1
            await self._pause()
            return
        place = self._intend(step.sent)
        if role is Role.ENTRY and (why := self._forbidden(held_s)):
            self._mark(step.sent, OrderState.ABSENT, why)
        elif not await self._means.journal.permit(place, role):
            self._mark(step.sent, OrderState.ABSENT, "the journal could not be written")
        else:
            self._mark(step.sent, OrderState.SENT, "")
            self._room.spend(orders)
            await self._placed(step, shape, await self._answer_to(step))

    async def _answer_to(self, step: Place) -> Answer:
        """Place the orders and return the answer; an empty one where news has told of them and it is late."""
        asking = asyncio.create_task(self._means.courier.place(step.request, lambda: self._leaves(step.sent)))
        told = asyncio.create_task(self._told_of(step.sent))
        try:
            await asyncio.wait((asking, told), return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else Answer()
        finally:
            asking.cancel()
            told.cancel()
            await asyncio.gather(asking, told, return_exceptions=True)

    async def _told_of(self, orders: Iterable[Sent]) -> None:
        """Wait until news has told of all orders, and a little longer: the answer may be about to come."""
        while any(each.in_doubt for each in orders):
            self._news.clear()
            await self._news.wait()
        await asyncio.sleep(LATE_S)

    async def _has_room(self, orders: int, urgent: bool) -> bool:
        """Have room for orders that are about to leave; where there is none, wait for news or for some of it."""
        wait_s = self._room.hold(orders, urgent)
        if wait_s > 0:
            await self._heard_within(min(max(wait_s, FIRST_PAUSE_S), PATIENCE_S))
        return wait_s <= 0

    def _leaves(self, orders: Iterable[Sent]) -> None:
        for sent in orders:
            sent.left_s = self._means.clock()

    def _intend(self, orders: Iterable[Sent]) -> int:
        """Write down what is about to leave; return its place in the journal."""
        for sent in orders:
            if sent.order.state is OrderState.ABSENT:  # it goes out again, and whoever reads this must be in doubt
                sent.order = mark(sent.order, OrderState.SENT)
            self.holding.sent[sent.client_id] = sent
            self._means.indexed(self.holding.position_id, sent)
        return self._means.journal.record(*(order_record(self.holding, each, self._means.now()) for each in orders))

    def _forbidden(self, held_s: float) -> str:
        """Return why an entry must not leave; "" when it may."""
        expires = self.holding.entry.expires
        if self.holding.dropped or (expires and self._means.now() > expires):
            return self.holding.dropped or "expired"
        return "refused again and again" if held_s > 0 else self._means.forbidden(self.holding)

    async def _placed(self, step: Place, shape: Shape, answer: Answer) -> None:
        failure = answer.failure
        if failure is None:
            self._means.breaker.accepted(shape)
            self._calm()
            self._take_all(answer.updates)
        elif failure is NOT_SENT:
            self._mark(step.sent, OrderState.ABSENT, failure.text)  # no refusal: the next try may be the right one
        elif failure.act in (Act.LOOK_UP, Act.ALREADY_DONE, Act.NOT_FOUND):
            self._mark(step.sent, OrderState.UNKNOWN, failure.text)
        elif failure.act in (Act.RETRY_SAME_ID, Act.RESYNC_CLOCK):
            self._failures += 1
            self._mark(step.sent, OrderState.ABSENT, failure.text)
            await self._pause()
        else:
            self._failures += 1
            self._mark(step.sent, OrderState.REJECTED, f"{failure.code} {failure.text}")
            self._count_refusal(step, shape, failure)
            await self._refused(step, failure)

    def _count_refusal(self, step: Place, shape: Shape, failure: Outcome) -> None:
        urgent = step.sent[0].purpose is not Purpose.ENTRY
        alarm = self._means.breaker.refused(shape, failure.code, failure.text, urgent)
        if alarm is not None:
            self._means.alarm(f"{shape.symbol}: {shape.kind} is refused again and again: {alarm.code} {alarm.text}")
        if failure.act is Act.HALT:
            self._means.halt(f"{shape.symbol}: {failure.code} {failure.text}")

    async def _refused(self, step: Place, failure: Outcome) -> None:
        """A level that the price has passed closes what it guards; dust is let go; else it is tried again."""
        first = step.sent[0]
        if first.purpose in PROTECTIONS and failure.why in (Why.WOULD_TRIGGER, Why.WOULD_TAKE):
            passed = first if failure.why is Why.WOULD_TRIGGER else step.sent[-1]
            self.holding.rescue = passed.reason
        elif first.purpose is Purpose.CLOSE and failure.why is Why.FILTER and self._is_dust():
            self._means.journal.record(*self.put_by("too little to be sold"))
        elif first.purpose is not Purpose.ENTRY:
            if failure.why in (Why.INSUFFICIENT, Why.NOTHING_TO_REDUCE):
                self._means.doubted()
                self._verify = [each.client_id for each in filter(_absent, self.holding.sent.values())]
            if (old := self._in_the_way(step, failure)) is not None:
                await self._cancel(Cancel(old.client_id))
            elif self._has_fewer_lists(step, failure):
                return
            elif first.purpose not in PROTECTIONS or self._failures < GUARD_TRIES:
                await self._pause()

    def _in_the_way(self, step: Place, failure: Outcome) -> Sent | None:
        """Return the stop that has to go first where the venue takes no second one; none while it takes none at all."""
        if failure.why is not Why.TOO_MANY or step.sent[0].purpose is not Purpose.STOP or self.holding.base:
            return None
        if self._means.breaker.held_s(Shape.of(step.request)) > 0:
            return None
        return next(iter(self.holding.resting(Purpose.STOP)), None)

    def _has_fewer_lists(self, step: Place, failure: Outcome) -> bool:
        """Where the venue takes no further list, make do with those that rest; tell whether that is new."""
        if failure.why is not Why.TOO_MANY or not step.sent[0].list_id:
            return False
        before, rest = self.holding.most or len(self.holding.targets), len(self.holding.lists())
        self.holding.most = max(1, min(before - 1, rest))
        return self.holding.most < before

    def _is_dust(self) -> bool:
        quantity = float(self._means.planner.sellable(self.holding))
        return not self._means.instrument.tradable(quantity, self._means.mark(self.holding.symbol))

    async def _look(self, sent: Sent) -> None:
        answer = await self._means.courier.look(sent)
        if answer.failure is None:
            sent.looks = 0
            self._calm()
            self._take_all(answer.updates)
            self._verified(sent)
            return
        if answer.failure.act is not Act.NOT_FOUND:
            await self._pause(LOOK_PAUSES_S[-1])
        elif (rest_s := LATEST_S - self._age_s(sent)) > 0 or sent.looks < LEAST_LOOKS:
            pause_s = LOOK_PAUSES_S[min(sent.looks, len(LOOK_PAUSES_S) - 1)]
            await self._heard_within(min(pause_s, max(LOOK_PAUSES_S[0], rest_s)))
            sent.looks += 1
        else:
            sent.looks = 0
            self._mark(self._list_of(sent), OrderState.EXPIRED if sent.rests else OrderState.ABSENT, "not found")
            self._verified(sent)

    def _age_s(self, sent: Sent) -> float:
        """Return how long ago an order left; one of an earlier run not later than when this one began."""
        return self._means.clock() - (self._began_s if sent.left_s is None else sent.left_s)

    def _list_of(self, sent: Sent) -> list[Sent]:
        """Return the orders that went out with `sent`: a list is taken whole or not at all."""
        if not sent.list_id:
            return [sent]
        return [each for each in self.holding.sent.values() if each.list_id == sent.list_id and not each.order.ended]

    def _verified(self, sent: Sent) -> None:
        self._verify = [each for each in self._verify if each != sent.client_id]

    async def _cancel(self, step: Cancel) -> None:
        sent = self.holding.sent[step.client_id]
        if step.orders and not await self._has_room(step.orders, step.urgent or self._room.orders > 0):
            return
        answer = await self._means.courier.cancel(sent)
        if answer.failure is None:
            self._take_all(answer.updates)
            return
        await self._look(sent)
        if sent.rests:
            await self._pause()

    async def _accept(self, answer: Answer) -> None:
        if answer.failure is None:
            self._take_all(answer.updates)
        else:
            await self._pause()

    def _mark(self, orders: Iterable[Sent], state: OrderState, reason: str) -> None:
        for sent in orders:
            sent.order = mark(sent.order, state, reason)
            self._means.journal.record(order_record(self.holding, sent, self._means.now()))

    # --- the end ----------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Tell the core how a position has ended that it does not know to have ended."""
        self._room.end()
        holding, means = self.holding, self._means
        rest = self.put_by("left of a position")
        found = leftovers(holding) if holding.base else []
        if found and not holding.entered:
            fill = unsellable(holding, found, means.prices, means.instrument)
            means.deliver(fill, [fill_record(holding, *each) for each in found])
            found = []
        if not holding.entered:
            dropped = OrderDropped(means.now(), holding.entry.order_id, holding.symbol, self._why())
            means.deliver(dropped, rest)
        elif holding.left > 0:
            fill = write_off(holding, means.now(), self._last_price(), holding.closing or "dust")
            fill = with_leftovers(fill, found, means.prices, holding.base)
            means.deliver(fill, [*rest, *(fill_record(holding, *each) for each in found)])
        elif rest:
            means.journal.record(*rest)

    def _last_price(self) -> float:
        """Return the symbol's last price; that of our own last execution where none is known."""
        price = self._means.mark(self.holding.symbol)
        executions = [each for sent in self.holding.sent.values() for each in sent.order.executions]
        if price == price or not executions:
            return price
        return float(max(executions, key=lambda each: each.time).price)

    def _why(self) -> str:
        """Return the core's rule under which an entry never was, and say what is known of it."""
        last = next(reversed([*self.holding.of(Purpose.ENTRY)]), None)
        said = self.holding.dropped or (last.order.reason if last else "")
        log.warning("%s: the entry of position %d was dropped: %s", self.holding.symbol, self.holding.position_id, said)
        if said in ("expired", "withdrawn"):
            return "expired"
        if last is None or last.order.state is OrderState.ABSENT:
            return "unfilled"
        spoken = said.lower()
        return next((rule for words, rule in REFUSALS if words in spoken), "rejected")

    # --- waiting ----------------------------------------------------------------------------------------------------

    def _calm(self) -> None:
        self._failures, self._pause_s = 0, FIRST_PAUSE_S

    async def _pause(self, longest_s: float = LONGEST_PAUSE_S) -> None:
        await self._heard_within(min(self._pause_s, longest_s))
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)

    async def _heard_within(self, seconds: float) -> bool:
        """Wait for news, at most so long; tell whether there were any."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _settle(self, quiet: bool) -> None:
        self.quiet = quiet and not self._news.is_set()
        self._means.changed()


def _absent(sent: Sent) -> bool:
    return sent.order.state is OrderState.ABSENT
