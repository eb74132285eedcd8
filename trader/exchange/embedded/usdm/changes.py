"""What an account asks to be done with orders on USD-M."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from trader.exchange.embedded.api_error import ApiError, missing, neither, not_valid
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.signed import Call
from trader.exchange.embedded.usdm import answers, endings, refusals
from trader.exchange.embedded.usdm.algo_desk import AlgoDesk
from trader.exchange.embedded.usdm.countdown import Countdown
from trader.exchange.embedded.usdm.orders import AlgoStatus, Order, Status, Type
from trader.exchange.embedded.usdm.parse import parse_algo, parse_order, parse_response, positive
from trader.exchange.embedded.usdm.queries import Queries

Json = dict[str, Any]
#: Orders of one batch, at most: new ones, and ones to be cancelled.
MOST_NEW, MOST_CANCELS = 5, 10
ALL_DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}


class Changes:
    """Follows requests at the desks."""

    def __init__(self, algos: AlgoDesk, queries: Queries) -> None:
        self._algos = algos
        self._desk = algos.orders
        self._books = algos.books
        self._queries = queries
        self._countdown = Countdown(self._books)
        self._modifications = count(1)

    def place(self, call: Call) -> Json:
        """Follow `POST order`."""
        wish = parse_order(call.params, self._books.hedge[call.account.uid])
        kind = parse_response(call.params)
        return answers.placed(self._books, self._desk.place(call.account, wish), kind)

    def test(self, call: Call) -> Json:
        """Follow `POST order/test`: everything is checked, and nothing done."""
        wish = parse_order(call.params, self._books.hedge[call.account.uid])
        return answers.placed(self._books, self._desk.examined(call.account, wish), "ACK")

    def modify(self, call: Call) -> Json:
        """Follow `PUT order`: price and quantity of a limit."""
        params = call.params
        order = self._open(call)
        quantity, price = positive(params, "quantity"), positive(params, "price")
        if quantity is None or price is None:
            raise missing("quantity" if quantity is None else "price")
        if order.wish.type is not Type.LIMIT or order.forced:
            raise ApiError(-4155, "Only limit orders can be modified.")
        if params.text("side") and params.text("side") != order.wish.side:
            raise not_valid("side")
        if (quantity, price) == (order.quantity, order.price):
            raise ApiError(-5027, "No need to modify the order.")
        self._desk.amend(call.account, order, quantity, price)
        return answers.modified(self._books, order, next(self._modifications))

    def cancel(self, call: Call) -> Json:
        """Follow `DELETE order`."""
        order = self._open(call)
        endings.end(self._books, order, Status.CANCELED)
        return answers.placed(self._books, order)

    def cancel_all(self, call: Call) -> Json:
        """Follow `DELETE allOpenOrders`; conditional orders stay."""
        endings.cancel_all(self._books, call.account.uid, call.params.tape().symbol)
        return ALL_DONE

    def place_batch(self, call: Call) -> list[Json]:
        """Follow `POST batchOrders`: each order is answered, or refused, by itself."""
        rows = _listed(call.params, "batchOrders", list[dict[str, Any]])
        if not 0 < len(rows) <= MOST_NEW:
            raise ApiError(-4082, "Invalid number of batch orders.")
        return [self._tried(call, {name: _text(value) for name, value in row.items()}, self.place) for row in rows]

    def cancel_batch(self, call: Call) -> list[Json]:
        """Follow `DELETE batchOrders`."""
        by_id = call.params.has("orderIdList")
        name = "orderIdList" if by_id else "origClientOrderIdList"
        ids = _listed(call.params, name, list[Any])
        if not 0 < len(ids) <= MOST_CANCELS:
            raise ApiError(-4082, "Invalid number of batch orders.")
        one = "orderId" if by_id else "origClientOrderId"
        symbol = call.params.tape().symbol
        return [self._tried(call, {"symbol": symbol, one: _text(each)}, self.cancel) for each in ids]

    def place_algo(self, call: Call) -> Json:
        """Follow `POST algoOrder`."""
        wish = parse_algo(call.params, self._books.hedge[call.account.uid])
        return answers.algo_row(self._books, self._algos.place(call.account, wish))

    def cancel_algo(self, call: Call) -> Json:
        """Follow `DELETE algoOrder`."""
        algo = self._queries.found_algo(call)
        if algo is None or not algo.open:
            raise refusals.unknown_order()
        endings.change(self._books, algo, AlgoStatus.CANCELED)
        return {"algoId": algo.id, "clientAlgoId": algo.client_id, "code": "200", "msg": "success"}

    def cancel_all_algos(self, call: Call) -> Json:
        """Follow `DELETE algoOpenOrders`."""
        endings.cancel_all_algos(self._books, call.account.uid, call.params.tape().symbol)
        return ALL_DONE

    def count_down(self, call: Call) -> Json:
        """Follow `countdownCancelAll`: unless it is renewed, all plain orders of the symbol are cancelled."""
        symbol, length = call.params.tape().symbol, call.params.integer("countdownTime")
        if length is None:
            raise missing("countdownTime")
        self._countdown.begin(call.account.uid, symbol, length / 1000)
        return {"symbol": symbol, "countdownTime": str(length)}

    def _open(self, call: Call) -> Order:
        """Return the open order that a call names; -2011 where there is none."""
        params = call.params
        if not params.has("orderId") and not params.has("origClientOrderId"):
            raise neither("origClientOrderId", "orderId")
        order = self._queries.found(call)
        if order is None or not order.open:
            raise refusals.unknown_order()
        return order

    def _tried(self, call: Call, values: dict[str, str], act: Callable[[Call], Json]) -> Json:
        """Return what one order of a batch comes to."""
        try:
            return act(Call(call.account, call.key, Params(self._books.floor, values)))
        except ApiError as error:
            return dict(error.body)


def _listed(params: Params, name: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(params.needed(name), type=kind)
    except msgspec.DecodeError:
        raise not_valid(name) from None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{Decimal(repr(value)):f}" if isinstance(value, float) else str(value)
