"""What an account asks to be done on spot: orders, cancels, replacements."""

from __future__ import annotations

from typing import Any

from trader.exchange.embedded.api_error import ApiError, illegal_characters
from trader.exchange.embedded.signed import Call
from trader.exchange.embedded.spot import answers, checks, endings, lists
from trader.exchange.embedded.spot.books import MARKET
from trader.exchange.embedded.spot.desk import SpotDesk
from trader.exchange.embedded.spot.orders import Order, OrderList, Status, Type
from trader.exchange.embedded.spot.parse import SINGLE, leg_names, parse_client_id, parse_response, parse_wish
from trader.exchange.embedded.spot.queries import Queries

Json = dict[str, Any]
CANCEL = ("symbol", "orderId", "origClientOrderId", "newClientOrderId", "cancelRestrictions")
REPLACE = (
    *("cancelReplaceMode", "cancelNewClientOrderId", "cancelOrigClientOrderId", "cancelOrderId"),
    *("cancelRestrictions", "orderRateLimitExceededMode"),
)
LIST = ("symbol", "listClientOrderId", "newOrderRespType", "selfTradePreventionMode")
WORKING = ("workingSide", "workingQuantity", *leg_names("working"))
PENDING = ("pendingSide", "pendingQuantity")
#: Which state an order must have to be cancelled, by `cancelRestrictions`.
RESTRICTIONS = {"ONLY_NEW": Status.NEW, "ONLY_PARTIALLY_FILLED": Status.PARTIALLY_FILLED}
UNKNOWN = "Unknown order sent."


