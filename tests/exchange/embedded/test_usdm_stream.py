"""The private stream of USD-M: its doors, its keys, what goes wrong with both."""

from __future__ import annotations

import pytest

from tests.exchange.binance.account_venue import until
from tests.exchange.embedded.usdm_traders import BOTH, FuturesClient, events, limit, market, ours, raw
from tests.exchange.embedded.wires import control, receive, silent
from trader.core.account import OrderUpdate, StreamBack
from trader.core.order import Side

FORMS = (
    "/private/ws/{key}",
    "/private/ws?listenKey={key}",
    "/private/stream?streams={key}",
    "/private/stream?listenKey={key}",
)


async def key_of(client: FuturesClient) -> str:
    key: str = (await client.send("POST", "/fapi/v1/listenKey", "")).body["listenKey"]
    return key


@pytest.mark.parametrize("form", FORMS)
async def test_every_door_tells_of_orders(form: str) -> None:
    async with raw() as (_, client):
        socket = await client.listen(form)
        await client.order("BUY", "MARKET", quantity="1")
        kinds = [event["e"] for event in await events(socket)]
        assert kinds == ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]


async def test_only_the_events_that_are_named_come() -> None:
    async with raw() as (_, client):
        socket = await client.listen("/private/ws?listenKey={key}&events=ACCOUNT_UPDATE")
        await client.order("BUY", "MARKET", quantity="1")
        assert [event["e"] for event in await events(socket)] == ["ACCOUNT_UPDATE"]


async def test_an_unknown_key_is_silence() -> None:
    async with raw() as (_, client):
        socket = await client.listen(key="nothing")
        await client.order("BUY", "MARKET", quantity="1")
        assert await events(socket) == []


async def test_a_key_stands_until_it_is_ended() -> None:
    async with raw() as (_, client):
        key = await key_of(client)
        assert await key_of(client) == key
        assert (await client.send("PUT", "/fapi/v1/listenKey", f"listenKey={key}")).body == {"listenKey": key}
        socket = await client.listen(key=key)
        assert (await client.send("DELETE", "/fapi/v1/listenKey", "")).status == 200
        assert [event["e"] for event in await events(socket)] == ["listenKeyExpired"]
        assert (await client.send("PUT", "/fapi/v1/listenKey", "")).code == -1125
        assert await key_of(client) != key


async def test_an_expired_key_leaves_its_socket_open_and_silent() -> None:
    async with raw(listen_key_s=0.05) as (_, client):
        key = await key_of(client)
        socket = await client.listen(key=key)
        told = await receive(socket)
        assert (told["e"], told["listenKey"]) == ("listenKeyExpired", key)
        await client.order("BUY", "MARKET", quantity="1")
        assert await silent(socket)
        assert not socket.closed


async def test_our_stream_makes_a_new_key_when_the_old_one_expires() -> None:
    async with ours() as desk:
        (told,) = desk.told(StreamBack)
        assert told.gap
        wish = {"do": "expire_key", "market": "futures"}
        async with desk.exchange_session() as session:
            assert await control(session, "stranger", **wish) == {"expired": True}
        await until(lambda: len(desk.told(StreamBack)) == 2)
        assert desk.told(StreamBack)[1].gap
        await desk.rest.place(market(Side.BUY, "1", BOTH))
        await until(lambda: any(each.executions for each in desk.told(OrderUpdate)))


async def test_a_subscription_may_die_while_its_socket_lives() -> None:
    async with raw() as (_, client):
        socket = await client.listen()
        await control(client.session, "fault", kind="subscription", amount=0)
        await client.order("BUY", "MARKET", quantity="1")
        assert await events(socket) == []
        assert await key_of(client)


async def test_events_may_be_lost_doubled_and_swapped() -> None:
    async with raw() as (_, client):
        socket = await client.listen("/private/ws?listenKey={key}&events=ORDER_TRADE_UPDATE")
        wish = {"timeInForce": "GTC", "quantity": "1"}
        for kind, price in (("event_lost", "99"), ("event_twice", "98"), ("event_swap", "97")):
            await control(client.session, "fault", kind=kind, stream="ORDER_TRADE_UPDATE", amount=5)
            await client.order("BUY", "LIMIT", price=price, **wish)
        await client.order("BUY", "LIMIT", price="96", **wish)
        assert [event["o"]["p"] for event in await events(socket)] == ["98.00", "98.00", "96.00", "97.00"]


async def test_a_stranger_trades_on_the_account_too() -> None:
    async with ours() as desk:
        await desk.prepared()
        await desk.rest.place(market(Side.BUY, "1"))
        await desk.rest.place(limit(Side.SELL, "1", "105"))
        async with desk.exchange_session() as session:
            wish = {"market": "futures", "symbol": "BTCUSDT"}
            order = {"side": "SELL", "type": "MARKET", "quantity": "0.5", "positionSide": "LONG"}
            assert (await control(session, "stranger", **wish, **order))["status"] == "FILLED"
            await control(session, "stranger", **wish, do="close")
        await until(lambda: sum(each.client_id.startswith("web_") for each in desk.told(OrderUpdate)) == 4)
        assert await desk.account.positions() == []
        assert await desk.rest.open_orders() == []


async def test_the_judge_sees_everything() -> None:
    async with raw((100.0, 100.1, 98.0, 99.0)) as (_, client):
        await client.prepared()
        await client.order("BUY", "MARKET", quantity="1", positionSide="LONG")
        await client.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="99", positionSide="LONG")
        async with client.session.get("/control/ledger") as answer:
            (first, _) = (await answer.json())["accounts"]
        seen = first["markets"]["futures"]
        assert seen["hedge"]
        assert [len(seen[name]) for name in ("positions", "orders", "algos", "trades")] == [1, 1, 1, 1]
        assert [row["incomeType"] for row in seen["income"]] == ["COMMISSION"]
        assert [each["event"]["e"] for each in seen["events"]][-1] == "ALGO_UPDATE"
