"""All orders of USD-M, found by what clients know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from trader.exchange.embedded.usdm.orders import Algo, Order, Trade


class Shelf:
    """Orders, conditional orders and trades of all accounts, in the order in which they came; nothing is taken out."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.algos: dict[int, Algo] = {}
        self._of_symbol: dict[tuple[int, str], list[Order]] = defaultdict(list)
        self._by_client_id: dict[tuple[int, str, str], Order] = {}
        self._algo_by_client_id: dict[tuple[int, str], Algo] = {}
        self._open: dict[str, dict[int, Order]] = defaultdict(dict)
        self._waiting: dict[str, dict[int, Algo]] = defaultdict(dict)
        self._trades: dict[tuple[int, str], list[Trade]] = defaultdict(list)

    def add(self, order: Order) -> None:
        """Put a new order in; of orders with one client id the last one is found by it."""
        symbol = order.wish.symbol
        self.orders[order.id] = order
        self._of_symbol[order.uid, symbol].append(order)
        self._by_client_id[order.uid, symbol, order.client_id] = order
        self.settle(order)

    def add_algo(self, algo: Algo) -> None:
        """Put a new conditional order in."""
        self.algos[algo.id] = algo
        self._algo_by_client_id[algo.uid, algo.client_id] = algo
        self.settle_algo(algo)

    def add_trade(self, order: Order, trade: Trade) -> None:
        """Put an execution in."""
        order.trades.append(trade)
        self._trades[order.uid, order.wish.symbol].append(trade)

    def settle(self, order: Order) -> None:
        """Keep an order among the open ones, or take it out of them."""
        of_symbol = self._open[order.wish.symbol]
        if order.open:
            of_symbol[order.id] = order
        else:
            of_symbol.pop(order.id, None)

    def settle_algo(self, algo: Algo) -> None:
        """Keep a conditional order among those that wait, or take it out of them."""
        of_symbol = self._waiting[algo.wish.symbol]
        if algo.open:
            of_symbol[algo.id] = algo
        else:
            of_symbol.pop(algo.id, None)

    def symbols(self) -> set[str]:
        """Return the symbols with orders that wait."""
        return {symbol for open in (self._open, self._waiting) for symbol, some in open.items() if some}

    def resting(self, symbol: str) -> list[Order]:
        """Return the open orders of all accounts on a symbol."""
        return list(self._open[symbol].values())

    def waiting(self, symbol: str) -> list[Algo]:
        """Return the conditional orders of all accounts that wait on a symbol."""
        return list(self._waiting[symbol].values())

    def open_orders(self, uid: int, symbol: str = "") -> list[Order]:
        """Return the open orders of an account, of one symbol or of all, oldest first."""
        some = [self._open[symbol]] if symbol else list(self._open.values())
        return sorted((each for orders in some for each in orders.values() if each.uid == uid), key=_number)

    def open_algos(self, uid: int, symbol: str = "") -> list[Algo]:
        """Return the conditional orders of an account that wait, of one symbol or of all, oldest first."""
        some = [self._waiting[symbol]] if symbol else list(self._waiting.values())
        return sorted((each for algos in some for each in algos.values() if each.uid == uid), key=_number)

    def every_open(self) -> list[Order | Algo]:
        """Return the open orders of all accounts, conditional ones too."""
        open_: list[Order | Algo] = [order for orders in self._open.values() for order in orders.values()]
        return [*open_, *(algo for algos in self._waiting.values() for algo in algos.values())]

    def all_orders(self, uid: int, symbol: str) -> list[Order]:
        """Return all orders of an account on a symbol, oldest first."""
        return self._of_symbol[uid, symbol]

    def all_algos(self, uid: int, symbol: str = "") -> list[Algo]:
        """Return all conditional orders of an account, oldest first."""
        own = (each for each in self.algos.values() if each.uid == uid)
        return [each for each in own if symbol in ("", each.wish.symbol)]

    def trades(self, uid: int, symbol: str) -> list[Trade]:
        """Return all executions of an account on a symbol, oldest first."""
        return self._trades[uid, symbol]

    def all_trades(self, uid: int) -> Iterator[tuple[str, Trade]]:
        """Yield all executions of an account with their symbols."""
        for (owner, symbol), trades in self._trades.items():
            if owner == uid:
                yield from ((symbol, trade) for trade in trades)

    def find(self, uid: int, symbol: str, order_id: int | None, client_id: str) -> Order | None:
        """Return the order with an id, or the last with a client's id."""
        if order_id is None:
            return self._by_client_id.get((uid, symbol, client_id))
        order = self.orders.get(order_id)
        return order if order is not None and (order.uid, order.wish.symbol) == (uid, symbol) else None

    def find_algo(self, uid: int, algo_id: int | None, client_id: str) -> Algo | None:
        """Return the conditional order with an id, or the last with a client's id."""
        if algo_id is None:
            return self._algo_by_client_id.get((uid, client_id))
        algo = self.algos.get(algo_id)
        return algo if algo is not None and algo.uid == uid else None


def _number(each: Order | Algo) -> int:
    return each.id
