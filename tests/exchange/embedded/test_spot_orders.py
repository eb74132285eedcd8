"""Orders on spot: how each kind fills, waits, triggers and ends."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.exchange.embedded.conftest import PLAY_MS, Connect, Opener
from tests.exchange.embedded.traders import Client, Desk, market, pass_minutes, trading
from trader.core.timeframe import MINUTE_MS


async def status_of(client: Client, order_id: int) -> dict[str, Any]:
    answer = await client.ask("GET", "order", symbol="BTCUSDT", orderId=order_id)
    body: dict[str, Any] = answer.body
    return body


async def test_a_market_order_fills_at_the_next_open_and_half_the_spread(desk: Desk) -> None:
    _, client = await desk((101.0, 101.5, 100.5, 101.2))
    answer = await client.order("BUY", "MARKET", quantity="2")
    assert answer.status == 200
    assert answer.body["status"] == "FILLED"
    (fill,) = answer.body["fills"]
    assert fill["price"] == "101.02020000"
    assert (fill["commission"], fill["commissionAsset"]) == ("0.00200000", "BTC")
    balances = await client.balances()
    assert balances["USDT"] == (Decimal("9797.9596"), 0)
    assert balances["BTC"] == (Decimal("11.998"), 0)


async def test_a_market_sale_pays_its_fee_in_quote(desk: Desk) -> None:
    _, client = await desk()
    body = (await client.order("SELL", "MARKET", quantity="1")).body
    assert body["cummulativeQuoteQty"] == "99.98000000"
    assert body["fills"][0]["commission"] == "0.09998000"
    assert (await client.balances())["USDT"] == (Decimal("10099.88002"), 0)


async def test_a_market_order_may_say_what_to_spend(desk: Desk) -> None:
    _, client = await desk()
    body = (await client.order("BUY", "MARKET", quoteOrderQty="50")).body
    assert (body["executedQty"], body["origQuoteOrderQty"]) == ("0.49900000", "50.00000000")
    assert Decimal(body["cummulativeQuoteQty"]) == Decimal("0.499") * Decimal("100.02")


async def test_inside_a_candle_the_last_trade_is_the_price(desk: Desk) -> None:
    exchange, client = await desk((100.0, 110.0, 100.0, 110.0))
    pass_minutes(exchange, 0.99)
    body = (await client.order("BUY", "MARKET", quantity="0.1")).body
    assert Decimal("105") < Decimal(body["fills"][0]["price"]) <= Decimal("110.022")


async def test_a_limit_waits_until_its_price_comes_and_fills_there(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 99.5, 100.0), (100.0, 100.1, 98.0, 99.0))
    body = (await client.order("BUY", "LIMIT", timeInForce="GTC", quantity="1", price="99")).body
    assert (body["status"], body["fills"]) == ("NEW", [])
    assert (await client.balances())["USDT"] == (9901, 99)
    pass_minutes(exchange, 1)
    assert (await status_of(client, body["orderId"]))["status"] == "NEW"
    pass_minutes(exchange, 1)
    filled = await status_of(client, body["orderId"])
    assert (filled["status"], filled["cummulativeQuoteQty"]) == ("FILLED", "99.00000000")
    (trade,) = (await client.ask("GET", "myTrades", symbol="BTCUSDT")).body
    assert (trade["price"], trade["isMaker"], trade["time"]) == ("99.00000000", True, PLAY_MS + 2 * MINUTE_MS)
    assert (await client.balances())["USDT"] == (9901, 0)


async def test_a_limit_that_the_open_has_passed_fills_at_its_own_price(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 99.9, 100.0), (95.0, 95.5, 94.0, 95.0))
    order_id = (await client.order("BUY", "LIMIT", timeInForce="GTC", quantity="1", price="98")).body["orderId"]
    pass_minutes(exchange, 2)
    (trade,) = (await client.ask("GET", "myTrades", symbol="BTCUSDT", orderId=order_id)).body
    assert (trade["price"], trade["time"]) == ("98.00000000", PLAY_MS + MINUTE_MS)


async def test_a_limit_across_the_price_takes_at_once(desk: Desk) -> None:
    _, client = await desk()
    body = (await client.order("BUY", "LIMIT", timeInForce="GTC", quantity="1", price="105")).body
    assert (body["status"], body["fills"][0]["price"]) == ("FILLED", "100.02000000")
    assert (await client.balances())["USDT"] == (Decimal("9899.98"), 0)


@pytest.mark.parametrize("kind", ["IOC", "FOK"])
async def test_what_cannot_fill_at_once_and_may_not_wait_expires(desk: Desk, kind: str) -> None:
    _, client = await desk()
    body = (await client.order("BUY", "LIMIT", timeInForce=kind, quantity="1", price="99")).body
    assert (body["status"], body["expiryReason"]) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")
    assert (await client.balances())["USDT"] == (10_000, 0)


async def test_a_maker_that_would_take_is_refused(desk: Desk) -> None:
    _, client = await desk()
    answer = await client.order("SELL", "LIMIT_MAKER", quantity="1", price="99")
    assert (answer.status, answer.body) == (400, {"code": -2010, "msg": "Order would immediately match and take."})
    assert (await client.order("SELL", "LIMIT_MAKER", quantity="1", price="101")).body.keys() == {
        *("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")
    }


async def test_a_stop_sells_at_its_level_less_half_the_spread(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 98.0, 99.0))
    order_id = (await client.order("SELL", "STOP_LOSS", quantity="1", stopPrice="99")).body["orderId"]
    assert (await client.balances())["BTC"] == (9, 1)
    assert not (await status_of(client, order_id))["isWorking"]
    pass_minutes(exchange, 1)
    (trade,) = (await client.ask("GET", "myTrades", symbol="BTCUSDT", orderId=order_id)).body
    assert (trade["price"], trade["isMaker"]) == ("98.98020000", False)


async def test_a_stop_in_a_gap_sells_at_the_open(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 99.9, 100.0), (95.0, 96.0, 94.0, 95.0))
    order_id = (await client.order("SELL", "STOP_LOSS", quantity="1", stopPrice="99")).body["orderId"]
    pass_minutes(exchange, 2)
    (trade,) = (await client.ask("GET", "myTrades", symbol="BTCUSDT", orderId=order_id)).body
    assert (trade["price"], trade["time"]) == ("94.98100000", PLAY_MS + MINUTE_MS)


async def test_a_stop_limit_beyond_a_gap_rests_at_its_limit(desk: Desk) -> None:
    gap, back = (95.0, 96.0, 94.0, 95.0), (95.0, 99.5, 95.0, 99.0)
    exchange, client = await desk((100.0, 100.1, 99.9, 100.0), gap, back)
    wish = {"quantity": "1", "stopPrice": "99", "price": "98.5", "timeInForce": "GTC"}
    order_id = (await client.order("SELL", "STOP_LOSS_LIMIT", **wish)).body["orderId"]
    pass_minutes(exchange, 2)
    resting = await status_of(client, order_id)
    assert (resting["status"], resting["isWorking"]) == ("NEW", True)
    pass_minutes(exchange, 1)
    (trade,) = (await client.ask("GET", "myTrades", symbol="BTCUSDT", orderId=order_id)).body
    assert (trade["price"], trade["isMaker"]) == ("98.50000000", True)


async def test_a_stop_limit_within_reach_takes_when_it_triggers(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 98.0, 99.0))
    wish = {"quantity": "1", "stopPrice": "99", "price": "98", "timeInForce": "GTC"}
    order_id = (await client.order("SELL", "STOP_LOSS_LIMIT", **wish)).body["orderId"]
    pass_minutes(exchange, 1)
    (trade,) = (await client.ask("GET", "myTrades", symbol="BTCUSDT", orderId=order_id)).body
    assert (trade["price"], trade["isMaker"]) == ("98.98020000", False)


@pytest.mark.parametrize(
    ("side", "type", "stop", "price"),
    [
        ("SELL", "TAKE_PROFIT", "101", "100.97980000"),
        ("BUY", "TAKE_PROFIT", "99", "99.01980000"),
        ("BUY", "STOP_LOSS", "101", "101.02020000"),
    ],
)
async def test_each_stop_triggers_on_its_own_side(desk: Desk, side: str, type: str, stop: str, price: str) -> None:
    exchange, client = await desk((100.0, 102.0, 98.0, 100.0))
    order_id = (await client.order(side, type, quantity="1", stopPrice=stop)).body["orderId"]
    pass_minutes(exchange, 1)
    (trade,) = (await client.ask("GET", "myTrades", symbol="BTCUSDT", orderId=order_id)).body
    assert trade["price"] == price


@pytest.mark.parametrize(
    ("side", "type", "stop"),
    [
        ("SELL", "STOP_LOSS", "100"),
        ("SELL", "TAKE_PROFIT", "99"),
        ("BUY", "STOP_LOSS", "99"),
        ("BUY", "TAKE_PROFIT", "101"),
    ],
)
async def test_a_stop_that_would_trigger_at_once_is_refused(desk: Desk, side: str, type: str, stop: str) -> None:
    _, client = await desk()
    answer = await client.order(side, type, quantity="1", stopPrice=stop)
    assert answer.body == {"code": -2010, "msg": "Stop price would trigger immediately."}


async def test_a_buy_stop_that_a_gap_makes_too_dear_expires(desk: Desk) -> None:
    exchange, client = await desk((100.0, 100.1, 99.9, 100.0), (150.0, 151.0, 149.0, 150.0), balances="USDT=102,BTC=0")
    order_id = (await client.order("BUY", "STOP_LOSS", quantity="1", stopPrice="101")).body["orderId"]
    pass_minutes(exchange, 2)
    assert (await status_of(client, order_id))["status"] == "EXPIRED"
    assert (await client.balances())["USDT"] == (102, 0)


async def test_an_order_placed_inside_a_candle_does_not_see_what_came_before(desk: Desk) -> None:
    exchange, client = await desk((100.0, 103.0, 97.0, 102.0))  # rising: open, low, high, close
    pass_minutes(exchange, 0.5)
    order_id = (await client.order("BUY", "LIMIT", timeInForce="GTC", quantity="1", price="98")).body["orderId"]
    pass_minutes(exchange, 0.5)
    assert (await status_of(client, order_id))["status"] == "NEW"


async def test_cancelling_frees_what_was_locked(desk: Desk) -> None:
    _, client = await desk()
    await client.order("BUY", "LIMIT", timeInForce="GTC", quantity="1", price="99", newClientOrderId="mine")
    answer = await client.ask("DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="end")
    assert [answer.body[name] for name in ("status", "origClientOrderId", "clientOrderId")] == [
        "CANCELED",
        "mine",
        "end",
    ]
    assert (await client.balances())["USDT"] == (10_000, 0)
    again = await client.ask("DELETE", "order", symbol="BTCUSDT", origClientOrderId="mine")
    assert again.body == {"code": -2011, "msg": "Unknown order sent."}


async def test_a_client_id_is_taken_only_while_its_order_is_open(desk: Desk) -> None:
    _, client = await desk()
    wish = {"timeInForce": "GTC", "quantity": "1", "price": "99", "newClientOrderId": "one"}
    first = (await client.order("BUY", "LIMIT", **wish)).body["orderId"]
    assert (await client.order("BUY", "LIMIT", **wish)).body == {"code": -2010, "msg": "Duplicate order sent."}
    await client.ask("DELETE", "order", symbol="BTCUSDT", orderId=first)
    second = (await client.order("BUY", "LIMIT", **wish)).body["orderId"]
    assert (await client.ask("GET", "order", symbol="BTCUSDT", origClientOrderId="one")).body["orderId"] == second


async def test_commissions_come_out_of_bnb_where_the_account_wants_it(opened: Opener, session: Connect) -> None:
    source = market(symbols=("BTCUSDT", "BNBUSDT"))
    exchange = await opened(source, trading=trading("USDT=10000,BNB=1", pays_in_bnb=True))
    client = Client(session(exchange))
    (fill,) = (await client.order("BUY", "MARKET", quantity="10")).body["fills"]
    assert (fill["commissionAsset"], fill["commission"]) == ("BNB", "0.00750150")
    assert (await client.balances())["BTC"] == (10, 0)


async def test_all_orders_of_a_symbol_can_be_cancelled(desk: Desk) -> None:
    _, client = await desk()
    for price in ("98", "97"):
        await client.order("BUY", "LIMIT", timeInForce="GTC", quantity="1", price=price)
    answer = await client.ask("DELETE", "openOrders", symbol="BTCUSDT")
    assert [row["status"] for row in answer.body] == ["CANCELED", "CANCELED"]
    assert (await client.ask("DELETE", "openOrders", symbol="BTCUSDT")).code == -2011
    assert (await client.ask("GET", "openOrders")).body == []


async def test_a_test_order_changes_nothing(desk: Desk) -> None:
    _, client = await desk()
    wish = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
    assert (await client.ask("POST", "order/test", **wish)).body == {}
    rates = (await client.ask("POST", "order/test", **wish, computeCommissionRates="true")).body
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    assert (await client.ask("POST", "order/test", **wish | {"quantity": "1000"})).code == -1013
    assert (await client.ask("GET", "allOrders", symbol="BTCUSDT")).body == []


async def test_accounts_know_nothing_of_each_other(opened: Opener, session: Connect) -> None:
    exchange = await opened(market(), trading=trading())
    one, other = Client(session(exchange)), Client(session(exchange), "ed-key-of-a-test")
    order_id = (await one.order("BUY", "LIMIT", timeInForce="GTC", quantity="1", price="99")).body["orderId"]
    assert (await other.ask("GET", "openOrders")).body == []
    assert (await other.ask("GET", "order", symbol="BTCUSDT", orderId=order_id)).code == -2013
    assert (await other.ask("DELETE", "order", symbol="BTCUSDT", orderId=order_id)).code == -2011


async def test_an_unfilled_order_counts_and_a_fill_gives_it_back(desk: Desk) -> None:
    _, client = await desk()
    resting = await client.order("BUY", "LIMIT", timeInForce="GTC", quantity="1", price="99")
    assert (resting.headers["X-MBX-ORDER-COUNT-10S"], resting.headers["X-MBX-ORDER-COUNT-1D"]) == ("1", "1")
    filled = await client.order("BUY", "MARKET", quantity="1")
    assert filled.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    rows = (await client.ask("GET", "rateLimit/order")).body
    assert [(row["interval"], row["count"]) for row in rows] == [("SECOND", 1), ("DAY", 1)]


@pytest.mark.parametrize(
    ("mode", "cancels", "price", "status", "results"),
    [
        ("STOP_ON_FAILURE", True, "98", 200, ("SUCCESS", "SUCCESS")),
        ("STOP_ON_FAILURE", False, "98", 400, ("FAILURE", "NOT_ATTEMPTED")),
        ("ALLOW_FAILURE", False, "98", 409, ("FAILURE", "SUCCESS")),
        ("ALLOW_FAILURE", True, "101", 409, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", False, "101", 400, ("FAILURE", "FAILURE")),
    ],
)
async def test_replacing_says_which_half_worked(
    desk: Desk, mode: str, cancels: bool, price: str, status: int, results: tuple[str, str]
) -> None:
    _, client = await desk()
    order_id = (await client.order("BUY", "LIMIT", timeInForce="GTC", quantity="1", price="99")).body["orderId"]
    wish = {"quantity": "1", "price": price, "cancelReplaceMode": mode, "cancelOrderId": order_id if cancels else 999}
    path = "order/cancelReplace"
    answer = await client.ask("POST", path, symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", **wish)
    assert answer.status == status
    said = answer.body if status == 200 else answer.body["data"]
    assert (said["cancelResult"], said["newOrderResult"]) == results
    codes = {200: None, 409: -2021, 400: -2022}
    assert answer.body.get("code") == codes[status]