class Changes:
    """Follows requests at the desk."""

    def __init__(self, desk: SpotDesk, queries: Queries) -> None:
        self._desk = desk
        self._queries = queries

    def place(self, call: Call) -> Json:
        """Follow `POST order`."""
        call.params.known(*SINGLE)
        return self._placed(call)

    def test(self, call: Call) -> Json:
        """Follow `POST order/test`."""
        call.params.known(*SINGLE, "computeCommissionRates")
        self._desk.test(call.account, parse_wish(call.params))
        return answers.test_commission(call.account) if call.params.flag("computeCommissionRates") else {}

    def cancel(self, call: Call) -> Json:
        """Follow `DELETE order`: its list goes with it."""
        call.params.known(*CANCEL)
        return self._cancelled(call, "orderId", "origClientOrderId", "newClientOrderId")

    def cancel_all(self, call: Call) -> list[Json]:
        """Follow `DELETE openOrders`: lists are answered as lists."""
        call.params.known("symbol")
        books, uid = self._desk.books, call.account.uid
        cancel_id = books.new_client_id()
        found = books.shelf.open_orders(uid, call.params.tape().symbol)
        if not found:
            raise ApiError(-2011, UNKNOWN)
        seen: dict[int, Json] = {}
        for order in found:
            if order.open:
                self._cancel(order, cancel_id)
            listed = endings.list_of(books, order)
            if listed is None:
                seen[-order.id] = answers.cancel_answer(order, cancel_id)
            else:
                seen[listed.id] = _list_cancelled(listed, cancel_id)
        return list(seen.values())

    def cancel_list(self, call: Call) -> Json:
        """Follow `DELETE orderList`."""
        call.params.known("symbol", "orderListId", "listClientOrderId", "newClientOrderId")
        books = self._desk.books
        cancel_id = parse_client_id(call.params, "newClientOrderId") or books.new_client_id()
        listed = self._queries.found_list(call, "listClientOrderId")
        if listed is None or listed.done or listed.symbol != call.params.tape().symbol:
            raise ApiError(-2011, UNKNOWN)
        self._cancel(next(order for order in listed.orders if order.open), cancel_id)
        return _list_cancelled(listed, cancel_id)

    def oco(self, call: Call) -> Json:
        """Follow `POST orderList/oco`."""
        call.params.known(*LIST, "side", "quantity", *leg_names("above", "below"))
        return lists.place_oco(self._desk, call.account, call.params)

    def oto(self, call: Call) -> Json:
        """Follow `POST orderList/oto`."""
        call.params.known(*LIST, *WORKING, *PENDING, *leg_names("pending"))
        return lists.place_oto(self._desk, call.account, call.params)

    def otoco(self, call: Call) -> Json:
        """Follow `POST orderList/otoco`."""
        call.params.known(*LIST, *WORKING, *PENDING, *leg_names("pendingAbove", "pendingBelow"))
        return lists.place_otoco(self._desk, call.account, call.params)

    def replace(self, call: Call) -> Json:
        """Follow `POST order/cancelReplace`: -2021 where one half failed, -2022 where both did."""
        params = call.params
        params.known(*SINGLE, *REPLACE)
        mode = params.needed("cancelReplaceMode")
        if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
            raise illegal_characters("cancelReplaceMode", "^(STOP_ON_FAILURE|ALLOW_FAILURE)$")
        wish = parse_wish(params)
        checks.check_wish(self._desk.books, wish, self._desk.price(wish.symbol))
        cancelled = self._tried(lambda: self._cancelled(call, *_replace_names()))
        if cancelled[0] == "FAILURE" and mode == "STOP_ON_FAILURE":
            call.account.counts[MARKET].charge(1)
            return _replaced(cancelled, ("NOT_ATTEMPTED", None))
        return _replaced(cancelled, self._tried(lambda: self._placed(call)))

    def _placed(self, call: Call) -> Json:
        wish = parse_wish(call.params)
        default = "FULL" if wish.type in (Type.MARKET, Type.LIMIT) else "ACK"
        response = parse_response(call.params, default)
        return answers.order_answer(self._desk.place(call.account, wish), response)

    def _cancelled(self, call: Call, id_name: str, client_name: str, new_name: str) -> Json:
        cancel_id = parse_client_id(call.params, new_name) or self._desk.books.new_client_id()
        restriction = call.params.text("cancelRestrictions")
        if restriction and restriction not in RESTRICTIONS:
            raise ApiError(-1145, "cancelRestrictions has to be either ONLY_NEW or ONLY_PARTIALLY_FILLED.")
        order = self._queries.found(call, id_name, client_name)
        if order is None or not order.open:
            raise ApiError(-2011, UNKNOWN)
        if restriction and order.status is not RESTRICTIONS[restriction]:
            raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")
        self._cancel(order, cancel_id)
        return answers.cancel_answer(order, cancel_id)

    def _cancel(self, order: Order, cancel_id: str) -> None:
        endings.cancel(self._desk.books, order, cancel_id)
        self._desk.books.report_balances(order.uid)

    def _tried(self, act: Any) -> tuple[str, Json | None]:
        """Return SUCCESS and the answer, or FAILURE and the refusal."""
        try:
            return "SUCCESS", act()
        except ApiError as error:
            return "FAILURE", error.body


def _replace_names() -> tuple[str, str, str]:
    return "cancelOrderId", "cancelOrigClientOrderId", "cancelNewClientOrderId"


def _replaced(cancelled: tuple[str, Json | None], placed: tuple[str, Json | None]) -> Json:
    body = {
        "cancelResult": cancelled[0],
        "newOrderResult": placed[0],
        "cancelResponse": cancelled[1],
        "newOrderResponse": placed[1],
    }
    worked = [result == "SUCCESS" for result in (cancelled[0], placed[0])]
    if all(worked):
        return body
    if any(worked):
        raise ApiError(-2021, "Order cancel-replace partially failed.", 409, body)
    raise ApiError(-2022, "Order cancel-replace failed.", 400, body)


def _list_cancelled(listed: OrderList, cancel_id: str) -> Json:
    return answers.list_answer(listed, [answers.cancel_answer(order, cancel_id) for order in listed.orders])
