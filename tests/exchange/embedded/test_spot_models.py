"""Answers and events of spot against the models of Binance's own SDK: every field known, every type strict."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

import pytest
from binance_sdk_spot.rest_api import models as rest
from binance_sdk_spot.websocket_api import models as socket_models
from pydantic import BaseModel

from tests.exchange.embedded.test_spot_socket_api import PATH, ask, events, signed, subscribed
from tests.exchange.embedded.traders import ED_KEY, Client, Desk, pass_minutes
from tests.exchange.embedded.wires import control

#: Fields that orders have conditionally, which some of the SDK's models leave out.
CONDITIONAL = {"stopPrice", "icebergQty", "strategyId", "strategyType", "expiryReason", "selfTradePreventionMode"}
LIMIT = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "99"}
STOP = {"side": "SELL", "type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "97"}
LEGS = {"aboveType": "LIMIT_MAKER", "abovePrice": "102", "belowType": "STOP_LOSS", "belowStopPrice": "98"}
OCO = {"side": "SELL", "quantity": "1", **LEGS}
MARKET = {"side": "BUY", "type": "MARKET", "quantity": "1"}
WORKING = {"workingType": "LIMIT", "workingSide": "BUY", "workingQuantity": "1", "workingTimeInForce": "GTC"}
PENDING = {"pendingSide": "SELL", "pendingQuantity": "0.9"}
BARS = ((100.0, 100.1, 98.5, 99.5), (99.5, 102.5, 97.5, 102.0))


def conforms(model: Any, data: Any) -> bool:
    """Validate `data`, and fail on fields that the model does not have, however deep."""
    model.model_validate(data)
    assert strangers(model, data) <= CONDITIONAL
    return True


def strangers(model: Any, data: Any) -> set[str]:
    """Return the names in `data` that the model does not know."""
    if isinstance(data, list):
        return {name for each in data for name in strangers(model, each)}
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    found = set(data) - set(fields)
    for name, value in data.items():
        inner = inner_model(fields.get(name))
        if inner is not None and isinstance(value, dict | list):
            found |= strangers(inner, value)
    return found


def inner_model(annotation: Any) -> Any:
    """Return the model inside an annotation, None where there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, Union, types.UnionType):
        return next(filter(None, map(inner_model, get_args(annotation))), None)
    return None


@pytest.mark.parametrize("kind", ["ACK", "RESULT", "FULL"])
@pytest.mark.parametrize(
    "wish", [LIMIT, STOP | {"stopPrice": "98"}, {"side": "BUY", "type": "MARKET", "quantity": "1"}]
)
async def test_new_orders(desk: Desk, wish: dict[str, str], kind: str) -> None:
    _, client = await desk()
    extra = {"newOrderRespType": kind, "strategyId": 5, "strategyType": 1_000_000}
    assert conforms(rest.NewOrderResponse, (await client.ask("POST", "order", symbol="BTCUSDT", **wish, **extra)).body)


async def busy(client: Client) -> dict[str, Any]:
    """Place an order of each kind; return the answers of the lists."""
    symbol = {"symbol": "BTCUSDT"}
    await client.ask("POST", "order", **symbol, **LIMIT, icebergQty="0.5", strategyId=5)
    await client.ask("POST", "order", **symbol, **STOP, stopPrice="98")
    await client.order("BUY", "MARKET", quantity="1")
    above_below = {f"pending{name[0].upper()}{name[1:]}": value for name, value in LEGS.items()}
    pending = {"pendingType": "STOP_LOSS", "pendingStopPrice": "98"}
    wishes = {
        "oco": OCO,
        "oto": WORKING | PENDING | pending | {"workingPrice": "99"},
        "otoco": WORKING | PENDING | above_below | {"workingPrice": "95"},
    }
    return {
        name: (await client.ask("POST", f"orderList/{name}", **symbol, **wish)).body for name, wish in wishes.items()
    }


async def test_lists(desk: Desk) -> None:
    _, client = await desk()
    lists = await busy(client)
    assert conforms(rest.OrderListOcoResponse, lists["oco"])
    assert conforms(rest.OrderListOtoResponse, lists["oto"])
    assert conforms(rest.OrderListOtocoResponse, lists["otoco"])
    found = await client.ask("GET", "orderList", orderListId=lists["oto"]["orderListId"])
    assert conforms(rest.GetOrderListResponse, found.body)
    for row in (await client.ask("GET", "allOrderList")).body:
        assert conforms(rest.AllOrderListResponseInner, row)
    for row in (await client.ask("GET", "openOrderList")).body:
        assert conforms(rest.OpenOrderListResponseInner, row)
    gone = await client.ask("DELETE", "orderList", symbol="BTCUSDT", orderListId=lists["oco"]["orderListId"])
    assert conforms(rest.DeleteOrderListResponse, gone.body)


