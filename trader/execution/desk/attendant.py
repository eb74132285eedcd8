"""Attends to one position: finds the next step, takes it, waits for news, and begins again.

One request is under way at a time. Nothing raises: what cannot be done is said, and tried again with growing pauses.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from trader.core.account import Execution
from trader.core.order import Role
from trader.exchange.binance.trade_client import RECV_WINDOW_MS
from trader.execution.breaker import Shape
from trader.execution.client_ids import Purpose
from trader.execution.desk.booking import (
    role_of,
)
from trader.execution.desk.bookkeeper import Bookkeeper
from trader.execution.desk.courier import NOT_SENT, Answer, Update
from trader.execution.desk.holding import Holding, Sent
from trader.execution.desk.means import Means
from trader.execution.desk.records import order_record
from trader.execution.desk.steps import PROTECTIONS, Cancel, Finish, Look, Place, orders_of
from trader.execution.outcomes import Act, Outcome, Why
from trader.execution.states import OrderState, mark

log = logging.getLogger(__name__)

#: What is held is closed at market when no stop could be placed in so many tries, or for so long: what rests has to be
#: withdrawn first, and nothing is without a stop for more than 5 s. One try is always made, also where doubt about what
#: an earlier run has sent took longer.
GUARD_TRIES, GUARD_S = 3, 4.5
#: Pauses between looks for an order that is not found, before it counts as never taken: reads lag, but not long.
LOOK_PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.0)
#: So long after it left, an order that is not found was never taken: by then the venue finds its request too old
#: (recvWindow), even if clocks differ by a second, and reads that lag by a second know of it.
LATEST_S = RECV_WINDOW_MS / 1000 + 2.0
#: What would rest may be sent again sooner: were it there after all, the venue would refuse a second one of its id. And
#: what it is to guard is bare meanwhile.
LATEST_RESTING_S = RECV_WINDOW_MS / 1000 + 1.0
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


class Attendant:
    """Attends to `holding` until nothing of it is left. `quiet`: all is as it should be, and nothing is under way."""

    def __init__(self, holding: Holding, means: Means) -> None:
        self.holding = holding
        self.quiet = False
        self._means = means
        self._books = Bookkeeper(holding, means)
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
        self._books.book_exits()
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
        self._room.end()
        self._books.finish()

    # --- news -------------------------------------------------------------------------------------------------------

    def take(self, client_id: str, update: Update) -> None:
        """Take what the exchange tells of an order, and tell the core what was executed."""
        self._books.take(client_id, update)

    def lose(self, executions: tuple[Execution, ...], reason: str, exchange_id: int) -> None:
        """Book what went from the position without an order of ours."""
        self.adopt(self._means.planner.taken(self.holding, executions, reason, exchange_id))

    def adopt(self, sent: Sent) -> None:
        """Take an order of this position's that was not known: it is booked, and from now on it is seen to."""
        self._books.adopt(sent)
        self.wake()

    def _take_all(self, updates: Iterable[Update]) -> None:
        for update in updates:
            if update.client_id in self.holding.sent:
                self.take(update.client_id, update)

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
        if self._failures >= GUARD_TRIES or (self._failures and now - since >= GUARD_S):
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
            self._books.mark(step.sent, OrderState.ABSENT, why)
        elif not await self._means.journal.permit(place, role):
            self._books.mark(step.sent, OrderState.ABSENT, "the journal could not be written")
        else:
            self._books.mark(step.sent, OrderState.SENT, "")
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
            self._books.mark(
                step.sent, OrderState.ABSENT, failure.text
            )  # no refusal: the next try may be the right one
        elif failure.act in (Act.LOOK_UP, Act.ALREADY_DONE, Act.NOT_FOUND):
            self._books.mark(step.sent, OrderState.UNKNOWN, failure.text)
        elif failure.act in (Act.RETRY_SAME_ID, Act.RESYNC_CLOCK):
            self._failures += 1
            self._books.mark(step.sent, OrderState.ABSENT, failure.text)
            await self._pause()
        else:
            self._failures += 1
            self._books.mark(step.sent, OrderState.REJECTED, f"{failure.code} {failure.text}")
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
            self._means.journal.record(*self._books.put_by("too little to be sold"))
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
        elif (rest_s := _latest_s(sent) - self._age_s(sent)) > 0 or sent.looks < LEAST_LOOKS:
            pause_s = LOOK_PAUSES_S[min(sent.looks, len(LOOK_PAUSES_S) - 1)]
            await self._heard_within(min(pause_s, max(LOOK_PAUSES_S[0], rest_s)))
            sent.looks += 1
        else:
            sent.looks = 0
            self._failures += sent.left_s is not None  # it was a try of ours, and is none of an earlier run's
            self._books.mark(self._list_of(sent), OrderState.EXPIRED if sent.rests else OrderState.ABSENT, "not found")
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


def _latest_s(sent: Sent) -> float:
    """Return how long after it left an order that is not found counts as never taken, seconds."""
    return LATEST_RESTING_S if sent.purpose in PROTECTIONS else LATEST_S


def _absent(sent: Sent) -> bool:
    return sent.order.state is OrderState.ABSENT
