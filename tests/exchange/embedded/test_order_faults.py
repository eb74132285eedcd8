"""What goes wrong around orders on purpose: what was done, what the client is told, what the judge sees."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import aiohttp
import pytest

from tests.exchange.embedded.test_spot_socket_api import events, subscribed
from tests.exchange.embedded.traders import Answer, Client, Desk, pass_minutes
from tests.exchange.embedded.wires import control, ended, get, receive, silent
from trader.exchange.embedded.faults import parse_fault

WISH = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "99"}


async def place(client: Client, id: str = "one") -> Answer:
    return await client.ask("POST", "order", symbol="BTCUSDT", newClientOrderId=id, **WISH)


async def known(client: Client, id: str = "one") -> bool:
    return (await client.ask("GET", "order", symbol="BTCUSDT", origClientOrderId=id)).status == 200


async def strike(client: Client, kind: str, **wish: Any) -> None:
    assert await control(client.session, "fault", kind=kind, **wish) == {"armed": kind}


@pytest.mark.parametrize(("kind", "done"), [("timeout_after", True), ("timeout_before", False), ("answer_lost", True)])
async def test_no_answer_says_nothing_about_the_order(desk: Desk, kind: str, done: bool) -> None:
    exchange, client = await desk()
    socket = await subscribed(client)
    await strike(client, kind, amount=0.1)
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await place(client)
    assert await known(client) is done
    if done:
        assert (await events(socket, 1))[0]["c"] == "one"
    else:
        assert await silent(socket)
    assert exchange.state()["faults"]["counts"] == {kind: 1}


@pytest.mark.parametrize(
    ("kind", "status", "code", "word"),
    [
        ("503_unknown", 503, -1000, "Unknown error"),
        ("-1006", 500, -1006, "Execution status unknown"),
        ("-1007", 504, -1007, "Send status unknown"),
    ],
)
@pytest.mark.parametrize("done", [True, False])
async def test_an_open_outcome_is_either(desk: Desk, kind: str, status: int, code: int, word: str, done: bool) -> None:
    _, client = await desk()
    await strike(client, kind, amount=1.0 if done else 0.0)
    answer = await place(client)
    assert (answer.status, answer.code) == (status, code)
    assert word in answer.body["msg"]
    assert await known(client) is done


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("503_unavailable", 503, -1000), ("503_internal", 503, -1001), ("-1008", 503, -1008), ("-1021", 400, -1021)],
)
async def test_a_failure_did_nothing(desk: Desk, kind: str, status: int, code: int) -> None:
    _, client = await desk()
    await strike(client, kind)
    answer = await place(client)
    assert (answer.status, answer.code) == (status, code)
    assert not await known(client)
    assert (await place(client)).status == 200


async def test_the_event_can_come_before_the_answer(desk: Desk) -> None:
    _, client = await desk()
    socket = await subscribed(client)
    await strike(client, "answer_late", amount=0.2)
    began = time.monotonic()
    answer = await place(client)
    assert time.monotonic() - began >= 0.2
    assert (await receive(socket))["event"]["i"] == answer.body["orderId"]


async def test_faults_of_orders_spare_queries(desk: Desk) -> None:
    exchange, client = await desk(plan={"faults": (parse_fault("503_unavailable=1"),)})
    assert (await client.ask("GET", "account")).status == 200
    assert (await place(client)).status == 503
    assert exchange.state()["faults"]["counts"] == {"503_unavailable": 1}


async def test_the_socket_api_meets_them_too(desk: Desk) -> None:
    _, client = await desk()
    socket = await subscribed(client)
    await strike(client, "answer_lost")
    await socket.send_json({"id": 1, "method": "order.cancel", "params": {}})
    await ended(socket)


REPORT, POSITION = "executionReport", "outboundAccountPosition"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("event_lost", [POSITION, REPORT, POSITION]),
        ("event_twice", [REPORT, REPORT, POSITION, REPORT, POSITION]),
        ("event_swap", [POSITION, REPORT, REPORT, POSITION]),
        ("event_late", [POSITION, REPORT, POSITION, REPORT]),
    ],
)
async def test_events_are_lost_doubled_swapped_and_delayed(desk: Desk, kind: str, told: list[str]) -> None:
    _, client = await desk()
    socket = await subscribed(client)
    await strike(client, kind, stream=REPORT, amount=0.2)
    await place(client, "a")
    await place(client, "b")
    assert [event["e"] for event in await events(socket, len(told))] == told


@pytest.mark.parametrize("told", [0, 1])
async def test_a_subscription_can_die_while_its_socket_lives(desk: Desk, told: int) -> None:
    _, client = await desk()
    socket = await subscribed(client)
    await strike(client, "subscription", amount=told)
    await place(client)
    if told:
        assert (await receive(socket))["event"]["e"] == "eventStreamTerminated"
    assert await silent(socket)
    await socket.send_json({"id": 1, "method": "session.subscriptions"})
    assert (await receive(socket))["result"] == []


async def test_a_market_order_can_fill_in_parts(desk: Desk) -> None:
    _, client = await desk()
    await strike(client, "partial", amount=3)
    body = (await client.order("BUY", "MARKET", quantity="1")).body
    assert [fill["qty"] for fill in body["fills"]] == ["0.33300000", "0.33300000", "0.33400000"]
    assert body["status"] == "FILLED"


async def test_a_market_order_can_find_too_little(desk: Desk) -> None:
    _, client = await desk()
    await strike(client, "partial", amount=0.4)
    body = (await client.order("BUY", "MARKET", quantity="1")).body
    assert (body["status"], body["executedQty"]) == ("EXPIRED", "0.40000000")


async def test_a_limit_can_fill_partly_and_wait_for_the_rest(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 98.0, 99.5), (99.5, 99.6, 98.5, 99.5))
    await place(client)
    await strike(client, "partial", amount=4)
    pass_minutes(exchange, 1)
    (order,) = (await client.ask("GET", "openOrders")).body
    assert (order["status"], order["executedQty"]) == ("PARTIALLY_FILLED", "0.25000000")
    assert (await client.balances())["USDT"][1] == 74.25
    pass_minutes(exchange, 1)
    assert (await client.ask("GET", "openOrders")).body == []


async def test_stops_can_be_rejected(desk: Desk) -> None:
    _, client = await desk()
    stop = {"side": "SELL", "type": "STOP_LOSS", "quantity": "1", "stopPrice": "98", "symbol": "BTCUSDT"}
    await strike(client, "stop_rejected", count=2)
    for _ in range(2):
        assert (await client.ask("POST", "order", **stop)).code == -2010
    assert (await client.ask("POST", "order", **stop)).status == 200
    await strike(client, "stop_rejected")
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": "102", "belowType": "STOP_LOSS", "belowStopPrice": "98"}
    answer = await client.ask("POST", "orderList/oco", symbol="BTCUSDT", side="SELL", quantity="1", **legs)
    assert answer.body == {"code": -2010, "msg": "Stop price would trigger immediately."}


async def test_a_new_order_can_be_unknown_to_queries_for_a_while(desk: Desk) -> None:
    _, client = await desk()
    await strike(client, "read_lag", amount=0.3)
    await place(client)
    assert not await known(client)
    assert (await client.ask("GET", "openOrders")).body == []
    await asyncio.sleep(0.35)
    assert await known(client)
    assert len((await client.ask("GET", "openOrders")).body) == 1


async def test_a_restart_cuts_everybody_off_and_forgets_nothing(desk: Desk) -> None:
    _, client = await desk()
    socket = await subscribed(client)
    await place(client)
    assert await control(client.session, "restart", seconds=0.3) == {"dropped": 1, "seconds": 0.3}
    await ended(socket)
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await known(client)
    assert (await get(client.session, "/control/state"))[0] == 200
    for _ in range(100):
        try:
            assert await known(client)
            return
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            await asyncio.sleep(0.02)
    pytest.fail("the exchange did not come back")


async def test_a_stranger_trades_by_hand(desk: Desk) -> None:
    _, client = await desk()
    await place(client)
    wish = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": 105}
    placed = await control(client.session, "stranger", **wish)
    assert placed["clientOrderId"].startswith("web_")
    gone = await control(client.session, "stranger", do="cancel", orderId=placed["orderId"])
    assert gone["status"] == "CANCELED"
    closed = await control(client.session, "stranger", do="close", symbol="BTCUSDT")
    assert (closed["status"], closed["executedQty"]) == ("FILLED", "10.00000000")
    assert (await client.ask("GET", "openOrders")).body == []
    refused = await control(client.session, "stranger", **wish | {"price": 1})
    assert "Filter failure" in refused["error"]


async def test_the_judge_sees_everything_as_it_was(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 98.0, 99.0), plan={"faults": (parse_fault("event_lost=1"),)})
    socket = await subscribed(client)
    await place(client)
    pass_minutes(exchange, 1)
    assert await silent(socket)
    _, seen, _ = await get(client.session, "/control/ledger", key="key-of-a-test")
    (account,) = seen["accounts"]
    spot = account["markets"]["spot"]
    assert spot["began"] == {"USDT": "10000.00000000", "BTC": "10.00000000"}
    assert spot["balances"]["BTC"]["free"] == "10.99900000"
    assert [order["status"] for order in spot["orders"]] == ["FILLED"]
    assert [trade["price"] for trade in spot["trades"]] == ["99.00000000"]
    kinds = Counter(record["event"]["e"] for record in spot["events"])
    assert kinds == {"executionReport": 2, "outboundAccountPosition": 2}
    assert [record["number"] for record in spot["events"]] == [0, 1, 2, 3]


async def test_equal_seeds_make_equal_faults(desk: Desk) -> None:
    async def outcomes(seed: int) -> list[int]:
        faults = (parse_fault("503_unavailable=0.3"), parse_fault("-1008=0.2"))
        _, client = await desk(balances="USDT=100000", plan={"faults": faults, "fault_seed": seed})
        answers = [await client.order("BUY", "MARKET", quantity="0.1") for _ in range(30)]
        return [answer.body.get("code", 0) for answer in answers]

    first, again, other = [await outcomes(seed) for seed in (3, 3, 4)]
    assert first == again != other
    assert {-1000, -1008, 0} == set(first)
