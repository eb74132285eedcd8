"""What an account asks about its orders on USD-M; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trader.core.timeframe import DAY_MS
from trader.exchange.embedded.api_error import ApiError, neither
from trader.exchange.embedded.paging import N
from trader.exchange.embedded.paging import page as page_of
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.signed import Call
from trader.exchange.embedded.usdm import answers, refusals
from trader.exchange.embedded.usdm.books import MARKET, Books
from trader.exchange.embedded.usdm.orders import Algo, Order

Json = dict[str, Any]
WEEK_MS = 7 * DAY_MS


class Queries:
    """Answers from the books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def order(self, call: Call) -> Json:
        """Answer `GET order`: -2013 for one that is unknown, or too new for this reader."""
        order = self.found(call)
        if order is None or order.seen_at > self._books.wall():
            raise refusals.no_order()
        return answers.order_row(self._books, order)

    def open_order(self, call: Call) -> Json:
        """Answer `GET openOrder`."""
        order = self.found(call)
        if order is None or not order.open or order.seen_at > self._books.wall():
            raise refusals.no_order()
        return answers.order_row(self._books, order)

    def found(self, call: Call) -> Order | None:
        """Return the order that a call names, by either id."""
        params, symbol = call.params, call.params.tape().symbol
        order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
        if order_id is None and not client_id:
            raise neither("origClientOrderId", "orderId")
        return self._books.shelf.find(call.account.uid, symbol, order_id, client_id)

    def open_orders(self, call: Call) -> list[Json]:
        """Answer `openOrders`: plain ones only."""
        now = self._books.wall()
        some = self._books.shelf.open_orders(call.account.uid, _symbol(call))
        return [answers.order_row(self._books, order) for order in some if order.seen_at <= now]

    def all_orders(self, call: Call) -> list[Json]:
        """Answer `allOrders`."""
        orders = self._books.shelf.all_orders(call.account.uid, call.params.tape().symbol)
        timed = [(order.placed, order) for order in orders]
        return [answers.order_row(self._books, order) for order in page(call.params, timed, "orderId")]

    def trades(self, call: Call) -> list[Json]:
        """Answer `userTrades`."""
        params, shelf = call.params, self._books.shelf
        symbol, order_id = params.tape().symbol, params.integer("orderId")
        trades = shelf.trades(call.account.uid, symbol)
        timed = [(trade.time, trade) for trade in trades if order_id in (None, trade.order_id)]
        rows = page(params, timed, "fromId")
        return [answers.trade_row(self._books, symbol, trade, shelf.orders[trade.order_id]) for trade in rows]

    def forced_orders(self, call: Call) -> list[Json]:
        """Answer `forceOrders`: what the exchange closed itself."""
        uid, symbol = call.account.uid, _symbol(call)
        own = (each for each in self._books.shelf.orders.values() if each.uid == uid and each.forced)
        timed = [(order.placed, order) for order in own if symbol in ("", order.wish.symbol)]
        return [answers.order_row(self._books, order) for order in page(call.params, timed, "orderId")]

    def algo(self, call: Call) -> Json:
        """Answer `GET algoOrder`."""
        algo = self.found_algo(call)
        if algo is None or algo.seen_at > self._books.wall():
            raise refusals.no_order()
        return answers.algo_full(self._books, algo)

    def found_algo(self, call: Call) -> Algo | None:
        """Return the conditional order that a call names, by either id."""
        algo_id, client_id = call.params.integer("algoId"), call.params.text("clientAlgoId")
        if algo_id is None and not client_id:
            raise neither("clientAlgoId", "algoId")
        return self._books.shelf.find_algo(call.account.uid, algo_id, client_id)

    def open_algos(self, call: Call) -> list[Json]:
        """Answer `openAlgoOrders`."""
        now, algo_id = self._books.wall(), call.params.integer("algoId")
        some = self._books.shelf.open_algos(call.account.uid, _symbol(call))
        shown = [algo for algo in some if algo.seen_at <= now and algo_id in (None, algo.id)]
        return [answers.algo_listed(self._books, algo) for algo in shown]

    def all_algos(self, call: Call) -> list[Json]:
        """Answer `allAlgoOrders`."""
        algos = self._books.shelf.all_algos(call.account.uid, call.params.tape().symbol)
        timed = [(algo.placed, algo) for algo in algos]
        return [answers.algo_listed(self._books, algo) for algo in page(call.params, timed, "algoId")]

    def order_count(self, call: Call) -> list[Json]:
        """Answer `rateLimit/order`."""
        return [{name: row[name] for name in row if name != "count"} for row in call.account.counts[MARKET].rows()]


def page(params: Params, timed: Iterable[tuple[int, N]], id_name: str) -> list[N]:
    """Return a page of rows; a span may have a week at most."""
    return page_of(
        params, timed, id_name, WEEK_MS, ApiError(-4166, "Search window is restricted to recent 7 days only.")
    )


def _symbol(call: Call) -> str:
    return call.params.tape().symbol if call.params.has("symbol") else ""
