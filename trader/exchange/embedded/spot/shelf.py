"""All orders and lists of spot."""

from __future__ import annotations

from trader.exchange.embedded.accounts.order_shelf import OrderShelf
from trader.exchange.embedded.matching.touch import Resting
from trader.exchange.embedded.spot.orders import Order, OrderList, Trade


class Shelf(OrderShelf[Order, Trade]):
    """Orders, lists and trades of all accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[int, OrderList] = {}
        self._waiting: dict[str, list[Resting]] = {}

    def add_list(self, listed: OrderList) -> None:
        """Put a new list in; its orders are added apart."""
        self.lists[listed.id] = listed

    def settle(self, order: Order) -> None:
        """Keep an order among the open ones, or take it out of them; call it after every change of one."""
        self._waiting.pop(order.wish.symbol, None)
        super().settle(order)

    def symbols(self) -> list[str]:
        """Return the symbols with open orders."""
        return [symbol for symbol, orders in self._open.items() if orders]

    def waiting(self, symbol: str) -> list[Resting]:
        """Return the prices that the orders of a symbol wait for; the same list until one of them changes."""
        if symbol not in self._waiting:
            orders = self._open[symbol].values()
            self._waiting[symbol] = [order.resting() for order in orders if not order.pending]
        return self._waiting[symbol]

    def find(self, uid: int, symbol: str, order_id: int | None, client_id: str) -> Order | None:
        """Return the order with an id, or with a client's id; where both are given both must be its own."""
        order = super().find(uid, symbol, order_id, client_id)
        return order if order is not None and client_id in ("", order.client_id) else None

    def find_list(self, uid: int, list_id: int | None, client_id: str) -> OrderList | None:
        """Return the list with an id, or the last one with a client's id."""
        own = (each for each in reversed(self.lists.values()) if each.uid == uid)
        if list_id is not None:
            return next((each for each in own if each.id == list_id), None)
        return next((each for each in own if each.client_id == client_id), None)

    def lists_of(self, uid: int) -> list[OrderList]:
        """Return all lists of an account, oldest first."""
        return [each for each in self.lists.values() if each.uid == uid]
