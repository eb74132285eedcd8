"""All orders of spot, found by what clients know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from trader.exchange.embedded.matching.touch import Resting
from trader.exchange.embedded.spot.orders import Order, OrderList, Trade


class Shelf:
    """Orders, lists and trades of all accounts, in the order in which they came; nothing is ever taken out."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.lists: dict[int, OrderList] = {}
        self._of_symbol: dict[tuple[int, str], list[Order]] = defaultdict(list)
        self._by_client_id: dict[tuple[int, str, str], Order] = {}
        self._open: dict[str, dict[int, Order]] = defaultdict(dict)
        self._waiting: dict[str, list[Resting]] = {}
        self._trades: dict[tuple[int, str], list[Trade]] = defaultdict(list)

    def add(self, order: Order) -> None:
        """Put a new order in; of orders with one client id the last one is found by it."""
        symbol = order.wish.symbol
        self.orders[order.id] = order
        self._of_symbol[order.uid, symbol].append(order)
        self._by_client_id[order.uid, symbol, order.client_id] = order
        self.settle(order)

    def add_list(self, listed: OrderList) -> None:
        """Put a new list in; its orders are added apart."""
        self.lists[listed.id] = listed

    def add_trade(self, order: Order, trade: Trade) -> None:
        """Put an execution in."""
        order.trades.append(trade)
        self._trades[order.uid, order.wish.symbol].append(trade)

    def settle(self, order: Order) -> None:
        """Keep an order among the open ones, or take it out of them; call it after every change of one."""
        self._waiting.pop(order.wish.symbol, None)
        of_symbol = self._open[order.wish.symbol]
        if order.open:
            of_symbol[order.id] = order
        else:
            of_symbol.pop(order.id, None)

    def symbols(self) -> list[str]:
        """Return the symbols with open orders."""
        return [symbol for symbol, orders in self._open.items() if orders]

    def waiting(self, symbol: str) -> list[Resting]:
        """Return the prices that the orders of a symbol wait for; the same list until one of them changes."""
        if symbol not in self._waiting:
            orders = self._open[symbol].values()
            self._waiting[symbol] = [order.resting() for order in orders if not order.pending]
        return self._waiting[symbol]

    def open_orders(self, uid: int, symbol: str = "") -> list[Order]:
        """Return the open orders of an account, of one symbol or of all, oldest first."""
        some = [self._open[symbol]] if symbol else list(self._open.values())
        return sorted((order for each in some for order in each.values() if order.uid == uid), key=_number)

    def every_open(self) -> list[Order]:
        """Return the open orders of all accounts."""
        return [order for orders in self._open.values() for order in orders.values()]

    def all_orders(self, uid: int, symbol: str) -> list[Order]:
        """Return all orders of an account on a symbol, oldest first."""
        return self._of_symbol[uid, symbol]

    def trades(self, uid: int, symbol: str) -> list[Trade]:
        """Return all executions of an account on a symbol, oldest first."""
        return self._trades[uid, symbol]

    def all_trades(self, uid: int) -> Iterator[tuple[str, Trade]]:
        """Yield all executions of an account with their symbols."""
        for (owner, symbol), trades in self._trades.items():
            if owner == uid:
                yield from ((symbol, trade) for trade in trades)

    def find(self, uid: int, symbol: str, order_id: int | None, client_id: str) -> Order | None:
        """Return the order with an id, or with a client's id; where both are given both must be its own."""
        if order_id is None:
            return self._by_client_id.get((uid, symbol, client_id))
        order = self.orders.get(order_id)
        if order is None or (order.uid, order.wish.symbol) != (uid, symbol):
            return None
        return order if client_id in ("", order.client_id) else None

    def find_list(self, uid: int, list_id: int | None, client_id: str) -> OrderList | None:
        """Return the list with an id, or the last one with a client's id."""
        own = (each for each in reversed(self.lists.values()) if each.uid == uid)
        if list_id is not None:
            return next((each for each in own if each.id == list_id), None)
        return next((each for each in own if each.client_id == client_id), None)

    def lists_of(self, uid: int) -> list[OrderList]:
        """Return all lists of an account, oldest first."""
        return [each for each in self.lists.values() if each.uid == uid]


def _number(order: Order) -> int:
    return order.id
