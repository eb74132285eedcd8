"""Answers and events of USD-M against the models of Binance's own SDK: every field known, every type strict."""

from __future__ import annotations

from typing import Any

from binance_sdk_derivatives_trading_usds_futures.rest_api import models as rest
from binance_sdk_derivatives_trading_usds_futures.websocket_streams import models as streams

from tests.exchange.embedded.test_spot_models import strangers
from tests.exchange.embedded.traders import pass_minutes
from tests.exchange.embedded.usdm_traders import FuturesClient, events, raw
from tests.exchange.embedded.wires import control

BARS = ((100.0, 102.5, 98.5, 99.5), (99.5, 100.0, 88.0, 90.0))
GTC = {"timeInForce": "GTC"}
LONG = {"positionSide": "LONG"}


def conforms(model: Any, data: Any) -> bool:
    """Validate `data`, and fail on fields that the model does not have, however deep."""
    model.model_validate(data)
    assert not strangers(model, data)
    return True


async def busy(client: FuturesClient) -> dict[str, Any]:
    """Open a position with a stop and a target; return the answers."""
    await client.prepared()
    said = {
        "market": await client.order("BUY", "MARKET", quantity="1", newOrderRespType="RESULT", **LONG),
        "limit": await client.order("SELL", "LIMIT", quantity="0.4", price="102", **LONG, **GTC),
        "stop": await client.algo("SELL", "STOP_MARKET", quantity="0.2", triggerPrice="99", **LONG),
        "limited": await client.algo("SELL", "STOP", quantity="0.2", triggerPrice="98", price="97", **LONG, **GTC),
        "closer": await client.algo("SELL", "STOP_MARKET", closePosition="true", triggerPrice="50", **LONG),
    }
    return {name: answer.body for name, answer in said.items()}


async def test_placings_and_cancels() -> None:
    async with raw(*BARS) as (_, client):
        said = await busy(client)
        assert conforms(rest.NewOrderResponse, said["market"])
        assert conforms(rest.NewOrderResponse, said["limit"])
        for name in ("stop", "limited", "closer"):
            assert conforms(rest.NewAlgoOrderResponse, said[name])
        order = {"symbol": "BTCUSDT", "side": "SELL", "orderId": said["limit"]["orderId"]}
        changed = await client.ask("PUT", "order", **order, quantity="0.5", price="103")
        assert conforms(rest.ModifyOrderResponse, changed.body)
        assert conforms(rest.CancelOrderResponse, (await client.ask("DELETE", "order", **order)).body)
        gone = await client.ask("DELETE", "algoOrder", algoId=said["stop"]["algoId"])
        assert conforms(rest.CancelAlgoOrderResponse, gone.body)
        assert conforms(
            rest.CancelAllOpenOrdersResponse, (await client.ask("DELETE", "allOpenOrders", symbol="BTCUSDT")).body
        )
        all_gone = await client.ask("DELETE", "algoOpenOrders", symbol="BTCUSDT")
        assert conforms(rest.CancelAllAlgoOpenOrdersResponse, all_gone.body)
        tested = await client.ask(
            "POST", "order/test", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1", **LONG
        )
        assert conforms(rest.TestOrderResponse, tested.body)


async def test_batches() -> None:
    async with raw() as (_, client):
        wish = '{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":"1","price":"99","timeInForce":"GTC"}'
        placed = (await client.ask("POST", "batchOrders", batchOrders=f'[{wish},{wish[:-1]},"price":"9"}}]')).body
        assert all(conforms(rest.PlaceMultipleOrdersResponseInner, row) for row in placed)
        ids = f"[{placed[0]['orderId']},77]"
        gone = (await client.ask("DELETE", "batchOrders", symbol="BTCUSDT", orderIdList=ids)).body
        assert all(conforms(rest.CancelMultipleOrdersResponseInner, row) for row in gone)


async def test_queries() -> None:
    async with raw(*BARS) as (exchange, client):
        said = await busy(client)
        order = {"symbol": "BTCUSDT", "orderId": said["limit"]["orderId"]}
        assert conforms(rest.QueryCurrentOpenOrderResponse, (await client.ask("GET", "openOrder", **order)).body)
        for row in (await client.ask("GET", "openOrders")).body:
            assert conforms(rest.CurrentAllOpenOrdersResponseInner, row)
        for row in (await client.ask("GET", "openAlgoOrders")).body:
            assert conforms(rest.CurrentAllAlgoOpenOrdersResponseInner, row)
        pass_minutes(exchange, 2)
        assert conforms(rest.QueryOrderResponse, (await client.ask("GET", "order", **order)).body)
        orders = (await client.ask("GET", "allOrders", symbol="BTCUSDT")).body
        assert len(orders) == 5
        assert all(conforms(rest.AllOrdersResponseInner, row) for row in orders)
        algos = (await client.ask("GET", "allAlgoOrders", symbol="BTCUSDT")).body
        assert [row["algoStatus"] for row in algos] == ["FINISHED", "FINISHED", "EXPIRED"]
        assert all(conforms(rest.QueryAllAlgoOrdersResponseInner, row) for row in algos)
        for row in algos:
            found = await client.ask("GET", "algoOrder", algoId=row["algoId"])
            assert conforms(rest.QueryAlgoOrderResponse, found.body)
        trades = await client.trades()
        assert len(trades) == 5
        assert all(conforms(rest.AccountTradeListResponseInner, row) for row in trades)
        for row in (await client.ask("GET", "forceOrders", symbol="BTCUSDT")).body:
            known = {name: value for name, value in row.items() if name not in UNLISTED}
            assert conforms(rest.UsersForceOrdersResponseInner, known)
        for row in (await client.ask("GET", "income")).body:
            assert conforms(rest.GetIncomeHistoryResponseInner, row)


