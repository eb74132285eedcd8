"""The spot desk: it takes orders, lets them meet prices, and fills them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.accounts.decimals import ZERO, cut, of_float
from trader.exchange.embedded.accounts.ledger import Shortage
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.faults import Fault
from trader.exchange.embedded.matching.touch import Resting, Touch
from trader.exchange.embedded.spot import checks, endings
from trader.exchange.embedded.spot.books import MARKET, Books
from trader.exchange.embedded.spot.execution import affords, execute, lock, release
from trader.exchange.embedded.spot.orders import (
    LIMITED,
    Contingency,
    Order,
    OrderList,
    Status,
    TimeInForce,
    Type,
    Wish,
)

INSUFFICIENT = "Account has insufficient balance for requested action."
#: Why orders expire (binance.md, section 4); the second and third names are ours.
NO_LIQUIDITY = "INSUFFICIENT_LIQUIDITY"
NO_BALANCE = "INSUFFICIENT_BALANCE"
WOULD_TRIGGER = "WOULD_TRIGGER_IMMEDIATELY"


class SpotDesk:
    """Orders of all accounts against the play's prices. Whoever asks lets the matcher advance first."""

    def __init__(self, books: Books) -> None:
        self.books = books

    def place(self, account: Account, wish: Wish) -> Order:
        """Take one order; raise `ApiError` where it is refused."""
        order = self.examined(account, [wish])[0]
        self._check_now(order)
        account.counts[MARKET].charge(1)
        if wish.type is not Type.MARKET:
            self.lock([order])
        self.enter(order)
        self.books.report_balances(account.uid)
        return order

    def test(self, account: Account, wish: Wish) -> None:
        """Check one order as `place` does, and leave it at that."""
        self._check_now(self.examined(account, [wish])[0])

    def examined(self, account: Account, wishes: Sequence[Wish], lists: int = 0) -> list[Order]:
        """Return the orders that wishes become, checked by all that does not depend on the price of now."""
        price = self.price(wishes[0].symbol)
        for wish in wishes:
            checks.check_wish(self.books, wish, price)
        checks.check_counts(self.books, account.uid, wishes, lists)
        checks.check_names(self.books, account.uid, wishes)
        return [self._made(account, wish, price) for wish in wishes]

    def price(self, symbol: str) -> Decimal:
        """Return the price of now; -2010 where nothing trades."""
        price = self.books.quotes.price(symbol)
        if price is None or not price.is_finite():
            raise checks.rejected("Market is closed.")
        return price

    def lock(self, orders: list[Order]) -> None:
        """Lock once what orders need of which one can fill; -2010 where less is free."""
        try:
            lock(self.books, orders)
        except Shortage:
            raise checks.rejected(INSUFFICIENT) from None

    def enter(self, order: Order) -> None:
        """Put an order on the book, its money locked: it takes what it can, and waits for the rest, or not."""
        if not order.waits_for_stop:
            order.working_since = order.updated
        if order.id not in self.books.shelf.orders:
            self.books.shelf.add(order)
        self.books.report(order, "NEW")
        price = self.price(order.wish.symbol)
        if order.wish.type is Type.MARKET:
            self._take(order, price, self.books.now())
        elif not order.waits_for_stop:
            self._work(order, price, self.books.now())

    def symbols(self) -> list[str]:
        """Return the symbols with open orders."""
        return self.books.shelf.symbols()

    def waiting(self, symbol: str) -> list[Resting]:
        """Return the orders of a symbol that wait for a price."""
        return self.books.shelf.waiting(symbol)

    def meet(self, symbol: str, touch: Touch, settled_ms: int) -> None:
        """Fill or trigger an order that was reached, unless it has ended or changed meanwhile."""
        order = self.books.shelf.orders[touch.resting.order_id]
        if not order.open or order.pending or order.resting() != touch.resting:
            return
        price = of_float(touch.price)
        if touch.resting.passive:
            self._fill(order, self._parts(order)[0], order.wish.price or price, True, touch.time)
        else:
            self._trigger(order, price, touch.time)
        self._judge_from(order, settled_ms)
        self.books.report_balances(order.uid)

    def _made(self, account: Account, wish: Wish, price: Decimal) -> Order:
        books, now = self.books, self.books.now()
        lag = books.plan.strikes(Fault.READ_LAG, wish.symbol)
        return Order(
            id=next(books.order_ids),
            uid=account.uid,
            wish=wish,
            client_id=wish.client_id or books.new_client_id(),
            quantity=wish.quantity if wish.quantity is not None else self._affordable(wish, price),
            placed=now,
            updated=now,
            since=now,
            seen_at=0.0 if lag is None else books.wall() + lag,
        )

    def _affordable(self, wish: Wish, price: Decimal) -> Decimal:
        """Return the quantity that `quoteOrderQty` buys or sells, cut to the step."""
        taken = self.books.quotes.taken(price, wish.buying)
        return cut((wish.quote_quantity or ZERO) / taken, self.books.pairs[wish.symbol].step)

    def _check_now(self, order: Order) -> None:
        """Refuse an order that the price of now forbids, or that goes to market unpaid."""
        wish, price = order.wish, self.price(order.wish.symbol)
        checks.check_against_price(self.books, wish, price)
        if wish.type is not Type.MARKET:
            return
        if order.quantity <= 0:
            raise ApiError(-1013, "Filter failure: LOT_SIZE")
        if not affords(self.books, order, order.quantity, self.books.quotes.taken(price, wish.buying)):
            raise checks.rejected(INSUFFICIENT)

    def _work(self, order: Order, price: Decimal, time: int) -> None:
        """Let a limit take what it can at `price`; what may not wait expires."""
        if checks.crosses(self.books, order.wish, price):
            self._take(order, price, time)
        elif order.wish.time_in_force is not TimeInForce.GTC:
            endings.expire(self.books, order, NO_LIQUIDITY)

    def _take(self, order: Order, price: Decimal, time: int) -> None:
        """Fill an order as a taker around `price`: in parts or a share where a fault says so, and not at all where it
        cannot be paid."""
        taken = self.books.quotes.taken(price, order.wish.buying)
        if not affords(self.books, order, order.left, taken):
            endings.expire(self.books, order, NO_BALANCE)
            return
        for quantity in self._parts(order):
            self._fill(order, quantity, taken, False, time)
        waits = order.wish.type in LIMITED and order.wish.time_in_force is TimeInForce.GTC
        if order.open and not waits:
            endings.expire(self.books, order, NO_LIQUIDITY)

    def _parts(self, order: Order) -> list[Decimal]:
        """Return in which quantities an order fills: whole, or as the fault `partial` has it: in so many parts, or a
        share only."""
        amount = self.books.plan.strikes(Fault.PARTIAL, order.wish.symbol)
        if not amount or order.wish.time_in_force is TimeInForce.FOK:
            return [order.left]
        count = max(1, int(amount))
        part = cut(order.left * (of_float(amount) if amount < 1 else 1 / Decimal(count)), self._step(order))
        if part <= 0 or amount < 1:
            return [part or order.left]
        return [part] * (count - 1) + [order.left - part * (count - 1)]

    def _step(self, order: Order) -> Decimal:
        return self.books.pairs[order.wish.symbol].step

    def _fill(self, order: Order, quantity: Decimal, price: Decimal, maker: bool, time: int) -> None:
        """Execute a part: rivals end first, and what waits for the whole is placed last."""
        endings.end_rivals(self.books, order)
        trade = execute(self.books, order, quantity, price, maker, time)
        release(self.books, order, endings.holders(self.books, order))
        self.books.report(order, "TRADE", trade)
        listed = endings.list_of(self.books, order)
        if listed is None or order.open:
            return
        if listed.contingency is Contingency.OTO and order is listed.orders[0]:
            self._place_pending(listed, price)
        endings.finish(self.books, listed)

    def _trigger(self, order: Order, price: Decimal, time: int) -> None:
        order.triggered = True
        order.working_since = order.updated = time
        endings.end_rivals(self.books, order)
        if order.wish.type not in LIMITED:
            self._take(order, price, time)
            return
        self.books.report(order, "NEW")
        self._work(order, price, time)

    def _judge_from(self, order: Order, settled_ms: int) -> None:
        """Let an order that goes on, and what it placed, see prices of the next bar on: what of this one came later,
        nobody knows."""
        listed = endings.list_of(self.books, order)
        for each in [order, *(listed.pending if listed is not None else ())]:
            each.since = max(each.since, settled_ms)
            self.books.shelf.settle(each)

    def _place_pending(self, listed: OrderList, price: Decimal) -> None:
        """Place what waited for the working order; where it cannot be, all of it expires."""
        pending = [order for order in listed.pending if order.pending]
        fault = self._pending_fault(pending, price)
        for order in pending:
            order.updated = order.since = self.books.now()
            if not fault:
                order.status = Status.NEW
        for order in pending:
            if fault and order.open:
                endings.expire(self.books, order, fault)
            elif order.open:
                self.enter(order)

    def _pending_fault(self, pending: list[Order], price: Decimal) -> str:
        """Return why pending orders cannot be placed, "" where they can and their money is locked."""
        if any(order.waits_for_stop and checks.passed(order.wish, price) for order in pending):
            return WOULD_TRIGGER
        resting = [order for order in pending if order.wish.type is not Type.MARKET]
        try:
            if resting:
                lock(self.books, resting)
        except Shortage:
            return NO_BALANCE
        return ""
