"""The endpoints of USD-M that need a key (weights: binance.md, sections 5 and 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trader.exchange.embedded.accounts.account import Right
from trader.exchange.embedded.endpoints import Weight, by_symbol, flat
from trader.exchange.embedded.signed import Call, SignedEndpoint
from trader.exchange.embedded.usdm.account_desk import AccountDesk
from trader.exchange.embedded.usdm.changes import Changes
from trader.exchange.embedded.usdm.listen_keys import ListenKeys
from trader.exchange.embedded.usdm.queries import Queries

#: The methods of the WebSocket API, and the endpoints that they are.
SOCKET_METHODS = {
    "order.place": ("POST", "v1/order"),
    "order.modify": ("PUT", "v1/order"),
    "order.cancel": ("DELETE", "v1/order"),
    "order.status": ("GET", "v1/order"),
    "algoOrder.place": ("POST", "v1/algoOrder"),
    "algoOrder.cancel": ("DELETE", "v1/algoOrder"),
    "account.position": ("GET", "v3/positionRisk"),
    "v2/account.position": ("GET", "v3/positionRisk"),
    "account.balance": ("GET", "v3/balance"),
    "v2/account.balance": ("GET", "v3/balance"),
    "account.status": ("GET", "v3/account"),
    "v2/account.status": ("GET", "v3/account"),
    "userDataStream.start": ("POST", "v1/listenKey"),
    "userDataStream.ping": ("PUT", "v1/listenKey"),
    "userDataStream.stop": ("DELETE", "v1/listenKey"),
}
Answer = Callable[[Call], Any]


def signed_endpoints(
    changes: Changes, queries: Queries, accounts: AccountDesk, keys: ListenKeys
) -> list[SignedEndpoint]:
    """Return all endpoints."""
    return [*_orders(changes), *_lists(queries), *_settings(accounts), *_account(accounts), *_listen_keys(keys)]


def _orders(changes: Changes) -> list[SignedEndpoint]:
    return [
        _change("POST", "order", changes.place, 0),
        _set("order/test", changes.test, 0),
        _change("PUT", "order", changes.modify, 1),
        _change("DELETE", "order", changes.cancel, 1),
        _change("DELETE", "allOpenOrders", changes.cancel_all, 1),
        _change("POST", "batchOrders", changes.place_batch, 5),
        _change("DELETE", "batchOrders", changes.cancel_batch, 1),
        _change("POST", "algoOrder", changes.place_algo, 0),
        _change("DELETE", "algoOrder", changes.cancel_algo, 1),
        _change("DELETE", "algoOpenOrders", changes.cancel_all_algos, 1),
        _set("countdownCancelAll", changes.count_down, 10),
    ]


def _lists(queries: Queries) -> list[SignedEndpoint]:
    return [
        _query("v1/order", queries.order, flat(1)),
        _query("v1/openOrder", queries.open_order, flat(1)),
        _query("v1/openOrders", queries.open_orders, by_symbol(1, 40)),
        _query("v1/allOrders", queries.all_orders, flat(5)),
        _query("v1/algoOrder", queries.algo, flat(1)),
        _query("v1/openAlgoOrders", queries.open_algos, by_symbol(1, 40)),
        _query("v1/allAlgoOrders", queries.all_algos, flat(5)),
        _query("v1/userTrades", queries.trades, flat(5)),
        _query("v1/forceOrders", queries.forced_orders, by_symbol(20, 50)),
        _query("v1/rateLimit/order", queries.order_count, flat(1)),
    ]


def _settings(accounts: AccountDesk) -> list[SignedEndpoint]:
    return [
        _set("positionSide/dual", accounts.set_mode, 1),
        _set("leverage", accounts.set_leverage, 1),
        _set("marginType", accounts.set_margin_type, 1),
        _set("multiAssetsMargin", accounts.set_multi_assets, 1),
        _query("v1/positionSide/dual", accounts.mode, flat(30)),
        _query("v1/multiAssetsMargin", accounts.multi_assets, flat(30)),
        _query("v1/accountConfig", accounts.config, flat(5)),
        _query("v1/symbolConfig", accounts.symbol_config, flat(5)),
        _query("v1/leverageBracket", accounts.brackets, flat(1)),
    ]


def _account(accounts: AccountDesk) -> list[SignedEndpoint]:
    return [
        *(_query(f"v{version}/account", accounts.account(version), flat(5)) for version in (2, 3)),
        *(_query(f"v{version}/positionRisk", accounts.positions(version), flat(5)) for version in (2, 3)),
        *(_query(f"v{version}/balance", accounts.balance, flat(5)) for version in (2, 3)),
        _query("v1/income", accounts.income, flat(30)),
        _query("v1/commissionRate", accounts.commission, flat(20)),
    ]


def _listen_keys(keys: ListenKeys) -> list[SignedEndpoint]:
    """Return the endpoints that want the key alone, and no signature."""
    answers = {"POST": keys.make, "PUT": keys.keep, "DELETE": keys.end}
    return [
        SignedEndpoint(
            method=method,
            path="/fapi/v1/listenKey",
            right=Right.READ,
            answer=answer,
            weight=flat(1),
            signature=False,
        )
        for method, answer in answers.items()
    ]


def _change(method: str, path: str, answer: Answer, weight: int) -> SignedEndpoint:
    return SignedEndpoint(
        method=method, path=f"/fapi/v1/{path}", right=Right.FUTURES, answer=answer, weight=flat(weight), changes=True
    )


def _set(path: str, answer: Answer, weight: int) -> SignedEndpoint:
    """Return an endpoint that changes no order: what goes wrong around orders does not meet it."""
    return SignedEndpoint(
        method="POST", path=f"/fapi/v1/{path}", right=Right.FUTURES, answer=answer, weight=flat(weight)
    )


def _query(path: str, answer: Answer, weight: Weight) -> SignedEndpoint:
    return SignedEndpoint(method="GET", path=f"/fapi/{path}", right=Right.READ, answer=answer, weight=weight)
