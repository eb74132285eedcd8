"""Finds out what became of what is not there any more, and has it booked: at the venue's own prices, said each time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from trader.core.account import ZERO, AlgoUpdate, Execution, Forced, OrderUpdate, PositionSide
from trader.core.errors import Rejected
from trader.core.instrument import Instrument
from trader.core.settings import Market
from trader.core.venue import AccountTrade
from trader.execution.audit.adopt import adopted
from trader.execution.audit.compare import side_of
from trader.execution.audit.findings import Finding
from trader.execution.audit.losses import REASONS, Loss, by_order, closing_side, reason_of, shared, split
from trader.execution.audit.seen import Holdings, Orders
from trader.execution.client_ids import Purpose, parse
from trader.execution.desk.booking import MANUAL
from trader.execution.desk.courier import executed
from trader.execution.desk.desk import Desk
from trader.execution.desk.holding import Holding, Sent
from trader.execution.fees import average_price

#: Orders that are not ours and are looked up for one difference, at most; the rest is found in the next audit.
LOOK_UPS = 20
#: Futures tell the trades of seven days at a time.
LONGEST_MS = 6 * 86_400_000


class Means(msgspec.Struct, frozen=True):
    """What audits work with. `bases` has the coin of each symbol on spot, and is empty on futures. `given` tells the
    highest position id that the core has given out, `mark` a symbol's last price (NaN: unknown), `now` the market's
    time (ms). `settle_s` is the longest wait for the desk to have looked again."""

    market: Market
    run: str
    orders: Orders
    holdings: Holdings
    instruments: Mapping[str, Instrument]
    bases: Mapping[str, str]
    given: Callable[[], int]
    mark: Callable[[str], float]
    now: Callable[[], int]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    settle_s: float = 2.0


class Inquiry:
    """Asks through `means`, and tells `desk`."""

    def __init__(self, desk: Desk, means: Means) -> None:
        self._desk = desk
        self._means = means
        self._booked: set[tuple[str, int]] = set()
        self._guesses = 0

    def forced(self, event: OrderUpdate) -> None:
        """Book the executions of an order that the venue made itself; from then on no entry leaves."""
        self._halt(event)
        holdings = [each for each in self._of(event.symbol) if closing_side(each) is event.side]
        holdings = [each for each in holdings if event.position_side in (PositionSide.BOTH, side_of(each))]
        fresh = [each for each in event.executions if not self._is_booked(event.symbol, each.trade_id)]
        self._book(event.symbol, shared(fresh, holdings, REASONS[event.forced], event.exchange_id))

    def take_up(self, update: OrderUpdate | AlgoUpdate) -> bool:
        """Give an order of ours, that the desk does not know, to its position; tell whether there is one."""
        parts = parse(update.client_id)
        if parts is None or parts.run != self._means.run or self._desk.knows(update.client_id):
            return False
        holding = self._desk.holdings.get(parts.trade)
        if holding is None:
            return False
        self._desk.adopt(parts.trade, adopted(holding, update))
        return True

    async def explain(self, finding: Finding, since_ms: int) -> None:
        """Find the trades that took what is missing, and book them; what none explains is booked at the last price."""
        left = finding.quantity
        for exchange_id, trades in (await self._unbooked(finding, since_ms)).items():
            executions = tuple(each.execution for each in trades)
            if (sent := self._sent(finding.symbol, exchange_id)) is not None:
                self._desk.tell(executed(sent, trades))  # an order of ours of which nobody has told yet
                left -= sum((each.quantity for each in executions), ZERO)
                continue
            order = await self._order(finding.symbol, exchange_id)
            if order is not None and self._is_ours(msgspec.structs.replace(order, executions=executions)):
                left -= sum((each.quantity for each in executions), ZERO)
                continue
            taken, _ = split(executions, left)
            left -= sum((each.quantity for each in taken), ZERO)
            reason = reason_of(order) if order else MANUAL
            if order is not None and order.forced is not Forced.NONE:
                self._halt(order)
            self._book(finding.symbol, shared(taken, self._concerned(finding), reason, exchange_id))
        if left > 0:
            self._guess(finding, left)

    def _is_ours(self, update: OrderUpdate) -> bool:
        """Give an order of ours to its position: one that the desk does not know, or believes to have been refused.

        A journal that could not be written may have lost it; the desk then sent it again, under its id.
        """
        if self.take_up(update):
            return True
        self._desk.tell(update)
        return all(self._is_booked(update.symbol, each.trade_id) for each in update.executions)

    # --- asking -----------------------------------------------------------------------------------------------------

    async def _unbooked(self, finding: Finding, since_ms: int) -> dict[int, list[AccountTrade]]:
        """Return the trades since a time that could have taken what is missing, by order, oldest first."""
        concerned = self._concerned(finding)
        side = closing_side(concerned[0])
        first = min((each.entry.decided for each in concerned), default=0)
        start = max(since_ms or first, self._means.now() - LONGEST_MS)
        trades = await self._means.orders.trades(finding.symbol, start_ms=start)
        unknown = [each for each in trades if each.side is side and not self._is_settled(each)]
        found = by_order(each for each in unknown if self._is_of(each, finding))
        return dict(list(found.items())[:LOOK_UPS])

    def _is_settled(self, trade: AccountTrade) -> bool:
        """Tell whether a trade is booked, or of a position of ours that has ended."""
        if self._is_booked(trade.symbol, trade.trade_id):
            return True
        ours = self._desk.knows_exchange_id(trade.symbol, trade.exchange_id)
        return ours and self._sent(trade.symbol, trade.exchange_id) is None

    def _sent(self, symbol: str, exchange_id: int) -> Sent | None:
        """Return the order of an open position that the venue has under this id."""
        for holding in self._desk.holdings.values():
            for sent in holding.sent.values() if holding.symbol == symbol else ():
                own = sent.order.actual_id if sent.order.conditional else sent.order.exchange_id
                if own == exchange_id and sent.purpose is not Purpose.TAKEN:
                    return sent
        return None

    @staticmethod
    def _is_of(trade: AccountTrade, finding: Finding) -> bool:
        return trade.position_side is PositionSide.BOTH or trade.position_side == finding.what

    async def _order(self, symbol: str, exchange_id: int) -> OrderUpdate | None:
        """Return an order by the venue's id; None when it is not told any more."""
        try:
            return await self._means.orders.order(symbol, exchange_id=exchange_id)
        except Rejected:
            return None

    def _halt(self, forced: OrderUpdate) -> None:
        self._desk.halt(f"{forced.symbol}: {REASONS[forced.forced]} by the exchange ({forced.client_id})")

    # --- booking ----------------------------------------------------------------------------------------------------

    def _of(self, symbol: str) -> list[Holding]:
        return [each for each in self._desk.holdings.values() if each.symbol == symbol and each.owned > 0]

    def _concerned(self, finding: Finding) -> list[Holding]:
        """Return the positions of which something is missing: of the coin, or of the side."""
        every = self._of(finding.symbol)
        return every if self._means.market == "spot" else [each for each in every if side_of(each) == finding.what]

    def _is_booked(self, symbol: str, trade_id: int) -> bool:
        if (symbol, trade_id) in self._booked:
            return True
        sent = (
            each
            for holding in self._desk.holdings.values()
            if holding.symbol == symbol
            for each in holding.sent.values()
        )
        return any(execution.trade_id == trade_id for each in sent for execution in each.order.executions)

    def _guess(self, finding: Finding, quantity: Decimal) -> None:
        """Book what no trade explains at the last price: withdrawn, or too long ago."""
        concerned = self._concerned(finding)
        price = self._means.mark(finding.symbol)
        known = Decimal(repr(price)) if price == price else average_price(self._entries(concerned))
        self._guesses += 1
        number = -(self._means.now() * 100 + self._guesses % 100)  # no venue has such an id
        self._desk.alarm(f"{finding.symbol}: no trade explains {quantity}: it is booked at {known}, the last price")
        execution = Execution(number, quantity, known, self._means.now())
        self._book(finding.symbol, shared([execution], concerned, MANUAL))

    @staticmethod
    def _entries(holdings: Sequence[Holding]) -> list[Execution]:
        return [execution for each in holdings for sent in each.sent.values() for execution in sent.order.executions]

    def _book(self, symbol: str, losses: Sequence[Loss]) -> None:
        for loss in losses:
            price = average_price(loss.executions)
            self._desk.alarm(
                f"{symbol}: {loss.quantity} of position {loss.position_id} went without an order of ours, "
                f"at {price:f}: {loss.reason}"
            )
            self._booked |= {(symbol, each.trade_id) for each in loss.executions}
            self._desk.lose(loss.position_id, loss.executions, loss.reason, loss.exchange_id)
