"""The USD-M desk: it takes orders, lets them meet prices, and fills them."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.accounts.decimals import cut, of_float
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.faults import Fault
from trader.exchange.embedded.usdm import checks, endings, events, refusals
from trader.exchange.embedded.usdm.books import MARKET, Books
from trader.exchange.embedded.usdm.execution import execute
from trader.exchange.embedded.usdm.orders import Algo, Order, Status, TimeInForce, Type, Wish


class OrderDesk:
    """Plain orders of all accounts against the play's prices. Whoever asks lets the matcher advance first."""

    def __init__(self, books: Books) -> None:
        self.books = books

    def price(self, symbol: str) -> Decimal:
        """Return the price of now; -4141 where nothing trades."""
        price = self.books.quotes.price(symbol)
        if price is None or not price.is_finite():
            raise ApiError(-4141, "Symbol is closed.")
        return price

    def place(self, account: Account, wish: Wish, counted: bool = True) -> Order:
        """Take one order; raise `ApiError` where it is refused. `counted`: among the orders that the account sent."""
        order = self.examined(account, wish)
        if counted:
            account.counts[MARKET].charge(1)
        self.enter(order, self.price(wish.symbol), self.books.now())
        return order

    def examined(self, account: Account, wish: Wish) -> Order:
        """Return the order that a wish becomes, checked by everything."""
        books, price = self.books, self.price(wish.symbol)
        checks.check_wish(books, account.uid, wish, price)
        checks.check_counts(books, account.uid, wish)
        order = self.made(account.uid, wish)
        self._check_price(order, price)
        position = books.position(account.uid, wish.symbol, wish.position_side)
        checks.check_reducing(position, wish, order.quantity)
        if wish.reduce_only:
            order.quantity = position.closable(wish.sign, order.quantity)
        reference = order.price or books.quotes.taken(price, wish.buying)
        checks.check_size(books, position, wish, order.quantity, reference)
        if not wish.reduces and not checks.affords(books, order, order.quantity, reference):
            raise refusals.no_margin()
        return order

    def made(self, uid: int, wish: Wish, algo: Algo | None = None) -> Order:
        """Return a new order, in no book yet."""
        books, now = self.books, self.books.now()
        lag = books.plan.strikes(Fault.READ_LAG, wish.symbol)
        return Order(
            id=next(books.ids),
            uid=uid,
            wish=wish,
            client_id=wish.client_id or books.new_client_id(),
            quantity=wish.quantity or Decimal(0),
            price=wish.price,
            placed=now,
            updated=now,
            since=now,
            algo_id=algo.id if algo is not None else 0,
            seen_at=0.0 if lag is None else books.wall() + lag,
        )

    def enter(self, order: Order, price: Decimal, time: int) -> None:
        """Put an order on the book: it takes what it can around `price`, and waits for the rest, or not."""
        self.books.shelf.add(order)
        self.books.tell(order.uid, events.order_event(self.books, order, "NEW"))
        self.work(order, price, time)

    def work(self, order: Order, price: Decimal, time: int) -> None:
        """Let an open order take what it can around `price`; what may not wait expires."""
        takes = order.wish.type is Type.MARKET or checks.crosses(self.books, order.wish.buying, order.price, price)
        if takes:
            self._take(order, price, time)
        elif order.wish.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            endings.end(self.books, order, Status.EXPIRED)

    def fill(self, order: Order, quantity: Decimal, price: Decimal, maker: bool, time: int) -> None:
        """Execute a part, and end what the change of the position ends."""
        books, wish = self.books, order.wish
        position = books.position(order.uid, wish.symbol, wish.position_side)
        if wish.reduces:
            quantity = position.closable(wish.sign, quantity)
        if not quantity or not checks.affords(books, order, quantity, price):
            endings.end(books, order, Status.EXPIRED)
            return
        execute(books, order, quantity, price, maker, time)
        endings.finish(books, order)
        endings.leave(books, position)

    def parts(self, order: Order) -> list[Decimal]:
        """Return in which quantities an order fills: whole, or as the fault `partial` has it: in so many parts, or a
        share only."""
        amount = self.books.plan.strikes(Fault.PARTIAL, order.wish.symbol)
        if not amount or order.wish.time_in_force is TimeInForce.FOK:
            return [order.left]
        count = max(1, int(amount))
        step = self.books.contracts[order.wish.symbol].step
        part = cut(order.left * (of_float(amount) if amount < 1 else 1 / Decimal(count)), step)
        if part <= 0 or amount < 1:
            return [part or order.left]
        return [part] * (count - 1) + [order.left - part * (count - 1)]

    def amend(self, account: Account, order: Order, quantity: Decimal, price: Decimal) -> None:
        """Give a resting limit another quantity and price: it loses its place, and may take at once."""
        books, wish, now = self.books, order.wish, self.price(order.wish.symbol)
        changed = replace(wish, quantity=quantity, price=price)
        checks.check_wish(books, account.uid, changed, now)
        if wish.time_in_force is TimeInForce.GTX and checks.crosses(books, wish.buying, price, now):
            raise refusals.not_making()
        if quantity <= order.executed:
            endings.end(books, order, Status.CANCELED)
            return
        if not wish.reduces and not checks.affords(books, order, quantity - order.executed, price):
            raise refusals.no_margin()
        account.counts[MARKET].charge(1)
        order.quantity, order.price, order.since, order.updated = quantity, price, books.now(), books.now()
        books.tell(order.uid, events.order_event(books, order, "AMENDMENT"))
        self.work(order, now, books.now())

    def _check_price(self, order: Order, price: Decimal) -> None:
        """Refuse what the price of now forbids: a maker that would take, one that must fill and cannot."""
        wish, books = order.wish, self.books
        crossing = checks.crosses(books, wish.buying, order.price, price)
        if wish.time_in_force is TimeInForce.GTX and crossing:
            raise refusals.not_making()
        if wish.time_in_force is TimeInForce.FOK and not crossing:
            raise refusals.not_filled()
        checks.check_market(books.contracts[wish.symbol].filters, wish, price, books.quotes.taken(price, wish.buying))
        if wish.type is Type.MARKET and not wish.reduces:
            checks.check_notional(books.contracts[wish.symbol].filters, order.quantity, price)

    def _take(self, order: Order, price: Decimal, time: int) -> None:
        """Fill an order as a taker around `price`."""
        taken = self.books.quotes.taken(price, order.wish.buying)
        for quantity in self.parts(order):
            if order.open:
                self.fill(order, quantity, taken, False, time)
        waits = order.wish.type is Type.LIMIT and order.wish.time_in_force in (TimeInForce.GTC, TimeInForce.GTX)
        if order.open and not waits:
            endings.end(self.books, order, Status.EXPIRED)
