"""The WebSocket API of spot: requests, sessions, and the events of accounts."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.exchange.embedded.conftest import PLAY_MS, Connect, Opener
from tests.exchange.embedded.traders import ED_KEY, KEY, Client, Desk, market, pass_minutes, signature, trading
from tests.exchange.embedded.wires import control, ended, receive, silent
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.options import Limits, PerMarket

PATH = "/ws-api/v3"
Socket = aiohttp.ClientWebSocketResponse


def signed(key: str = KEY, **params: Any) -> dict[str, Any]:
    """Return parameters with key, time and signature."""
    whole = params | {"apiKey": key, "timestamp": int(time.time() * 1000)}
    return whole | {"signature": signature(urlencode(sorted(whole.items())), key)}


async def ask(socket: Socket, method: str, **params: Any) -> Any:
    """Send a request and return its reply, passing over events."""
    await socket.send_json({"id": method, "method": method, "params": params})
    while True:
        message = await receive(socket)
        if message.get("id") == method:
            return message


async def subscribed(client: Client, key: str = KEY) -> Socket:
    """Return a socket that hears an account."""
    socket = await client.session.ws_connect(PATH)
    reply = await ask(socket, "userDataStream.subscribe.signature", **signed(key))
    assert reply["result"] == {"subscriptionId": 0}
    return socket


async def events(socket: Socket, count: int) -> list[dict[str, Any]]:
    """Return the next events of a subscription."""
    found = []
    while len(found) < count:
        message = await receive(socket)
        if "event" in message:
            found.append(message["event"])
    return found


async def test_a_market_order_tells_of_itself_its_fill_and_the_balances(desk: Desk) -> None:
    _, client = await desk()
    socket = await subscribed(client)
    body = (await client.order("BUY", "MARKET", quantity="1", newClientOrderId="mine")).body
    new, trade, position = await events(socket, 3)
    assert (new["x"], new["X"], new["c"], new["i"]) == ("NEW", "NEW", "mine", body["orderId"])
    assert (trade["x"], trade["X"], trade["l"], trade["L"]) == ("TRADE", "FILLED", "1.00000000", "100.02000000")
    assert (trade["n"], trade["N"], trade["m"]) == ("0.00100000", "BTC", False)
    assert (trade["T"], trade["t"]) == (PLAY_MS, body["fills"][0]["tradeId"])
    assert position["B"] == [
        {"a": "USDT", "f": "9899.98000000", "l": "0.00000000"},
        {"a": "BTC", "f": "10.99900000", "l": "0.00000000"},
    ]


async def test_a_cancel_tells_both_ids(desk: Desk) -> None:
    _, client = await desk()
    socket = await subscribed(client)
    await client.order("BUY", "LIMIT", timeInForce="GTC", quantity="1", price="99", newClientOrderId="mine")
    await client.ask("DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="end")
    _, locked, cancelled, freed = await events(socket, 4)
    assert (cancelled["x"], cancelled["c"], cancelled["C"], cancelled["w"]) == ("CANCELED", "end", "mine", False)
    assert [each["B"][0]["l"] for each in (locked, freed)] == ["99.00000000", "0.00000000"]


async def test_a_list_tells_how_it_stands(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 97.0, 98.0))
    socket = await subscribed(client)
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": "102", "belowType": "STOP_LOSS", "belowStopPrice": "98"}
    await client.ask("POST", "orderList/oco", symbol="BTCUSDT", side="SELL", quantity="1", **legs)
    placed = await events(socket, 4)
    assert [event["e"] for event in placed] == ["listStatus", *["executionReport"] * 2, "outboundAccountPosition"]
    assert (placed[0]["l"], placed[0]["L"], placed[0]["c"]) == ("EXEC_STARTED", "EXECUTING", "OCO")
    pass_minutes(exchange, 1)
    expired, trade, done, _ = await events(socket, 4)
    assert (expired["x"], trade["x"], trade["T"]) == ("EXPIRED", "TRADE", PLAY_MS + MINUTE_MS)
    assert (done["e"], done["l"], done["L"]) == ("listStatus", "ALL_DONE", "ALL_DONE")
    assert all(event["g"] == done["g"] for event in (expired, trade))


async def test_a_subscription_hears_its_own_account(opened: Opener, session: Connect) -> None:
    exchange = await opened(market(), trading=trading())
    client = Client(session(exchange))
    own, other = await subscribed(client), await subscribed(client, ED_KEY)
    await client.order("BUY", "MARKET", quantity="1")
    assert len(await events(own, 3)) == 3
    assert await silent(other)


async def test_a_connection_subscribes_to_an_account_once(desk: Desk) -> None:
    _, client = await desk()
    socket = await subscribed(client)
    again = await ask(socket, "userDataStream.subscribe.signature", **signed())
    assert (again["status"], again["error"]["code"]) == (400, -2035)
    both = await ask(socket, "userDataStream.subscribe.signature", **signed(ED_KEY))
    assert both["result"] == {"subscriptionId": 1}
    assert (await ask(socket, "session.subscriptions"))["result"] == [{"subscriptionId": 0}, {"subscriptionId": 1}]
    assert (await ask(socket, "userDataStream.unsubscribe", subscriptionId=0))["status"] == 200
    await client.order("BUY", "MARKET", quantity="1")
    assert await silent(socket)
    assert (await ask(socket, "userDataStream.unsubscribe", subscriptionId=0))["error"]["code"] == -2036


async def test_a_subscription_dies_with_its_socket(desk: Desk) -> None:
    _, client = await desk()
    socket = await subscribed(client)
    await control(client.session, "fault", kind="drop")
    await ended(socket)
    fresh = await client.session.ws_connect(PATH)
    await client.order("BUY", "MARKET", quantity="1")
    assert await silent(fresh)
    assert (await ask(fresh, "session.subscriptions"))["result"] == []


async def test_a_session_is_for_ed25519_keys(desk: Desk) -> None:
    _, client = await desk()
    socket = await client.session.ws_connect(PATH)
    assert (await ask(socket, "userDataStream.subscribe"))["error"]["code"] == -1002
    refused = await ask(socket, "session.logon", **signed(KEY))
    assert refused["error"] == {"code": -4056, "msg": "HMAC_SHA256 API key is not supported."}
    status = (await ask(socket, "session.logon", **signed(ED_KEY)))["result"]
    assert (status["apiKey"], status["userDataStream"]) == (ED_KEY, False)
    assert (await ask(socket, "userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
    assert (await ask(socket, "session.status"))["result"]["userDataStream"]
    now = int(time.time() * 1000)
    assert (await ask(socket, "account.status", timestamp=now))["result"]["uid"] == 10_002
    assert (await ask(socket, "account.status"))["error"]["code"] == -1102
    assert (await ask(socket, "session.logout"))["result"]["apiKey"] is None
    assert (await ask(socket, "account.status", timestamp=now))["error"]["code"] == -2014


async def test_orders_are_placed_seen_and_cancelled(desk: Desk) -> None:
    _, client = await desk()
    socket = await client.session.ws_connect(PATH)
    wish = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 1, "price": "99"}
    placed = await ask(socket, "order.place", **signed(**wish))
    order_id = placed["result"]["orderId"]
    assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
    assert placed["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
    named = signed(symbol="BTCUSDT", orderId=order_id)
    assert (await ask(socket, "order.status", **named))["result"]["orderId"] == order_id
    assert len((await ask(socket, "openOrders.status", **signed()))["result"]) == 1
    assert (await ask(socket, "order.cancel", **named))["result"]["status"] == "CANCELED"
    unknown = await ask(socket, "order.cancel", **named)
    assert (unknown["status"], unknown["error"]) == (400, {"code": -2011, "msg": "Unknown order sent."})


@pytest.mark.parametrize(
    ("text", "code"), [("{", -1135), ('{"id": 1}', -1135), ('{"id": 1, "method": "order.hope"}', -1020)]
)
async def test_nonsense_is_refused(desk: Desk, text: str, code: int) -> None:
    _, client = await desk()
    socket = await client.session.ws_connect(PATH)
    await socket.send_str(text)
    assert (await receive(socket))["error"]["code"] == code


async def test_public_methods_need_no_key(desk: Desk) -> None:
    _, client = await desk()
    socket = await client.session.ws_connect(PATH)
    assert (await ask(socket, "ping"))["result"] == {}
    assert abs((await ask(socket, "time"))["result"]["serverTime"] - time.time() * 1000) < 5_000
    assert (await ask(socket, "ticker.price", symbol="BTCUSDT"))["result"]["price"] == "100.00000000"
    assert len((await ask(socket, "klines", symbol="BTCUSDT", interval="1m", limit=3))["result"]) == 3
    assert (await ask(socket, "ticker.price", symbol="NO"))["error"]["code"] == -1121


async def test_a_connection_is_pinged_warned_and_ended(desk: Desk) -> None:
    limits = Limits(ping_s=PerMarket(0.05, 1.0), life_s=0.4, notice_s=0.2)
    _, client = await desk(plan={"limits": limits})
    socket = await client.session.ws_connect(PATH, autoping=False)
    assert (await socket.receive()).type is aiohttp.WSMsgType.PING
    while (message := await socket.receive()).type is aiohttp.WSMsgType.PING:
        await socket.pong(message.data)
    assert message.json()["event"]["e"] == "serverShutdown"


async def test_deposits_are_told(desk: Desk) -> None:
    _, client = await desk()
    socket = await subscribed(client)
    await control(client.session, "stranger", do="deposit", asset="USDT", amount="-5")
    update, position = await events(socket, 2)
    assert (update["e"], update["a"], update["d"]) == ("balanceUpdate", "USDT", "-5.00000000")
    assert position["B"][0]["f"] == "9995.00000000"
