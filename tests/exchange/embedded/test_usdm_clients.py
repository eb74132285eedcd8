"""Whole trading sessions on USD-M with clients that others made, unchanged but for their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import ccxt
import ccxt.async_support
import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_derivatives_trading_usds_futures.rest_api.rest_api import DerivativesTradingUsdsFuturesRestAPI

from tests.exchange.embedded.test_ccxt import pointed
from tests.exchange.embedded.traders import ED_KEY, KEY, PRIVATE, SECRET, pass_minutes
from tests.exchange.embedded.usdm_traders import opened
from trader.exchange.embedded.app import EmbeddedExchange

BARS = ((100.0, 101.5, 99.5, 101.0), (101.0, 101.2, 98.0, 98.5))
SYMBOL = "BTCUSDT"
Maker = Callable[..., Any]


@pytest.fixture
async def exchange() -> AsyncIterator[EmbeddedExchange]:
    running = await opened(*BARS)
    yield running
    await running.stop()


@pytest.fixture
async def make(exchange: EmbeddedExchange) -> AsyncIterator[Maker]:
    """Make clients of python-binance, closed after the test."""
    base = exchange.base_url
    made: list[AsyncClient] = []

    class Pointed(AsyncClient):  # type: ignore[misc]
        API_URL = f"{base}/api"
        FUTURES_URL = f"{base}/fapi"
        MARGIN_API_URL = f"{base}/sapi"
        WS_API_URL = base.replace("http", "ws") + "/ws-api/v3"
        WS_FUTURES_URL = base.replace("http", "ws") + "/ws-fapi/v1"

    async def create(*args: Any, **options: Any) -> AsyncClient:
        made.append(await Pointed.create(*args, **options))
        made[-1].ws_api.TIMEOUT = made[-1].ws_future.TIMEOUT = 1  # it waits so long when it is closed
        return made[-1]

    yield create
    for client in made:
        await client.close_connection()


def sockets(client: AsyncClient, base: str) -> BinanceSocketManager:
    class Manager(BinanceSocketManager):  # type: ignore[misc]
        FSTREAM_URL = base.replace("http", "ws") + "/"

    return Manager(client, max_queue_size=1_000)


async def test_python_binance_trades_a_session(exchange: EmbeddedExchange, make: Maker) -> None:
    client = await make(KEY, SECRET)
    listening = sockets(client, exchange.base_url).futures_user_socket()
    listening.TIMEOUT = 1
    async with listening as user:
        await client.futures_change_position_mode(dualSidePosition="true")
        await client.futures_change_margin_type(symbol=SYMBOL, marginType="ISOLATED")
        assert (await client.futures_change_leverage(symbol=SYMBOL, leverage=10))["leverage"] == 10
        long = {"symbol": SYMBOL, "positionSide": "LONG"}
        bought = await client.futures_create_order(
            **long, side="BUY", type="MARKET", quantity=1, newOrderRespType="RESULT"
        )
        assert bought["status"] == "FILLED"
        stop = await client.futures_create_order(
            **long, side="SELL", type="STOP_MARKET", stopPrice="99", closePosition=True, clientAlgoId="mine"
        )
        target = await client.futures_create_order(
            **long, side="SELL", type="LIMIT", timeInForce="GTC", quantity=0.4, price=101.5
        )
        assert [row["orderId"] for row in await client.futures_get_open_orders()] == [target["orderId"]]
        assert [row["algoId"] for row in await client.futures_get_open_algo_orders()] == [stop["algoId"]]
        pass_minutes(exchange, 2)
        assert (await client.futures_get_order(symbol=SYMBOL, orderId=target["orderId"]))["status"] == "FILLED"
        assert (await client.futures_get_algo_order(clientAlgoId="mine"))["algoStatus"] == "FINISHED"
        prices = [row["price"] for row in await client.futures_account_trades(symbol=SYMBOL)]
        assert prices == ["100.02", "101.50", "98.9802"]
        assert await client.futures_position_information() == []
        seen = [await user.recv() for _ in range(17)]
    assert {event["e"] for event in seen} == {
        *("ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ALGO_UPDATE", "ACCOUNT_CONFIG_UPDATE", "TRADE_LITE")
    }


async def test_python_binance_asks_changes_and_cancels(make: Maker) -> None:
    client = await make(KEY, SECRET)
    wish = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "98"}
    order = await client.futures_create_order(**wish, newClientOrderId="mine-1")
    with pytest.raises(BinanceAPIException) as refused:
        await client.futures_create_order(**wish, newClientOrderId="mine-1")
    assert refused.value.code == -4116
    changed = await client.futures_modify_order(
        symbol=SYMBOL, side="BUY", orderId=order["orderId"], quantity="2", price="97"
    )
    assert changed["origQty"] == "2.000"
    assert (await client.futures_cancel_order(symbol=SYMBOL, orderId=order["orderId"]))["status"] == "CANCELED"
    batch = await client.futures_place_batch_order(batchOrders=[dict(wish), dict(wish, price="97")])
    assert [row["status"] for row in batch] == ["NEW", "NEW"]
    assert (await client.futures_cancel_all_open_orders(symbol=SYMBOL))["code"] == 200
    assert (await client.futures_account())["availableBalance"] == "10000.00000000"
    assert (await client.futures_account_balance())[0]["balance"] == "10000.00000000"
    assert (await client.futures_get_multi_assets_mode()) == {"multiAssetsMargin": False}
    assert (await client.futures_get_position_mode()) == {"dualSidePosition": False}
    assert (await client.futures_leverage_bracket(symbol=SYMBOL))[0]["brackets"][0]["initialLeverage"] == 125
    assert (await client.futures_symbol_config(symbol=SYMBOL))[0]["leverage"] == 20
    assert (await client.futures_commission_rate(symbol=SYMBOL))["takerCommissionRate"] == "0.0005"
    assert await client.futures_income_history() == []
    countdown = await client.futures_countdown_cancel_all(symbol=SYMBOL, countdownTime=0)
    assert countdown["countdownTime"] == "0"


async def test_python_binance_signs_with_ed25519(make: Maker) -> None:
    client = await make(ED_KEY, private_key=PRIVATE.export_key(format="PEM"))
    wish = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "1", "newOrderRespType": "RESULT"}
    assert (await client.futures_create_order(**wish))["status"] == "FILLED"


async def test_python_binance_trades_by_the_socket_api(make: Maker) -> None:
    client = await make(KEY, SECRET)
    wish = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "98"}
    order = await client.ws_futures_create_order(**wish)
    assert (await client.ws_futures_get_order(symbol=SYMBOL, orderId=order["orderId"]))["status"] == "NEW"
    assert (await client.ws_futures_cancel_order(symbol=SYMBOL, orderId=order["orderId"]))["status"] == "CANCELED"


async def test_ccxt_trades_a_session(exchange: EmbeddedExchange) -> None:
    client = pointed(ccxt.async_support.binanceusdm({"apiKey": KEY, "secret": SECRET}), exchange.base_url)
    try:
        await ccxt_session(client, exchange)
    finally:
        await client.close()


async def ccxt_session(client: Any, exchange: EmbeddedExchange) -> None:
    symbol = "BTC/USDT:USDT"
    await client.set_position_mode(True)
    await client.set_margin_mode("isolated", symbol)
    await client.set_leverage(10, symbol)
    long = {"positionSide": "LONG"}
    bought = await client.create_order(symbol, "market", "buy", 1, None, long)
    assert (bought["status"], bought["filled"]) == ("closed", 1)
    target = await client.create_order(symbol, "limit", "sell", 0.4, 101.5, long)
    stop = await client.create_order(symbol, "market", "sell", 1, None, long | {"stopLossPrice": 99})
    assert [order["id"] for order in await client.fetch_open_orders(symbol)] == [target["id"]]
    conditional = await client.fetch_open_orders(symbol, params={"trigger": True})
    assert [order["id"] for order in conditional] == [stop["id"]]
    (position,) = await client.fetch_positions([symbol])
    assert (position["side"], position["contracts"], position["marginMode"]) == ("long", 1, "isolated")
    assert position["liquidationPrice"] == pytest.approx(90.5181)
    pass_minutes(exchange, 2)
    assert (await client.fetch_order(target["id"], symbol))["status"] == "closed"
    assert [trade["price"] for trade in await client.fetch_my_trades(symbol)] == [100.02, 101.5, 98.9802]
    assert await client.fetch_positions([symbol]) == []
    balance = await client.fetch_balance()
    assert balance["USDT"]["total"] == pytest.approx(9_999.877, abs=0.01)
    resting = await client.create_order(symbol, "limit", "buy", 1, 90, long)
    edited = await client.edit_order(resting["id"], symbol, "limit", "buy", 2, 91, long)
    assert edited["amount"] == 2
    await client.cancel_order(resting["id"], symbol)
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order(resting["id"], symbol)
    with pytest.raises(ccxt.ExchangeError, match="-2019"):
        await client.create_order(symbol, "limit", "buy", 1_000, 120, long)


async def test_the_official_client_trades_a_session(exchange: EmbeddedExchange) -> None:
    def session() -> None:
        configuration = ConfigurationRestAPI(api_key=KEY, api_secret=SECRET, base_path=exchange.base_url, retries=0)
        client = DerivativesTradingUsdsFuturesRestAPI(configuration)
        client.change_position_mode(dual_side_position="true")
        client.change_initial_leverage(symbol=SYMBOL, leverage=10)
        side = {"symbol": SYMBOL, "position_side": "LONG"}
        bought = client.new_order(**side, side="BUY", type="MARKET", quantity=1, new_order_resp_type="RESULT").data()
        assert bought.status == "FILLED"
        stop = client.new_algo_order(
            algo_type="CONDITIONAL", **side, side="SELL", type="STOP_MARKET", trigger_price=99, close_position="true"
        ).data()
        assert client.query_algo_order(algo_id=stop.algo_id).data().algo_status == "NEW"
        assert client.cancel_algo_order(algo_id=stop.algo_id).data().code == "200"
        assert [row.position_amt for row in client.position_information_v3().data()] == ["1.000"]

    await asyncio.to_thread(session)
