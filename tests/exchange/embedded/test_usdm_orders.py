"""Orders on USD-M: how each kind fills, waits, triggers and ends, and what it does to the position."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.exchange.embedded.traders import pass_minutes
from tests.exchange.embedded.usdm_traders import FuturesClient, events, raw
from tests.exchange.embedded.wires import control

D = Decimal
GTC = {"timeInForce": "GTC"}


async def order_of(client: FuturesClient, order_id: int) -> dict[str, Any]:
    body: dict[str, Any] = (await client.ask("GET", "order", symbol="BTCUSDT", orderId=order_id)).body
    return body


async def algo_of(client: FuturesClient, algo_id: int) -> dict[str, Any]:
    body: dict[str, Any] = (await client.ask("GET", "algoOrder", algoId=algo_id)).body
    return body


async def test_a_market_order_fills_at_the_next_open_and_half_the_spread() -> None:
    async with raw((101.0, 101.5, 100.5, 101.2)) as (_, client):
        await client.prepared(hedge=False)
        answer = (await client.order("BUY", "MARKET", quantity="2", newOrderRespType="RESULT")).body
        assert (answer["status"], answer["executedQty"]) == ("FILLED", "2.000")
        assert not {"avgPrice", "cumQuote"} & set(answer)
        asked = await order_of(client, answer["orderId"])
        assert (asked["avgPrice"], asked["cumQuote"]) == ("101.0202", "202.04040000")
        (trade,) = await client.trades()
        assert (trade["commission"], trade["realizedPnl"], trade["maker"]) == ("0.10102020", "0.00000000", False)
        (held,) = await client.positions()
        assert (held["positionSide"], held["positionAmt"], held["isolatedWallet"]) == ("BOTH", "2.000", "20.20404000")
        assert await client.wallet() == D("10000") - D("0.10102020")


async def test_an_acknowledgement_tells_nothing_of_fills() -> None:
    async with raw() as (_, client):
        answer = (await client.order("BUY", "MARKET", quantity="1")).body
        assert (answer["status"], answer["executedQty"]) == ("NEW", "0.000")


async def test_in_one_way_mode_an_order_may_turn_the_position() -> None:
    async with raw((100.0, 102.0, 100.0, 102.0)) as (exchange, client):
        await client.prepared(hedge=False)
        await client.order("BUY", "MARKET", quantity="1")
        pass_minutes(exchange, 0.99)
        await client.order("SELL", "MARKET", quantity="3")
        (held,) = await client.positions()
        assert held["positionAmt"] == "-2.000"
        gained = [D(trade["realizedPnl"]) for trade in await client.trades()]
        assert gained[0] == 0
        assert gained[1] > 0


async def test_a_reduce_only_order_is_cut_to_the_position() -> None:
    async with raw() as (_, client):
        await client.prepared(hedge=False)
        refused = await client.order("SELL", "MARKET", quantity="1", reduceOnly="true")
        assert refused.body == {"code": -2022, "msg": "ReduceOnly Order is rejected."}
        await client.order("BUY", "MARKET", quantity="1")
        answer = await client.order("SELL", "MARKET", quantity="3", reduceOnly="true", newOrderRespType="RESULT")
        assert (answer.body["origQty"], answer.body["status"]) == ("1.000", "FILLED")
        assert await client.positions() == []


async def test_a_limit_waits_and_fills_at_its_price_as_a_maker() -> None:
    async with raw((100.0, 100.1, 98.0, 99.0)) as (exchange, client):
        await client.prepared()
        answer = await client.order("BUY", "LIMIT", quantity="1", price="99", positionSide="LONG", **GTC)
        assert answer.body["status"] == "NEW"
        rows = (await client.ask("GET", "v3/account")).body["assets"]
        assert rows[0]["openOrderInitialMargin"] == "9.94950000"
        pass_minutes(exchange, 1)
        (trade,) = await client.trades()
        assert (trade["price"], trade["maker"], trade["commission"]) == ("99.00", True, "0.01980000")


@pytest.mark.parametrize(("kind", "code"), [("FOK", -5021), ("GTX", None)])
async def test_a_limit_that_cannot_fill_now(kind: str, code: int | None) -> None:
    async with raw() as (_, client):
        answer = await client.order("BUY", "LIMIT", quantity="1", price="99", timeInForce=kind)
        assert answer.body.get("code") == code


async def test_an_ioc_limit_that_finds_nothing_expires() -> None:
    async with raw() as (_, client):
        answer = await client.order(
            "BUY", "LIMIT", quantity="1", price="99", timeInForce="IOC", newOrderRespType="RESULT"
        )
        assert answer.body["status"] == "EXPIRED"


async def test_a_post_only_limit_across_the_price_is_refused() -> None:
    async with raw() as (_, client):
        assert (await client.order("BUY", "LIMIT", quantity="1", price="101", timeInForce="GTX")).code == -5022


async def test_a_limit_can_be_modified_and_loses_its_place() -> None:
    async with raw((100.0, 100.1, 98.5, 99.0)) as (exchange, client):
        socket = await client.listen()
        placed = await client.order("BUY", "LIMIT", quantity="1", price="99", **GTC)
        wish = {"symbol": "BTCUSDT", "side": "BUY", "orderId": placed.body["orderId"]}
        changed = await client.ask("PUT", "order", **wish, quantity="2", price="98")
        assert (changed.body["price"], changed.body["origQty"]) == ("98.00", "2.000")
        again = await client.ask("PUT", "order", **wish, quantity="2", price="98")
        assert again.code == -5027
        pass_minutes(exchange, 1)
        assert (await order_of(client, placed.body["orderId"]))["status"] == "NEW"
        assert [event["o"]["x"] for event in await events(socket)] == ["NEW", "AMENDMENT"]


async def test_cancelling_ends_plain_orders_and_leaves_stops() -> None:
    async with raw() as (_, client):
        await client.prepared()
        await client.order("BUY", "MARKET", quantity="1", positionSide="LONG")
        await client.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="99", positionSide="LONG")
        placed = await client.order("BUY", "LIMIT", quantity="1", price="99", positionSide="LONG", **GTC)
        await client.order("BUY", "LIMIT", quantity="1", price="98", positionSide="LONG", **GTC)
        gone = await client.ask("DELETE", "order", symbol="BTCUSDT", orderId=placed.body["orderId"])
        assert gone.body["status"] == "CANCELED"
        again = await client.ask("DELETE", "order", symbol="BTCUSDT", orderId=placed.body["orderId"])
        assert again.body == {"code": -2011, "msg": "Unknown order sent."}
        assert (await client.ask("DELETE", "allOpenOrders", symbol="BTCUSDT")).body["code"] == 200
        assert (await client.ask("GET", "openOrders")).body == []
        assert len((await client.ask("GET", "openAlgoOrders")).body) == 1
        await client.ask("DELETE", "algoOpenOrders", symbol="BTCUSDT")
        assert (await client.ask("GET", "openAlgoOrders")).body == []


@pytest.mark.parametrize(
    ("side", "type", "trigger", "price"),
    [
        ("SELL", "STOP_MARKET", "99", "98.9802"),
        ("SELL", "TAKE_PROFIT_MARKET", "101", "100.9798"),
        ("BUY", "STOP_MARKET", "101", "101.0202"),
        ("BUY", "TAKE_PROFIT_MARKET", "99", "99.0198"),
    ],
)
async def test_each_conditional_order_triggers_on_its_own_side(side: str, type: str, trigger: str, price: str) -> None:
    async with raw((100.0, 102.0, 98.0, 100.0)) as (exchange, client):
        await client.prepared(hedge=False)
        answer = await client.algo(side, type, quantity="1", triggerPrice=trigger, workingType="MARK_PRICE")
        assert answer.body["algoStatus"] == "NEW"
        pass_minutes(exchange, 1)
        found = await algo_of(client, answer.body["algoId"])
        assert (found["algoStatus"], found["actualPrice"], found["actualQty"]) == ("FINISHED", price, "1.000")
        assert found["actualOrderId"] != str(found["algoId"])
        assert (await order_of(client, int(found["actualOrderId"])))["status"] == "FILLED"


async def test_a_stop_in_a_gap_sells_at_the_open() -> None:
    async with raw((100.0, 100.1, 99.9, 100.0), (95.0, 96.0, 94.5, 95.0)) as (exchange, client):
        await client.prepared()
        await client.order("BUY", "MARKET", quantity="1", positionSide="LONG")
        await client.algo("SELL", "STOP_MARKET", closePosition="true", triggerPrice="99", positionSide="LONG")
        pass_minutes(exchange, 2)
        assert (await client.trades())[-1]["price"] == "94.981"


async def test_a_stop_limit_rests_at_its_limit_when_a_gap_has_passed_it() -> None:
    async with raw((100.0, 100.1, 99.9, 100.0), (95.0, 98.0, 94.5, 98.0)) as (exchange, client):
        await client.prepared(hedge=False)
        placed = await client.algo("SELL", "STOP", quantity="1", triggerPrice="99", price="97", **GTC)
        pass_minutes(exchange, 2)
        found = await algo_of(client, placed.body["algoId"])
        assert (found["algoStatus"], found["actualType"]) == ("TRIGGERED", "LIMIT")
        assert (await client.ask("GET", "openOrders")).body[0]["price"] == "97.00"


async def test_the_stop_comes_first_and_takes_what_a_target_has_left() -> None:
    async with raw((102.0, 103.0, 98.0, 99.0)) as (exchange, client):
        await client.prepared()
        await client.order("BUY", "MARKET", quantity="1", positionSide="LONG")
        await client.order("SELL", "LIMIT", quantity="0.4", price="103", positionSide="LONG", **GTC)
        stop = await client.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="99", positionSide="LONG")
        pass_minutes(exchange, 1)
        assert [trade["price"] for trade in await client.trades()][1:] == ["98.9802"]
        assert (await algo_of(client, stop.body["algoId"]))["algoStatus"] == "FINISHED"
        assert (await client.ask("GET", "openOrders")).body == []


async def test_orders_that_only_closed_end_with_the_position() -> None:
    async with raw() as (_, client):
        await client.prepared()
        socket = await client.listen()
        await client.order("BUY", "MARKET", quantity="1", positionSide="LONG")
        closer = await client.algo("SELL", "STOP_MARKET", closePosition="true", triggerPrice="99", positionSide="LONG")
        kept = await client.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="98", positionSide="LONG")
        await client.order("SELL", "LIMIT", quantity="1", price="105", positionSide="LONG", **GTC)
        await client.order("SELL", "MARKET", quantity="1", positionSide="LONG")
        assert (await algo_of(client, closer.body["algoId"]))["algoStatus"] == "EXPIRED"
        assert (await algo_of(client, kept.body["algoId"]))["algoStatus"] == "NEW"
        assert [event["o"]["X"] for event in await events(socket) if event["e"] == "ORDER_TRADE_UPDATE"][
            -1
        ] == "EXPIRED"


async def test_a_stop_without_a_position_is_rejected_when_it_triggers() -> None:
    async with raw((100.0, 100.1, 98.0, 99.0)) as (exchange, client):
        await client.prepared()
        socket = await client.listen()
        await client.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="99", positionSide="LONG")
        pass_minutes(exchange, 1)
        updates = [event["o"] for event in await events(socket)]
        assert [row["X"] for row in updates] == ["NEW", "TRIGGERING", "REJECTED"]
        assert updates[-1]["rm"] == "ReduceOnly Order is rejected."


async def test_a_stop_may_trigger_and_be_rejected_for_margin() -> None:
    async with raw((100.0, 100.1, 98.0, 99.0)) as (exchange, client):
        await client.prepared()
        socket = await client.listen()
        await client.order("BUY", "MARKET", quantity="1", positionSide="LONG")
        await client.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="99", positionSide="LONG")
        await control(client.session, "fault", kind="trigger_rejected")
        pass_minutes(exchange, 1)
        last = (await events(socket))[-1]
        assert (last["e"], last["o"]["X"], last["o"]["rm"]) == ("ALGO_UPDATE", "REJECTED", "Margin is insufficient.")
        assert len(await client.positions()) == 1


async def test_the_events_of_a_trigger_are_linked_by_the_actual_order() -> None:
    async with raw((100.0, 100.1, 98.0, 99.0)) as (exchange, client):
        await client.prepared()
        await client.order("BUY", "MARKET", quantity="1", positionSide="LONG")
        socket = await client.listen()
        await client.algo(
            "SELL", "STOP_MARKET", quantity="1", triggerPrice="99", positionSide="LONG", clientAlgoId="mine"
        )
        pass_minutes(exchange, 1)
        told = await events(socket)
        algos = [event["o"] for event in told if event["e"] == "ALGO_UPDATE"]
        assert [row["X"] for row in algos] == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
        assert [row["ai"] for row in algos][:2] == ["", ""]
        orders = [event["o"] for event in told if event["e"] == "ORDER_TRADE_UPDATE"]
        assert {str(row["i"]) for row in orders} == {algos[2]["ai"], algos[3]["ai"]}
        assert all(row["c"] != "mine" for row in orders)
        assert (algos[3]["ap"], algos[3]["aq"], algos[3]["act"]) == ("98.9802", "1.000", "MARKET")


async def test_a_batch_is_answered_order_by_order() -> None:
    async with raw() as (_, client):
        wishes = (
            '[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":"1","price":"99","timeInForce":"GTC"},'
            '{"symbol":"BTCUSDT","side":"BUY","type":"STOP_MARKET","quantity":"1","stopPrice":"101"}]'
        )
        first, second = (await client.ask("POST", "batchOrders", batchOrders=wishes)).body
        assert (first["status"], second["code"]) == ("NEW", -4120)
        answer = await client.ask("DELETE", "batchOrders", symbol="BTCUSDT", orderIdList=f"[{first['orderId']},999]")
        assert (answer.body[0]["status"], answer.body[1]["code"]) == ("CANCELED", -2011)


async def test_partial_fills_come_one_by_one() -> None:
    async with raw() as (_, client):
        socket = await client.listen()
        await control(client.session, "fault", kind="partial", amount=3)
        answer = await client.order("BUY", "MARKET", quantity="1", newOrderRespType="RESULT")
        assert answer.body["status"] == "FILLED"
        rows = [event["o"] for event in await events(socket) if event["e"] == "ORDER_TRADE_UPDATE"]
        assert [(row["X"], row["l"]) for row in rows] == [
            *(("NEW", "0.000"), ("PARTIALLY_FILLED", "0.333"), ("PARTIALLY_FILLED", "0.333"), ("FILLED", "0.334"))
        ]
