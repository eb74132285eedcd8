"""The algo service: conditional orders wait here until their price comes, and become orders then."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from trader.exchange.embedded.accounts.account import Account
from trader.exchange.embedded.accounts.decimals import ZERO
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.faults import Fault
from trader.exchange.embedded.usdm import checks, endings, events, refusals
from trader.exchange.embedded.usdm.books import MARKET, Books
from trader.exchange.embedded.usdm.desk import OrderDesk
from trader.exchange.embedded.usdm.events import actual_type
from trader.exchange.embedded.usdm.orders import Algo, AlgoStatus, Order, Type, Wish


class AlgoDesk:
    """Conditional orders of all accounts; what they become belongs to `orders`."""

    def __init__(self, orders: OrderDesk) -> None:
        self.orders = orders

    @property
    def books(self) -> Books:
        """The state of the market."""
        return self.orders.books

    def place(self, account: Account, wish: Wish) -> Algo:
        """Take one conditional order; raise `ApiError` where it is refused."""
        books, price = self.books, self.orders.price(wish.symbol)
        checks.check_wish(books, account.uid, wish, price)
        checks.check_counts(books, account.uid, wish)
        self._check_closer(account.uid, wish)
        checks.check_trigger(books, wish, price)
        account.counts[MARKET].charge(1)
        algo = self._made(account.uid, wish)
        books.shelf.add_algo(algo)
        books.tell(algo.uid, events.algo_event(books, algo))
        return algo

    def trigger(self, algo: Algo, price: Decimal, time: int) -> Order | None:
        """Let a conditional order become one around `price`; None where that is rejected: no stop any more."""
        algo.triggered = time
        endings.change(self.books, algo, AlgoStatus.TRIGGERING)
        order = self.orders.made(algo.uid, self._becomes(algo), algo)
        reason = self._fault(order, price)
        if reason:
            endings.change(self.books, algo, AlgoStatus.REJECTED, reason)
            return None
        algo.order_id = order.id
        self.books.shelf.add(order)
        endings.change(self.books, algo, AlgoStatus.TRIGGERED)
        self.books.tell(order.uid, events.order_event(self.books, order, "NEW"))
        self.orders.work(order, price, time)
        return order

    def _made(self, uid: int, wish: Wish) -> Algo:
        books, now = self.books, self.books.now()
        lag = books.plan.strikes(Fault.READ_LAG, wish.symbol)
        return Algo(
            id=next(books.ids),
            uid=uid,
            wish=wish,
            client_id=wish.client_id or books.new_client_id(),
            placed=now,
            updated=now,
            since=now,
            seen_at=0.0 if lag is None else books.wall() + lag,
        )

    def _check_closer(self, uid: int, wish: Wish) -> None:
        """Refuse to close a position that is not there."""
        position = self.books.position(uid, wish.symbol, wish.position_side)
        if wish.close_position and not position.closable(wish.sign, Decimal(1)):
            raise ApiError(-4509, "Time in Force (TIF) GTE can only be used with open positions or open orders.")

    def _becomes(self, algo: Algo) -> Wish:
        """Return the order that it is now: what reduces is cut down to the position, under an id of its own."""
        wish = algo.wish
        position = self.books.position(algo.uid, wish.symbol, wish.position_side)
        wanted = abs(position.quantity) if wish.quantity is None else wish.quantity
        quantity = position.closable(wish.sign, wanted) if wish.reduces else wanted
        return replace(wish, type=actual_type(algo), quantity=quantity, trigger=None, client_id="")

    def _fault(self, order: Order, price: Decimal) -> str:
        """Return why an order cannot be placed now, "" where it can."""
        books, wish = self.books, order.wish
        if books.plan.strikes(Fault.TRIGGER_REJECTED, wish.symbol) is not None:
            return refusals.NO_MARGIN
        if order.quantity <= ZERO:
            return refusals.NOT_REDUCING
        taken = books.quotes.taken(price, wish.buying) if wish.type is Type.MARKET else order.price or price
        return "" if checks.affords(books, order, order.quantity, taken) else refusals.NO_MARGIN
