"""What an account asks about itself on spot; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trader.core.timeframe import DAY_MS
from trader.exchange.embedded.api_error import ApiError, neither
from trader.exchange.embedded.paging import N
from trader.exchange.embedded.paging import page as page_of
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.signed import Call
from trader.exchange.embedded.spot import answers
from trader.exchange.embedded.spot.books import MARKET, Books
from trader.exchange.embedded.spot.orders import Order, OrderList

Json = dict[str, Any]


class Queries:
    """Answers from the books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def order(self, call: Call) -> Json:
        """Answer `GET order`: -2013 for one that is unknown, or too new for this reader."""
        params = call.params
        params.known("symbol", "orderId", "origClientOrderId")
        order = self.found(call, "orderId", "origClientOrderId")
        if order is None or order.seen_at > self._books.wall():
            raise ApiError(-2013, "Order does not exist.")
        return answers.order_row(order)

    def found(self, call: Call, id_name: str, client_name: str) -> Order | None:
        """Return the order that a call names, by either id."""
        params, symbol = call.params, call.params.tape().symbol
        order_id, client_id = params.integer(id_name), params.text(client_name)
        if order_id is None and not client_id:
            raise neither(client_name, id_name)
        return self._books.shelf.find(call.account.uid, symbol, order_id, client_id)

    def open_orders(self, call: Call) -> list[Json]:
        """Answer `openOrders`."""
        call.params.known("symbol")
        symbol = call.params.tape().symbol if call.params.has("symbol") else ""
        now = self._books.wall()
        some = self._books.shelf.open_orders(call.account.uid, symbol)
        return [answers.order_row(order) for order in some if order.seen_at <= now]

    def all_orders(self, call: Call) -> list[Json]:
        """Answer `allOrders`: from an id, of a span of at most a day, or the last ones."""
        params = call.params
        params.known("symbol", "orderId", "startTime", "endTime", "limit")
        orders = self._books.shelf.all_orders(call.account.uid, params.tape().symbol)
        timed = [(order.placed, order) for order in orders]
        return [answers.order_row(order) for order in _page(params, timed, "orderId")]

    def my_trades(self, call: Call) -> list[Json]:
        """Answer `myTrades`."""
        params, shelf = call.params, self._books.shelf
        params.known("symbol", "orderId", "startTime", "endTime", "fromId", "limit")
        symbol, order_id = params.tape().symbol, params.integer("orderId")
        trades = shelf.trades(call.account.uid, symbol)
        timed = [(trade.time, trade) for trade in trades if order_id in (None, trade.order_id)]
        page = _page(params, timed, "fromId")
        return [answers.trade_row(symbol, trade, shelf.orders[trade.order_id]) for trade in page]

    def order_list(self, call: Call) -> Json:
        """Answer `GET orderList`."""
        call.params.known("orderListId", "origClientOrderId")
        listed = self.found_list(call, "origClientOrderId")
        if listed is None:
            raise ApiError(-2018, "Order list does not exist.")
        return answers.list_row(listed)

    def found_list(self, call: Call, client_name: str) -> OrderList | None:
        """Return the list that a call names, by either id."""
        list_id, client_id = call.params.integer("orderListId"), call.params.text(client_name)
        if list_id is None and not client_id:
            raise neither(client_name, "orderListId")
        return self._books.shelf.find_list(call.account.uid, list_id, client_id)

    def all_lists(self, call: Call) -> list[Json]:
        """Answer `allOrderList`."""
        call.params.known("fromId", "startTime", "endTime", "limit")
        timed = [(listed.time, listed) for listed in self._books.shelf.lists_of(call.account.uid)]
        return [answers.list_row(listed) for listed in _page(call.params, timed, "fromId")]

    def open_lists(self, call: Call) -> list[Json]:
        """Answer `openOrderList`."""
        call.params.known()
        return [answers.list_row(listed) for listed in self._books.shelf.lists_of(call.account.uid) if not listed.done]

    def account(self, call: Call) -> Json:
        """Answer `account`."""
        call.params.known("omitZeroBalances")
        ledger, omit = self._books.ledgers[call.account.uid], call.params.flag("omitZeroBalances")
        return answers.account_row(call.account, ledger, call.key.rights, self._books.now(), omit)

    def commission(self, call: Call) -> Json:
        """Answer `account/commission`."""
        call.params.known("symbol")
        return answers.commission_row(call.account, call.params.tape().symbol)

    def order_count(self, call: Call) -> list[Json]:
        """Answer `rateLimit/order`."""
        call.params.known()
        return call.account.counts[MARKET].rows()

    def restrictions(self, call: Call) -> Json:
        """Answer `apiRestrictions`."""
        call.params.known()
        return answers.restrictions_row(call.key.rights)


def _page(params: Params, timed: Iterable[tuple[int, N]], id_name: str) -> list[N]:
    """Return a page of rows; a span may have a day at most."""
    return page_of(params, timed, id_name, DAY_MS, ApiError(-1127, "More than 24 hours between startTime and endTime."))
