"""Orders of all accounts of one market, found by what clients know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar


class OfSymbol(Protocol):
    """What was asked for."""

    @property
    def symbol(self) -> str:
        """The symbol."""
        ...


class AnyOrder(Protocol):
    """An order of either market."""

    id: int
    uid: int
    client_id: str
    trades: list[Any]

    @property
    def wish(self) -> OfSymbol:
        """What its owner asked for."""
        ...

    @property
    def open(self) -> bool:
        """Whether it can still be executed."""
        ...


class AnyTrade(Protocol):
    """An execution of either market."""

    @property
    def id(self) -> int:
        """Its number."""
        ...


OrderT = TypeVar("OrderT", bound=AnyOrder)
TradeT = TypeVar("TradeT", bound=AnyTrade)


class OrderShelf(Generic[OrderT, TradeT]):
    """Orders and trades of all accounts, in the order in which they came; nothing is ever taken out."""

    def __init__(self) -> None:
        self.orders: dict[int, OrderT] = {}
        self._of_symbol: dict[tuple[int, str], list[OrderT]] = defaultdict(list)
        self._by_client_id: dict[tuple[int, str, str], OrderT] = {}
        self._open: dict[str, dict[int, OrderT]] = defaultdict(dict)
        self._trades: dict[tuple[int, str], list[TradeT]] = defaultdict(list)

    def add(self, order: OrderT) -> None:
        """Put a new order in; of orders with one client id the last one is found by it."""
        symbol = order.wish.symbol
        self.orders[order.id] = order
        self._of_symbol[order.uid, symbol].append(order)
        self._by_client_id[order.uid, symbol, order.client_id] = order
        self.settle(order)

    def add_trade(self, order: OrderT, trade: TradeT) -> None:
        """Put an execution in."""
        order.trades.append(trade)
        self._trades[order.uid, order.wish.symbol].append(trade)

    def add_again(self, orders: Iterable[OrderT]) -> None:
        """Put orders in as if they had come again, and their trades in the order in which they were made."""
        executed: list[tuple[OrderT, TradeT]] = []
        for order in orders:
            executed += [(order, trade) for trade in order.trades]
            order.trades = []
            self.add(order)
        for order, trade in sorted(executed, key=lambda each: each[1].id):
            self.add_trade(order, trade)

    def settle(self, order: OrderT) -> None:
        """Keep an order among the open ones, or take it out of them; call it after every change of one."""
        of_symbol = self._open[order.wish.symbol]
        if order.open:
            of_symbol[order.id] = order
        else:
            of_symbol.pop(order.id, None)

    def open_orders(self, uid: int, symbol: str = "") -> list[OrderT]:
        """Return the open orders of an account, of one symbol or of all, oldest first."""
        some = [self._open[symbol]] if symbol else list(self._open.values())
        return sorted((order for each in some for order in each.values() if order.uid == uid), key=_number)

    def every_open_order(self) -> list[OrderT]:
        """Return the open orders of all accounts."""
        return [order for orders in self._open.values() for order in orders.values()]

    def all_orders(self, uid: int, symbol: str) -> list[OrderT]:
        """Return all orders of an account on a symbol, oldest first."""
        return self._of_symbol[uid, symbol]

    def trades(self, uid: int, symbol: str) -> list[TradeT]:
        """Return all executions of an account on a symbol, oldest first."""
        return self._trades[uid, symbol]

    def all_trades(self, uid: int) -> Iterator[tuple[str, TradeT]]:
        """Yield all executions of an account with their symbols."""
        for (owner, symbol), trades in self._trades.items():
            if owner == uid:
                yield from ((symbol, trade) for trade in trades)

    def find(self, uid: int, symbol: str, order_id: int | None, client_id: str) -> OrderT | None:
        """Return the order with an id, or the last with a client's id."""
        if order_id is None:
            return self._by_client_id.get((uid, symbol, client_id))
        order = self.orders.get(order_id)
        return order if order is not None and (order.uid, order.wish.symbol) == (uid, symbol) else None


def _number(order: AnyOrder) -> int:
    return order.id