async def test_queries(desk: Desk) -> None:
    exchange, client = await desk(*BARS)
    await busy(client)
    pass_minutes(exchange, 2)
    orders = (await client.ask("GET", "allOrders", symbol="BTCUSDT")).body
    assert {"FILLED", "EXPIRED", "NEW", "PENDING_NEW"} <= {order["status"] for order in orders}
    for order in orders:
        assert conforms(rest.AllOrdersResponseInner, order)
        found = await client.ask("GET", "order", symbol="BTCUSDT", orderId=order["orderId"])
        assert conforms(rest.GetOrderResponse, found.body)
    for order in (await client.ask("GET", "openOrders")).body:
        assert conforms(rest.GetOpenOrdersResponseInner, order)
    trades = (await client.ask("GET", "myTrades", symbol="BTCUSDT")).body
    assert len(trades) > 3
    assert all(conforms(rest.MyTradesResponseInner, trade) for trade in trades)


async def test_the_account(desk: Desk) -> None:
    _, client = await desk()
    assert conforms(rest.GetAccountResponse, (await client.ask("GET", "account")).body)
    commission = await client.ask("GET", "account/commission", symbol="BTCUSDT")
    assert conforms(rest.AccountCommissionResponse, commission.body)
    for row in (await client.ask("GET", "rateLimit/order")).body:
        assert conforms(rest.RateLimitOrderResponseInner, row)
    tested = await client.ask("POST", "order/test", symbol="BTCUSDT", **LIMIT, computeCommissionRates="true")
    assert conforms(rest.OrderTestResponse, tested.body)


async def test_cancels_and_replacements(desk: Desk) -> None:
    _, client = await desk()
    symbol = {"symbol": "BTCUSDT"}
    first = (await client.ask("POST", "order", **symbol, **LIMIT)).body["orderId"]
    replaced = await client.ask(
        "POST", "order/cancelReplace", **symbol, **LIMIT, cancelReplaceMode="ALLOW_FAILURE", cancelOrderId=first
    )
    assert conforms(rest.OrderCancelReplaceResponse, replaced.body)
    second = replaced.body["newOrderResponse"]["orderId"]
    assert conforms(rest.DeleteOrderResponse, (await client.ask("DELETE", "order", **symbol, orderId=second)).body)
    await client.ask("POST", "order", **symbol, **LIMIT)
    for row in (await client.ask("DELETE", "openOrders", **symbol)).body:
        assert conforms(rest.DeleteOpenOrdersResponseInner, row)


async def test_exchange_info_with_every_filter(desk: Desk) -> None:
    _, client = await desk()
    async with client.session.get("/api/v3/exchangeInfo") as answer:
        rest.ExchangeInfoResponse.model_validate(await answer.json())


EVENTS = {
    "executionReport": socket_models.ExecutionReport,
    "outboundAccountPosition": socket_models.OutboundAccountPosition,
    "balanceUpdate": socket_models.BalanceUpdate,
    "listStatus": socket_models.ListStatus,
    "eventStreamTerminated": socket_models.EventStreamTerminated,
}


async def test_events(desk: Desk) -> None:
    exchange, client = await desk(*BARS)
    socket = await subscribed(client)
    await busy(client)
    pass_minutes(exchange, 2)
    await client.ask("DELETE", "openOrders", symbol="BTCUSDT")
    await control(client.session, "stranger", do="deposit", asset="BNB", amount="1")
    await control(client.session, "fault", kind="subscription", amount=1)
    await client.order("BUY", "MARKET", quantity="1")
    seen: set[str] = set()
    while "eventStreamTerminated" not in seen:
        (event,) = await events(socket, 1)
        kind = event.pop("e")
        assert conforms(EVENTS[kind], event)
        seen |= {kind}
    assert seen == set(EVENTS)


@pytest.mark.parametrize(
    ("method", "model", "params"),
    [
        ("order.place", socket_models.OrderPlaceResponse, {"symbol": "BTCUSDT", **LIMIT}),
        ("orderList.place.oco", socket_models.OrderListPlaceOcoResponse, {"symbol": "BTCUSDT", **OCO}),
        ("openOrders.status", socket_models.OpenOrdersStatusResponse, {}),
        ("account.status", socket_models.AccountStatusResponse, {}),
        ("account.commission", socket_models.AccountCommissionResponse, {"symbol": "BTCUSDT"}),
        ("account.rateLimits.orders", socket_models.AccountRateLimitsOrdersResponse, {}),
        ("myTrades", socket_models.MyTradesResponse, {"symbol": "BTCUSDT"}),
        ("session.logon", socket_models.SessionLogonResponse, {}),
        ("userDataStream.subscribe.signature", socket_models.UserDataStreamSubscribeSignatureResponse, {}),
    ],
)
async def test_replies_of_the_socket_api(desk: Desk, method: str, model: Any, params: dict[str, Any]) -> None:
    _, client = await desk()
    socket = await client.session.ws_connect(PATH)
    reply = await ask(socket, method, **signed(ED_KEY, **params))
    assert reply["status"] == 200
    model.model_validate(reply)
    assert strangers(model, reply) <= CONDITIONAL | {"rateLimits"}


async def test_status_of_a_session(desk: Desk) -> None:
    _, client = await desk()
    socket = await client.session.ws_connect(PATH)
    socket_models.SessionStatusResponse.model_validate(await ask(socket, "session.status"))
    socket_models.SessionSubscriptionsResponse.model_validate(await ask(socket, "session.subscriptions"))
