"""The endpoints of spot that need a key (weights: binance.md, section 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trader.exchange.embedded.accounts.account import Right
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.endpoints import by_symbol, flat
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.signed import Call, SignedEndpoint
from trader.exchange.embedded.spot.changes import Changes
from trader.exchange.embedded.spot.queries import Queries

#: The methods of the WebSocket API, and the endpoints that they are.
SOCKET_METHODS = {
    "order.place": ("POST", "order"),
    "order.test": ("POST", "order/test"),
    "order.status": ("GET", "order"),
    "order.cancel": ("DELETE", "order"),
    "order.cancelReplace": ("POST", "order/cancelReplace"),
    "orderList.place.oco": ("POST", "orderList/oco"),
    "orderList.place.oto": ("POST", "orderList/oto"),
    "orderList.place.otoco": ("POST", "orderList/otoco"),
    "orderList.status": ("GET", "orderList"),
    "orderList.cancel": ("DELETE", "orderList"),
    "openOrders.status": ("GET", "openOrders"),
    "openOrders.cancelAll": ("DELETE", "openOrders"),
    "openOrderLists.status": ("GET", "openOrderList"),
    "allOrders": ("GET", "allOrders"),
    "allOrderLists": ("GET", "allOrderList"),
    "myTrades": ("GET", "myTrades"),
    "account.status": ("GET", "account"),
    "account.commission": ("GET", "account/commission"),
    "account.rateLimits.orders": ("GET", "rateLimit/order"),
}


def signed_endpoints(changes: Changes, queries: Queries) -> list[SignedEndpoint]:
    """Return all endpoints."""
    return [
        _change("POST", "order", changes.place),
        _change("POST", "order/test", changes.test, free=False),
        _change("DELETE", "order", changes.cancel),
        _change("POST", "order/cancelReplace", changes.replace),
        _change("POST", "orderList/oco", changes.oco),
        _change("POST", "orderList/oto", changes.oto),
        _change("POST", "orderList/otoco", changes.otoco),
        _change("DELETE", "orderList", changes.cancel_list),
        _change("DELETE", "openOrders", changes.cancel_all),
        _query("order", queries.order, 4),
        SignedEndpoint(
            method="GET",
            path="/api/v3/openOrders",
            right=Right.READ,
            answer=queries.open_orders,
            weight=by_symbol(6, 80),
        ),
        _query("allOrders", queries.all_orders, 20),
        _query("orderList", queries.order_list, 4),
        _query("allOrderList", queries.all_lists, 20),
        _query("openOrderList", queries.open_lists, 6),
        SignedEndpoint(
            method="GET", path="/api/v3/myTrades", right=Right.READ, answer=queries.my_trades, weight=_trades_weight
        ),
        _query("account", queries.account, 20),
        _query("account/commission", queries.commission, 20),
        _query("rateLimit/order", queries.order_count, 40),
        SignedEndpoint(
            method="GET",
            path="/sapi/v1/account/apiRestrictions",
            right=Right.READ,
            answer=queries.restrictions,
            weight=flat(1),
        ),
        *(_gone(method) for method in ("POST", "PUT", "DELETE")),
        *(_nothing(path) for path in ("capital/config/getall", "margin/allPairs", "margin/isolated/allPairs")),
    ]


def _trades_weight(params: Params) -> int:
    return 5 if params.has("orderId") else 20


def _change(method: str, path: str, answer: Callable[[Call], Any], free: bool = True) -> SignedEndpoint:
    return SignedEndpoint(
        method=method,
        path=f"/api/v3/{path}",
        right=Right.SPOT,
        answer=answer,
        weight=flat(1),
        changes=path != "order/test",
        free=free,
    )


def _query(path: str, answer: Callable[[Call], Any], weight: int) -> SignedEndpoint:
    return SignedEndpoint(method="GET", path=f"/api/v3/{path}", right=Right.READ, answer=answer, weight=flat(weight))


def _gone(method: str) -> SignedEndpoint:
    """Return what is left of listen keys on spot: nothing (binance.md, section 3)."""

    def answer(_: Call) -> Any:
        raise ApiError(-1016, "This service is no longer available.", 410)

    return SignedEndpoint(
        method=method,
        path="/api/v3/userDataStream",
        right=Right.READ,
        answer=answer,
        weight=flat(2),
        signature=False,
    )


def _nothing(path: str) -> SignedEndpoint:
    """Return an endpoint of what does not exist here, which clients load beside the rest: an empty list."""
    return SignedEndpoint(
        method="GET",
        path=f"/sapi/v1/{path}",
        right=Right.READ,
        answer=lambda _: [],
        weight=flat(1),
        signature=False,
    )
