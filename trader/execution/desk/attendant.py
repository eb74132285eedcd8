"""Attends to one position: finds the next step, takes it, waits for news, and begins again.

One request is under way at a time. Nothing raises: what cannot be done is said, and tried again with growing pauses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal

import msgspec

from trader.core.account import ZERO, Execution
from trader.core.instrument import Instrument
from trader.core.order import OrderDropped, OrderRequest, Role
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
from trader.execution.desk.courier import Answer, Courier, Update
from trader.execution.desk.holding import Holding, Sent
from trader.execution.desk.ports import Deliver, Intentions
from trader.execution.desk.records import dust_record, fill_record, order_record
from trader.execution.desk.steps import PROTECTIONS, Cancel, Finish, Look, Place, Planner
from trader.execution.dust import DustLedger
from trader.execution.outcomes import Act, Outcome, Why
from trader.execution.states import OrderState, advance, mark
from trader.journal.records import DustRecord, OrderRecord

#: What is held is closed at market when no stop could be placed in so many tries, or for so long.
GUARD_TRIES, GUARD_S = 3, 5.0
#: Pauses between looks for an order that is not found, before it counts as never taken: reads lag, but not long.
LOOK_PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.0)
#: What guards may be sent again sooner: under its own id it can rest only once.
GUARD_LOOKS = 3
#: A request may still arrive until the venue finds it too old (recvWindow, and a second by which clocks may differ):
#: before that, no order at market counts as never taken.
LATEST_S = 6.0
#: Proof that the last request did nothing; an earlier one of the same order may still be on its way.
NOTHING_DONE = (Act.RETRY_SAME_ID, Act.RESYNC_CLOCK)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 5.0
#: A market order that is not told to have ended, or executions that are not told, are asked for after so long.
PATIENCE_S = 1.0
UNPROTECTED = "unprotected"


class Means(msgspec.Struct, frozen=True):
    """What attendants of one symbol work with.

    `mark` gives the last price of the symbol (NaN: unknown), `now` the market's time (ms), `clock` seconds that never
    go back. `forbidden` says why no entry may leave ("" when it may), `prepared` sees to the terms of one (leverage)
    and says why not, `indexed` is told each id of an order, `alarm` and `halt` take words, `changed` is called when an
    attendant has become quiet or busy, or has ended, `doubted` when the account may hold less than it should. `dust` is
    the account's ledger of dust.
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
    dust: DustLedger


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
        self._began_s = means.clock()
        for sent in holding.sent.values():
            means.indexed(holding.position_id, sent)

    def wake(self) -> None:
        """Look anew: something has changed."""
        self._news.set()
        self._settle(False)

    def look_again(self) -> None:
        """Look up everything that rests, or may have come late: events may have been missed."""
        orders = self.holding.sent.values()
        self._verify = [each.client_id for each in orders if each.rests or each.left_s is not None and _absent(each)]
        self.wake()

    async def run(self) -> None:
        """Attend to the position until it has ended."""
        planner = self._means.planner
        while True:
            self._news.clear()
            self._watch()
            step = Look(self._verify[-1]) if self._verify else planner.next(self.holding)
            if isinstance(step, Finish):
                if (late := self._late()) is None:
                    break
                await self._linger(late)
            elif step is None:
                await self._rest()
            elif isinstance(step, Look):
                await self._look(self.holding.sent[step.client_id])
            elif isinstance(step, Cancel):
                await self._cancel(self.holding.sent[step.client_id])
            else:
                await self._place(step)
        self._finish()

    # --- news -------------------------------------------------------------------------------------------------------

    def take(self, client_id: str, update: Update) -> None:
        """Take what the exchange tells of an order, and tell the core what was executed."""
        sent = self.holding.sent[client_id]
        before = sent.order
        sent.order = advance(before, update)
        if sent.order == before:
            return
        self._means.indexed(self.holding.position_id, sent)
        self._book(sent, self._end_siblings(sent))

    def _book(self, sent: Sent, siblings: Iterable[Sent]) -> None:
        """Write down what has become of orders, with what the core is told of it: both are kept, or neither."""
        holding, means = self.holding, self._means
        records: list[OrderRecord | DustRecord] = [
            order_record(holding, each, means.now()) for each in (sent, *siblings)
        ]
        executions = [each for each in sent.order.executions if each.trade_id not in sent.told]
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
        told = [(sent, each) for each in executions]
        if sent.purpose is not Purpose.ENTRY and holding.base:
            found = leftovers(holding)
            fill = with_leftovers(fill, found, means.prices, holding.base)
            told += found
        means.deliver(fill, [*records, *(fill_record(holding, *each) for each in told)])
        if sent.purpose is Purpose.ENTRY:
            self._book_exits()

    def _book_exits(self) -> None:
        """Tell what was sold before anybody knew that it had been bought."""
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
        waiting = self._overdue()
        if waiting is None:
            self._settle(True)
            await self._news.wait()
            self._settle(False)
        elif not await self._heard_within(PATIENCE_S):
            courier = self._means.courier
            await self._accept(await (courier.look(waiting) if waiting.rests else courier.executions(waiting)))

    def _overdue(self) -> Sent | None:
        """Return an order of which something should be heard: a market order that stands, executions not told."""
        for sent in self.holding.sent.values():
            at_market = sent.purpose in (Purpose.ENTRY, Purpose.CLOSE)
            if (at_market and sent.rests) or sent.order.untold > 0:
                return sent
        return None

    async def _place(self, step: Place) -> None:
        role, shape = role_of(step.sent[0]), Shape.of(step.request)
        held_s = self._means.breaker.held_s(shape)
        if role is Role.ENTRY and (why := await self._means.prepared(self.holding.entry)):
            self.holding.dropped = self.holding.dropped or why
            return
        if held_s > 0 and role is not Role.ENTRY:
            await self._heard_within(min(held_s, LONGEST_PAUSE_S))
            return
        place = self._intend(step.sent)
        if role is Role.ENTRY and (why := self._forbidden(held_s)):
            self._mark(step.sent, OrderState.ABSENT, why)
        elif not await self._means.journal.permit(place, role):
            self._mark(step.sent, OrderState.ABSENT, "the journal could not be written")
        else:
            self._mark(step.sent, OrderState.SENT, "")
            before = [sent.left_s for sent in step.sent]
            for sent in step.sent:
                sent.left_s = self._means.clock()
            answer = await self._means.courier.place(step.request)
            if answer.failure is not None and answer.failure.act in NOTHING_DONE:
                for sent, left_s in zip(step.sent, before, strict=True):
                    sent.left_s = left_s
            await self._placed(step, shape, answer)

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
        elif failure.act in (Act.LOOK_UP, Act.ALREADY_DONE, Act.NOT_FOUND):
            self._mark(step.sent, OrderState.UNKNOWN, failure.text)
        elif failure.act in NOTHING_DONE:
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
            await self._pause()

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
        elif not self._is_gone(sent):
            await self._heard_within(LOOK_PAUSES_S[min(sent.looks, len(LOOK_PAUSES_S) - 1)])
            sent.looks += 1
        else:
            sent.looks = 0
            self._mark(self._list_of(sent), OrderState.EXPIRED if sent.rests else OrderState.ABSENT, "not found")
            self._verified(sent)

    def _is_gone(self, sent: Sent) -> bool:
        """Tell whether an order that is not found never will be, or may be sent again all the same."""
        if self._age_s(sent) >= LATEST_S:
            for each in self._list_of(sent):
                each.left_s = None
            return sent.looks >= len(LOOK_PAUSES_S)
        return sent.purpose in PROTECTIONS and sent.looks >= GUARD_LOOKS

    def _age_s(self, sent: Sent) -> float:
        """Return how long ago an order left; one of an earlier run not later than when this one began."""
        return self._means.clock() - (self._began_s if sent.left_s is None else sent.left_s)

    def _late(self) -> Sent | None:
        """Return an order that was not found, and may still arrive."""
        absent = filter(_absent, self.holding.sent.values())
        return next((each for each in absent if each.left_s is not None), None)

    async def _linger(self, sent: Sent) -> None:
        """Wait until an order can no longer arrive, and look for it once more."""
        if not await self._heard_within(max(0.0, LATEST_S - self._age_s(sent))):
            await self._look(sent)

    def _list_of(self, sent: Sent) -> list[Sent]:
        """Return the orders that went out with `sent`: a list is taken whole or not at all."""
        if not sent.list_id:
            return [sent]
        return [each for each in self.holding.sent.values() if each.list_id == sent.list_id and not each.order.ended]

    def _verified(self, sent: Sent) -> None:
        self._verify = [each for each in self._verify if each != sent.client_id]

    async def _cancel(self, sent: Sent) -> None:
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
        reasons = [each.order.reason for each in self.holding.of(Purpose.ENTRY)]
        return self.holding.dropped or next((reason for reason in reversed(reasons) if reason), "rejected")

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
