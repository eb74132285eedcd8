"""Lists of orders on spot: one cancels the other, one triggers another."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.exchange.embedded.conftest import Connect, Opener
from tests.exchange.embedded.traders import Answer, Client, Desk, market, pass_minutes, trading
from trader.exchange.embedded.faults import parse_fault
from trader.exchange.embedded.options import Touch

#: A stop below and a target above, for what was bought.
LEGS = {"aboveType": "LIMIT_MAKER", "abovePrice": "102", "belowType": "STOP_LOSS", "belowStopPrice": "98"}
WORKING = {"workingType": "LIMIT", "workingSide": "BUY", "workingQuantity": "1", "workingTimeInForce": "GTC"}


async def oco(client: Client, **params: Any) -> Answer:
    wish = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "1", **LEGS} | params
    return await client.ask("POST", "orderList/oco", **wish)


async def statuses(client: Client) -> list[str]:
    return [row["status"] for row in (await client.ask("GET", "allOrders", symbol="BTCUSDT")).body]


async def test_an_oco_locks_its_quantity_once(desk: Desk) -> None:
    _, client = await desk()
    body = (await oco(client, listClientOrderId="both")).body
    assert [body[name] for name in ("contingencyType", "listOrderStatus", "listClientOrderId")] == [
        "OCO",
        "EXECUTING",
        "both",
    ]
    assert [report["type"] for report in body["orderReports"]] == ["LIMIT_MAKER", "STOP_LOSS"]
    assert (await client.balances())["BTC"] == (9, 1)
    (listed,) = (await client.ask("GET", "openOrderList")).body
    assert listed["orderListId"] == body["orderListId"]


@pytest.mark.parametrize(
    ("bar", "fates", "price"),
    [
        ((100.0, 103.0, 99.0, 102.5), ["FILLED", "EXPIRED"], "102.00000000"),
        ((100.0, 100.1, 97.0, 97.5), ["EXPIRED", "FILLED"], "97.98040000"),
        ((100.0, 103.0, 97.0, 102.5), ["EXPIRED", "FILLED"], "97.98040000"),
        ((97.0, 103.0, 96.0, 102.5), ["EXPIRED", "FILLED"], "96.98060000"),
        ((103.0, 104.0, 97.0, 97.5), ["FILLED", "EXPIRED"], "102.00000000"),
    ],
    ids=["target", "stop", "both: the stop", "gap through the stop", "gap through the target"],
)
async def test_a_candle_decides_an_oco_as_the_simulation_does(
    desk: Desk, bar: tuple[float, float, float, float], fates: list[str], price: str
) -> None:
    exchange, client = await desk((100.0, 100.1, 99.9, 100.0), bar)
    list_id = (await oco(client)).body["orderListId"]
    pass_minutes(exchange, 2)
    assert await statuses(client) == fates
    (trade,) = (await client.ask("GET", "myTrades", symbol="BTCUSDT")).body
    assert trade["price"] == price
    assert (await client.balances())["BTC"] == (9, 0)
    assert (await client.ask("GET", "orderList", orderListId=list_id)).body["listOrderStatus"] == "ALL_DONE"


async def test_the_path_decides_where_it_is_asked_to(desk: Desk) -> None:
    rising = (100.0, 103.0, 97.0, 102.5)  # goes down first
    falling = (100.0, 103.0, 97.0, 97.5)  # goes up first
    for bar, fates in ((rising, ["EXPIRED", "FILLED"]), (falling, ["FILLED", "EXPIRED"])):
        exchange, client = await desk(bar, touch=Touch.PATH)
        await oco(client)
        pass_minutes(exchange, 1)
        assert await statuses(client) == fates


async def test_on_the_path_orders_fill_inside_the_candle(desk: Desk) -> None:
    exchange, client = await desk((100.0, 103.0, 99.0, 102.5), touch=Touch.PATH)
    await oco(client)
    pass_minutes(exchange, 0.9)
    assert await statuses(client) == ["FILLED", "EXPIRED"]


async def test_cancelling_one_leg_cancels_the_list(desk: Desk) -> None:
    _, client = await desk()
    body = (await oco(client)).body
    stop_id = body["orderReports"][1]["orderId"]
    assert (await client.ask("DELETE", "order", symbol="BTCUSDT", orderId=stop_id)).body["status"] == "CANCELED"
    assert await statuses(client) == ["CANCELED", "CANCELED"]
    assert (await client.balances())["BTC"] == (10, 0)


async def test_a_list_is_cancelled_by_either_id(desk: Desk) -> None:
    _, client = await desk()
    first = (await oco(client, listClientOrderId="one")).body["orderListId"]
    await oco(client, listClientOrderId="two")
    answer = await client.ask("DELETE", "orderList", symbol="BTCUSDT", orderListId=first)
    assert [report["status"] for report in answer.body["orderReports"]] == ["CANCELED", "CANCELED"]
    answer = await client.ask("DELETE", "openOrders", symbol="BTCUSDT")
    assert [row["listClientOrderId"] for row in answer.body] == ["two"]
    assert (await client.ask("DELETE", "orderList", symbol="BTCUSDT", listClientOrderId="two")).code == -2011


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"abovePrice": "99"}, -2010),
        ({"belowStopPrice": "101"}, -2010),
        ({"belowType": "LIMIT_MAKER", "belowPrice": "98"}, -1168),
        ({"aboveType": "MARKET"}, -1158),
        ({"aboveType": "STOP_LOSS", "aboveStopPrice": "102"}, -1197),
        ({"belowType": "TAKE_PROFIT"}, -1199),
        ({"quantity": "20"}, -2010),
        ({"quantity": "0.01"}, -1013),
    ],
)
async def test_legs_that_make_no_sense_are_refused(desk: Desk, params: dict[str, str], code: int) -> None:
    _, client = await desk()
    plain = dict(LEGS)
    if "aboveType" in params:
        plain.pop("abovePrice")
    if params.get("belowType") == "LIMIT_MAKER":
        plain.pop("belowStopPrice")
    wish = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "1"} | plain | params
    answer = await client.ask("POST", "orderList/oco", **wish)
    assert (answer.status, answer.code) == (400, code)
    assert (await client.balances())["BTC"] == (10, 0)


async def test_an_oco_that_buys_has_its_stop_above(desk: Desk) -> None:
    exchange, client = await desk((100.0, 103.0, 99.5, 102.5))
    legs = {"aboveType": "STOP_LOSS", "aboveStopPrice": "102", "belowType": "LIMIT_MAKER", "belowPrice": "98"}
    await client.ask("POST", "orderList/oco", symbol="BTCUSDT", side="BUY", quantity="1", **legs)
    assert (await client.balances())["USDT"][1] == Decimal("102.0204")
    pass_minutes(exchange, 1)
    assert await statuses(client) == ["FILLED", "EXPIRED"]
    assert (await client.balances())["USDT"] == (Decimal("9897.9796"), 0)


async def test_an_oto_places_its_second_order_when_the_first_has_filled(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 98.5, 99.5), (99.5, 99.6, 97.0, 98.0))
    pending = {"pendingType": "STOP_LOSS", "pendingSide": "SELL", "pendingQuantity": "0.9", "pendingStopPrice": "98"}
    answer = await client.ask("POST", "orderList/oto", symbol="BTCUSDT", **WORKING, workingPrice="99", **pending)
    assert [report["status"] for report in answer.body["orderReports"]] == ["NEW", "PENDING_NEW"]
    assert (await client.balances())["BTC"] == (10, 0)
    pass_minutes(exchange, 1)
    assert await statuses(client) == ["FILLED", "NEW"]
    assert (await client.balances())["BTC"][1] == Decimal("0.9")
    pass_minutes(exchange, 1)
    assert await statuses(client) == ["FILLED", "FILLED"]
    assert (await client.ask("GET", "openOrderList")).body == []


async def test_an_oto_that_fills_at_once_still_says_pending(desk: Desk) -> None:
    _, client = await desk()
    pending = {"pendingType": "LIMIT_MAKER", "pendingSide": "SELL", "pendingQuantity": "0.9", "pendingPrice": "102"}
    answer = await client.ask("POST", "orderList/oto", symbol="BTCUSDT", **WORKING, workingPrice="101", **pending)
    assert [report["status"] for report in answer.body["orderReports"]] == ["FILLED", "PENDING_NEW"]
    assert await statuses(client) == ["FILLED", "NEW"]


async def test_a_cancelled_working_order_takes_the_pending_one_with_it(desk: Desk) -> None:
    _, client = await desk()
    pending = {"pendingType": "LIMIT_MAKER", "pendingSide": "SELL", "pendingQuantity": "0.9", "pendingPrice": "102"}
    answer = await client.ask("POST", "orderList/oto", symbol="BTCUSDT", **WORKING, workingPrice="99", **pending)
    working = answer.body["orderReports"][0]["orderId"]
    await client.ask("DELETE", "order", symbol="BTCUSDT", orderId=working)
    assert await statuses(client) == ["CANCELED", "CANCELED"]
    assert (await client.balances())["USDT"] == (10_000, 0)


async def test_a_pending_order_that_cannot_be_paid_expires(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 98.5, 99.5), balances="USDT=10000")
    pending = {"pendingType": "LIMIT_MAKER", "pendingSide": "SELL", "pendingQuantity": "1", "pendingPrice": "102"}
    await client.ask("POST", "orderList/oto", symbol="BTCUSDT", **WORKING, workingPrice="99", **pending)
    pass_minutes(exchange, 1)
    assert sorted(await statuses(client)) == ["EXPIRED", "FILLED"]  # the fee was taken out of what was bought


async def test_an_otoco_places_a_stop_and_a_target(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 98.5, 99.5), (99.5, 102.5, 99.0, 102.0))
    legs = {
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAbovePrice": "102",
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": "98",
    }
    pending = {"pendingSide": "SELL", "pendingQuantity": "0.9"}
    answer = await client.ask(
        "POST", "orderList/otoco", symbol="BTCUSDT", **WORKING, workingPrice="99", **pending, **legs
    )
    assert (answer.body["contingencyType"], len(answer.body["orders"])) == ("OTO", 3)
    pass_minutes(exchange, 1)
    assert sorted(await statuses(client)) == ["FILLED", "NEW", "NEW"]
    assert (await client.balances())["BTC"][1] == Decimal("0.9")
    pass_minutes(exchange, 1)
    assert sorted(await statuses(client)) == ["EXPIRED", "FILLED", "FILLED"]


async def test_a_partial_fill_of_the_target_takes_the_stop_away(opened: Opener, session: Connect) -> None:
    source = market((100.0, 102.5, 99.0, 101.0))
    exchange = await opened(source, trading=trading(), faults=(parse_fault("partial=1:0.5"),))
    client = Client(session(exchange))
    await oco(client)
    pass_minutes(exchange, 1)
    assert await statuses(client) == ["PARTIALLY_FILLED", "EXPIRED"]
    assert (await client.balances())["BTC"] == (9, Decimal("0.5"))
