"""The books of one position: what becomes of its orders is written down, and what is executed is told to the core."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal

from trader.core.account import ZERO, Execution
from trader.core.order import OrderDropped
from trader.execution.audit.losses import split
from trader.execution.client_ids import Purpose
from trader.execution.desk.booking import fill_of, leftovers, unsellable, with_leftovers, write_off
from trader.execution.desk.courier import Update
from trader.execution.desk.holding import Holding, Sent
from trader.execution.desk.means import Means
from trader.execution.desk.records import dust_record, fill_record, order_record
from trader.execution.states import OrderState, advance, mark
from trader.journal.records import DustRecord, OrderRecord

log = logging.getLogger(__name__)

#: Words of a refused entry that are a rule of the core's.
REFUSALS = (("insufficient", "insufficient_capital"), ("filter failure", "below_min_size"))


class Bookkeeper:
    """Keeps the books of `holding`: an order and what the core is told of it are written down together, or neither."""

    def __init__(self, holding: Holding, means: Means) -> None:
        self.holding = holding
        self._means = means

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
        self._close_past(sent)
        self._book(sent, self._end_siblings(sent))

    def _close_past(self, sent: Sent) -> None:
        """Let go at market what a stop does not close: one that was triggered, and refused, has the price past it."""
        refused = sent.order.conditional and sent.order.state is OrderState.REJECTED
        if refused and sent.purpose is Purpose.STOP and not self.holding.closing:
            self.holding.rescue = sent.reason

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
            self.book_exits()

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

    def book_exits(self) -> None:
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

    def adopt(self, sent: Sent) -> None:
        """Take an order that was not known, and book what was executed of it."""
        self.holding.sent[sent.client_id] = sent
        self._means.indexed(self.holding.position_id, sent)
        self._book(sent, ())

    def _end_siblings(self, sent: Sent) -> list[Sent]:
        """Of a list's legs, the one that is executed ends the others: return them."""
        if not sent.list_id or not sent.order.cumulative:
            return []
        others = [each for each in self.holding.sent.values() if each.list_id == sent.list_id and each is not sent]
        ended = [each for each in others if each.rests]
        for each in ended:
            each.order = mark(each.order, OrderState.EXPIRED, "the other leg was executed")
        return ended

    def _may_grow(self) -> bool:
        """Tell whether an entry may have brought more than has been told."""
        return any(each.rests or each.order.untold > 0 for each in self.holding.of(Purpose.ENTRY))

    def mark(self, orders: Iterable[Sent], state: OrderState, reason: str) -> None:
        """Write down that orders are in a state that no update of the exchange has told."""
        for sent in orders:
            sent.order = mark(sent.order, state, reason)
            self._means.journal.record(order_record(self.holding, sent, self._means.now()))

    def finish(self) -> None:
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