#: What orders have that the SDK's model of forced ones leaves out.
UNLISTED = ("priceProtect", "priceMatch", "selfTradePreventionMode", "goodTillDate")


async def test_the_account() -> None:
    async with raw() as (_, client):
        await busy(client)
        assert conforms(rest.AccountInformationV3Response, (await client.ask("GET", "v3/account")).body)
        assert conforms(rest.AccountInformationV2Response, (await client.ask("GET", "v2/account")).body)
        for version, position, balance in (
            (2, rest.PositionInformationV2ResponseInner, rest.FuturesAccountBalanceV2ResponseInner),
            (3, rest.PositionInformationV3ResponseInner, rest.FuturesAccountBalanceV3Response),
        ):
            positions = (await client.ask("GET", f"v{version}/positionRisk", symbol="BTCUSDT")).body
            assert all(conforms(position, row) for row in positions)
            assert positions
            for row in (await client.ask("GET", f"v{version}/balance")).body:
                assert conforms(balance, row)
        assert conforms(rest.FuturesAccountConfigurationResponse, (await client.ask("GET", "accountConfig")).body)
        for row in (await client.ask("GET", "symbolConfig")).body:
            assert conforms(rest.SymbolConfigurationResponseInner, row)
        for row in (await client.ask("GET", "leverageBracket")).body:
            assert conforms(rest.NotionalAndLeverageBracketsResponse1Inner, row)
        rate = await client.ask("GET", "commissionRate", symbol="BTCUSDT")
        assert conforms(rest.UserCommissionRateResponse, rate.body)
        for row in (await client.ask("GET", "rateLimit/order")).body:
            assert conforms(rest.QueryUserRateLimitResponseInner, row)


async def test_settings() -> None:
    async with raw() as (_, client):
        symbol = {"symbol": "BTCUSDT"}
        wanted = {
            "leverage": (rest.ChangeInitialLeverageResponse, symbol | {"leverage": "7"}),
            "marginType": (rest.ChangeMarginTypeResponse, symbol | {"marginType": "ISOLATED"}),
            "positionSide/dual": (rest.ChangePositionModeResponse, {"dualSidePosition": "true"}),
            "countdownCancelAll": (rest.AutoCancelAllOpenOrdersResponse, symbol | {"countdownTime": "0"}),
        }
        for path, (model, params) in wanted.items():
            assert conforms(model, (await client.ask("POST", path, **params)).body)
        assert conforms(rest.GetCurrentPositionModeResponse, (await client.ask("GET", "positionSide/dual")).body)
        assert conforms(rest.GetCurrentMultiAssetsModeResponse, (await client.ask("GET", "multiAssetsMargin")).body)
        key = await client.send("POST", "/fapi/v1/listenKey", "")
        assert conforms(rest.StartUserDataStreamResponse, key.body)


EVENTS = {
    "ORDER_TRADE_UPDATE": streams.OrderTradeUpdate,
    "ACCOUNT_UPDATE": streams.AccountUpdate,
    "ALGO_UPDATE": streams.AlgoUpdate,
    "ACCOUNT_CONFIG_UPDATE": streams.AccountConfigUpdate,
    "MARGIN_CALL": streams.MarginCall,
    "TRADE_LITE": streams.TradeLite,
    "listenKeyExpired": streams.ListenKeyExpired,
}


async def test_events() -> None:
    bars = ((100.0, 102.5, 98.5, 99.5), (99.5, 99.6, 90.55, 90.6), (90.6, 90.7, 88.0, 90.0))
    async with raw(*bars, funding=((1, 0.0001),)) as (exchange, client):
        socket = await client.listen()
        await busy(client)
        for _ in range(3):
            pass_minutes(exchange, 1)
        await control(client.session, "stranger", market="futures", do="deposit", amount="5")
        await control(client.session, "stranger", market="futures", do="expire_key")
        told = await events(socket)
        for event in told:
            kind = event.pop("e")
            assert conforms(EVENTS[kind], event)
            event["e"] = kind
        assert {event["e"] for event in told} == set(EVENTS)
        reasons = {event["a"]["m"] for event in told if event["e"] == "ACCOUNT_UPDATE"}
        assert reasons == {"ORDER", "FUNDING_FEE", "DEPOSIT"}
