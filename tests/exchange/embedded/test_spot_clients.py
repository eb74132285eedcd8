"""Whole trading sessions on spot with clients that others made, unchanged but for their addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.async_support
import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_spot.rest_api.rest_api import SpotRestAPI

from tests.exchange.embedded.conftest import Opener
from tests.exchange.embedded.test_ccxt import pointed
from tests.exchange.embedded.traders import ED_KEY, KEY, PRIVATE, SECRET, market, pass_minutes, trading
from trader.exchange.embedded.app import EmbeddedExchange

BARS = ((100.0, 100.1, 98.5, 99.5), (99.5, 102.5, 99.0, 102.0))
SYMBOL = "BTCUSDT"


@pytest.fixture
async def exchange(opened: Opener) -> EmbeddedExchange:
    return await opened(market(*BARS), trading=trading())


Maker = Callable[..., Any]


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

    async def create(*args: Any, **options: Any) -> AsyncClient:
        made.append(await Pointed.create(*args, **options))
        made[-1].ws_api.TIMEOUT = 1  # it waits so long for a last message when it is closed
        return made[-1]

    yield create
    for client in made:
        await client.close_connection()


async def test_python_binance_trades_a_session(exchange: EmbeddedExchange, make: Maker) -> None:
    client = await make(KEY, SECRET)
    manager = BinanceSocketManager(client, max_queue_size=1_000)
    async with manager.user_socket() as user:
        bought = await client.order_market_buy(symbol=SYMBOL, quantity="2")
        assert bought["status"] == "FILLED"
        resting = await client.order_limit_buy(symbol=SYMBOL, quantity="1", price="99")
        legs = {"aboveType": "LIMIT_MAKER", "abovePrice": "102", "belowType": "STOP_LOSS", "belowStopPrice": "97"}
        listed = await client.create_oco_order(symbol=SYMBOL, side="SELL", quantity="1.5", **legs)
        assert len(await client.get_open_orders(symbol=SYMBOL)) == 3
        pass_minutes(exchange, 2)
        assert (await client.get_order(symbol=SYMBOL, orderId=resting["orderId"]))["status"] == "FILLED"
        assert await client.get_open_orders() == []
        assert (await client.get_asset_balance("BTC"))["locked"] == "0.00000000"
        trades = await client.get_my_trades(symbol=SYMBOL)
        assert [trade["price"] for trade in trades] == ["100.02000000", "99.00000000", "102.00000000"]
        reports = [await user.recv() for _ in range(12)]
    assert {event["e"] for event in reports} == {"executionReport", "outboundAccountPosition", "listStatus"}
    assert listed["orderListId"] == reports[5]["g"]


async def test_python_binance_asks_changes_and_cancels(make: Maker) -> None:
    client = await make(KEY, SECRET)
    wish = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "98"}
    assert await client.create_test_order(**wish) == {}
    order = await client.create_order(**wish, newClientOrderId="mine-1")
    with pytest.raises(BinanceAPIException) as refused:
        await client.create_order(**wish, newClientOrderId="mine-1")
    assert (refused.value.code, refused.value.message) == (-2010, "Duplicate order sent.")
    replaced = await client.cancel_replace_order(
        **wish, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=order["orderId"]
    )
    assert replaced["newOrderResponse"]["status"] == "NEW"
    cancelled = await client.cancel_order(symbol=SYMBOL, orderId=replaced["newOrderResponse"]["orderId"])
    assert cancelled["status"] == "CANCELED"
    assert [row["status"] for row in await client.get_all_orders(symbol=SYMBOL)] == ["CANCELED", "CANCELED"]
    assert (await client.get_account())["permissions"] == ["SPOT"]
    assert len(await client.get_current_order_count()) == 2
    with pytest.raises(BinanceAPIException, match="Unknown order"):
        await client.cancel_order(symbol=SYMBOL, orderId=order["orderId"])


async def test_python_binance_signs_with_ed25519(make: Maker) -> None:
    client = await make(ED_KEY, private_key=PRIVATE.export_key(format="PEM"))
    assert (await client.order_market_buy(symbol=SYMBOL, quantity="1"))["status"] == "FILLED"
    resting = await client.order_limit_buy(symbol=SYMBOL, quantity="1", price="95")
    assert (await client.cancel_order(symbol=SYMBOL, orderId=resting["orderId"]))["status"] == "CANCELED"


async def test_python_binance_trades_by_the_socket_api(make: Maker) -> None:
    client = await make(KEY, SECRET)
    wish = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "98"}
    order = await client.ws_create_order(**wish)
    assert (await client.ws_get_order(symbol=SYMBOL, orderId=order["orderId"]))["status"] == "NEW"
    assert (await client.ws_cancel_order(symbol=SYMBOL, orderId=order["orderId"]))["status"] == "CANCELED"


async def test_ccxt_trades_a_session(exchange: EmbeddedExchange) -> None:
    client = pointed(ccxt.async_support.binance({"apiKey": KEY, "secret": SECRET}), exchange.base_url)
    try:
        await ccxt_session(client, exchange)
    finally:
        await client.close()


async def ccxt_session(client: Any, exchange: EmbeddedExchange) -> None:
    bought = await client.create_order("BTC/USDT", "market", "buy", 2)
    assert (bought["status"], bought["filled"]) == ("closed", 2)
    resting = await client.create_order("BTC/USDT", "limit", "buy", 1, 99)
    stop = await client.create_order("BTC/USDT", "market", "sell", 1, None, {"stopLossPrice": 97})
    assert {order["id"] for order in await client.fetch_open_orders("BTC/USDT")} == {resting["id"], stop["id"]}
    pass_minutes(exchange, 1)
    assert (await client.fetch_order(resting["id"], "BTC/USDT"))["status"] == "closed"
    await client.cancel_order(stop["id"], "BTC/USDT")
    assert await client.fetch_open_orders("BTC/USDT") == []
    assert [trade["price"] for trade in await client.fetch_my_trades("BTC/USDT")] == [100.02, 99]
    balance = await client.fetch_balance()
    assert balance["BTC"]["free"] == pytest.approx(12.997)
    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order("BTC/USDT", "limit", "buy", 500, 99)
    with pytest.raises(ccxt.OrderNotFound):
        await client.cancel_order(stop["id"], "BTC/USDT")


async def test_the_official_client_trades_a_session(exchange: EmbeddedExchange) -> None:
    def session() -> None:
        configuration = ConfigurationRestAPI(api_key=KEY, api_secret=SECRET, base_path=exchange.base_url, retries=0)
        client = SpotRestAPI(configuration)
        bought = client.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=2).data()
        assert bought.status == "FILLED"
        resting = client.new_order(
            symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=1, price=95
        ).data()
        assert client.get_order(symbol=SYMBOL, order_id=resting.order_id).data().status == "NEW"
        assert client.delete_order(symbol=SYMBOL, order_id=resting.order_id).data().status == "CANCELED"
        account = client.get_account().data()
        assert {Decimal(row.free) for row in account.balances if row.asset == "BTC"} == {Decimal("11.998")}

    await asyncio.to_thread(session)
