"""All orders and conditional orders of USD-M."""

from __future__ import annotations

from collections import defaultdict

from trader.exchange.embedded.accounts.order_shelf import OrderShelf
from trader.exchange.embedded.usdm.orders import Algo, Order, Trade


class Shelf(OrderShelf[Order, Trade]):
    """Orders, conditional orders and trades of all accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.algos: dict[int, Algo] = {}
        self._algo_by_client_id: dict[tuple[int, str], Algo] = {}
        self._waiting: dict[str, dict[int, Algo]] = defaultdict(dict)

    def add_algo(self, algo: Algo) -> None:
        """Put a new conditional order in."""
        self.algos[algo.id] = algo
        self._algo_by_client_id[algo.uid, algo.client_id] = algo
        self.settle_algo(algo)

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

    def open_algos(self, uid: int, symbol: str = "") -> list[Algo]:
        """Return the conditional orders of an account that wait, of one symbol or of all, oldest first."""
        some = [self._waiting[symbol]] if symbol else list(self._waiting.values())
        return sorted((each for algos in some for each in algos.values() if each.uid == uid), key=lambda each: each.id)

    def every_open(self) -> list[Order | Algo]:
        """Return the open orders of all accounts, conditional ones too."""
        return [*self.every_open_order(), *(algo for algos in self._waiting.values() for algo in algos.values())]

    def all_algos(self, uid: int, symbol: str = "") -> list[Algo]:
        """Return all conditional orders of an account, oldest first."""
        own = (each for each in self.algos.values() if each.uid == uid)
        return [each for each in own if symbol in ("", each.wish.symbol)]

    def find_algo(self, uid: int, algo_id: int | None, client_id: str) -> Algo | None:
        """Return the conditional order with an id, or the last with a client's id."""
        if algo_id is None:
            return self._algo_by_client_id.get((uid, client_id))
        algo = self.algos.get(algo_id)
        return algo if algo is not None and algo.uid == uid else None
