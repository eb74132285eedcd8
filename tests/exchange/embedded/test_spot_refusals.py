"""Who is not let in on spot, and which orders are refused: codes and words of Binance."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.exchange.embedded.conftest import Connect, Opener
from tests.exchange.embedded.traders import (
    ED_KEY,
    KEY,
    SECRET,
    Client,
    Desk,
    market,
    signature,
    trading,
)
from trader.exchange.embedded.accounts.account import Right
from trader.exchange.embedded.accounts.order_count import Window
from trader.exchange.embedded.accounts.specs import AccountSpec
from trader.exchange.embedded.faults import parse_fault
from trader.exchange.embedded.options import Limits, PerMarket

LIMIT = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "99"}


def now_ms() -> int:
    return int(time.time() * 1000)


def signed(params: dict[str, Any], key: str = KEY) -> str:
    text = urlencode(params)
    return f"{text}&{urlencode({'signature': signature(text, key)})}"


@pytest.mark.parametrize("key", [KEY, ED_KEY])
async def test_both_kinds_of_keys_sign(opened: Opener, session: Connect, key: str) -> None:
    exchange = await opened(market(), trading=trading())
    client = Client(session(exchange), key)
    assert (await client.ask("GET", "account")).status == 200
    assert (await client.ask("POST", "order", symbol="BTCUSDT", **LIMIT)).status == 200
    assert (await client.ask("DELETE", "openOrders", symbol="BTCUSDT")).status == 200


async def test_query_and_body_are_signed_one_behind_the_other(desk: Desk) -> None:
    _, client = await desk()
    query, body = "symbol=BTCUSDT&side=BUY&type=MARKET", f"quantity=1&timestamp={now_ms()}"
    url = f"/api/v3/order?{query}"
    text = f"{body}&signature={signature(query + body)}"
    assert (await client.send("POST", url, text)).body["status"] == "FILLED"


async def test_an_order_may_come_in_the_query_alone(desk: Desk) -> None:
    _, client = await desk()
    wish = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1", "timestamp": now_ms()}
    assert (await client.send("POST", f"/api/v3/order?{signed(wish)}", "")).body["status"] == "FILLED"


async def test_what_is_signed_is_what_was_sent_percent_signs_and_all(desk: Desk) -> None:
    _, client = await desk()
    encoded = f"symbol=BTCUSDT&timestamp={now_ms()}&origClientOrderId=a%3Ab"
    raw = encoded.replace("%3A", ":")
    assert (await client.send("GET", "/api/v3/order", f"{encoded}&signature={signature(encoded)}")).code == -2013
    assert (await client.send("GET", "/api/v3/order", f"{encoded}&signature={signature(raw)}")).code == -1022


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"timestamp": None}, 400, -1102),
        ({"timestamp": "soon"}, 400, -1100),
        ({"timestamp": now_ms() - 3_600_000}, 400, -1021),
        ({"timestamp": now_ms() + 3_600_000}, 400, -1021),
        ({"recvWindow": "60001"}, 400, -1131),
        ({"recvWindow": "-1"}, 400, -1100),
        ({"colour": "blue"}, 400, -1104),
    ],
)
async def test_envelopes_are_checked(desk: Desk, params: dict[str, Any], status: int, code: int) -> None:
    _, client = await desk()
    wish = {name: value for name, value in ({"timestamp": now_ms()} | params).items() if value is not None}
    answer = await client.send("GET", "/api/v3/account", signed(wish))
    assert (answer.status, answer.code) == (status, code)


async def test_a_wide_window_forgives_an_old_request(desk: Desk) -> None:
    _, client = await desk()
    old = {"timestamp": now_ms() - 20_000}
    assert (await client.send("GET", "/api/v3/account", signed(old))).code == -1021
    assert (await client.send("GET", "/api/v3/account", signed(old | {"recvWindow": 30_000}))).status == 200


async def test_timestamps_are_those_of_a_skewed_server(desk: Desk) -> None:
    _, client = await desk(plan={"faults": (parse_fault("skew=-3000"),)})
    answer = await client.ask("GET", "account")
    assert answer.body == {"code": -1021, "msg": "Timestamp for this request was 1000ms ahead of the server's time."}


async def test_keys_and_signatures_are_checked(desk: Desk) -> None:
    _, client = await desk()
    text = f"timestamp={now_ms()}"
    assert (await client.send("GET", "/api/v3/account", text)).code == -1102
    wrong = await client.send("GET", "/api/v3/account", f"{text}&signature={'0' * 64}")
    assert (wrong.status, wrong.body) == (400, {"code": -1022, "msg": "Signature for this request is not valid."})
    stranger = Client(client.session, "nobody")
    unknown = await stranger.send("GET", "/api/v3/account", signed({"timestamp": now_ms()}))
    assert (unknown.status, unknown.code) == (401, -2015)
    async with client.session.get("/api/v3/account") as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, -2014)


async def test_a_key_does_what_it_may_and_no_more(opened: Opener, session: Connect) -> None:
    spec = AccountSpec(KEY, SECRET, rights=frozenset({Right.READ}))
    client = Client(session(await opened(market(), trading=trading(accounts=(spec,)))))
    account = (await client.ask("GET", "account")).body
    assert (account["canTrade"], account["canWithdraw"]) == (False, False)
    assert (await client.ask("POST", "order", symbol="BTCUSDT", **LIMIT)).code == -2015
    text = signed({"timestamp": now_ms()})
    rights = (await client.send("GET", "/sapi/v1/account/apiRestrictions", text)).body
    assert [rights[name] for name in ("enableReading", "enableSpotAndMarginTrading", "enableWithdrawals")] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"price": "99.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "0.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": "1.0001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "9001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0.01"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": "9000", "price": "120"}, -1013, "Filter failure: NOTIONAL"),
        ({"price": "10"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"side": "SELL", "price": "501"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "995"}, -1013, "Filter failure: MAX_POSITION"),
        ({"quantity": "200"}, -2010, "Account has insufficient balance for requested action."),
        ({"icebergQty": "0.05"}, -1013, "Filter failure: ICEBERG_PARTS"),
        ({"icebergQty": "2"}, -2010, "IcebergQty exceeds QTY."),
        ({"quantity": "1.000000001"}, -1111, "Parameter 'quantity' has too much precision."),
        ({"quantity": "1e0"}, -1100, None),
        ({"price": "-1"}, -1100, None),
        ({"newClientOrderId": "a b"}, -1100, None),
        ({"newClientOrderId": "x" * 37}, -1100, None),
        ({"symbol": "NOSUCH"}, -1121, "Invalid symbol."),
        ({"symbol": ""}, -1102, None),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "HOPE"}, -1116, "Invalid orderType."),
        ({"timeInForce": "SOON"}, -1115, "Invalid timeInForce."),
        ({"timeInForce": ""}, -1102, None),
        ({"price": ""}, -1105, "Parameter 'price' was empty."),
        ({"stopPrice": "98"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"quoteOrderQty": "100"}, -1106, None),
        ({"type": "MARKET"}, -1106, None),
        ({"trailingDelta": "100"}, -2010, "Trailing stop orders are not supported for this symbol."),
        ({"strategyType": "5"}, -1134, None),
        ({"newOrderRespType": "SOME"}, -1100, None),
    ],
)
async def test_each_rule_refuses_in_its_words(
    desk: Desk, change: dict[str, str], code: int, message: str | None
) -> None:
    _, client = await desk(balances="USDT=10000,BTC=10")
    answer = await client.ask("POST", "order", **({"symbol": "BTCUSDT"} | LIMIT | change))
    assert (answer.status, answer.code) == (400, code)
    assert message in (None, answer.body["msg"])
    assert (await client.ask("GET", "allOrders", symbol="BTCUSDT")).body == []


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"quantity": "101"}, -1013),
        ({"quantity": "0.01"}, -1013),
        ({"quoteOrderQty": "4"}, -1013),
        ({}, -1102),
        ({"quantity": "1", "quoteOrderQty": "100"}, -1128),
    ],
)
async def test_market_orders_have_filters_of_their_own(desk: Desk, wish: dict[str, str], code: int) -> None:
    _, client = await desk(balances="USDT=1000000")
    assert (await client.order("BUY", "MARKET", **wish)).code == code


async def test_only_so_many_orders_may_be_open(desk: Desk) -> None:
    _, client = await desk()
    stop = {"side": "SELL", "type": "STOP_LOSS", "quantity": "0.1", "stopPrice": "98", "symbol": "BTCUSDT"}
    for _ in range(5):
        assert (await client.ask("POST", "order", **stop)).status == 200
    assert (await client.ask("POST", "order", **stop)).body["msg"] == "Filter failure: MAX_NUM_ALGO_ORDERS"
    for _ in range(5):
        assert (await client.ask("POST", "order", symbol="BTCUSDT", **LIMIT)).status == 200
    answer = await client.ask("POST", "order", symbol="BTCUSDT", **LIMIT)
    assert answer.body["msg"] == "Filter failure: MAX_NUM_ORDERS"


async def test_only_so_many_orders_may_be_sent(desk: Desk) -> None:
    _, client = await desk(orders={"spot": (Window("SECOND", 10, 2),), "futures": ()})
    answers = [await client.ask("POST", "order", symbol="BTCUSDT", **LIMIT) for _ in range(3)]
    refused = answers[-1]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert refused.body == {"code": -1015, "msg": "Too many new orders; current limit is 2 orders per 10 SECOND."}
    assert 1 <= int(refused.headers["RETRY-AFTER"]) <= 10


async def test_orders_cost_no_weight_when_they_are_taken(desk: Desk) -> None:
    _, client = await desk(plan={"limits": Limits(weight=PerMarket(45, 45))})
    for _ in range(5):
        answer = await client.ask("POST", "order", symbol="BTCUSDT", **LIMIT)
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "0"
    assert (await client.ask("GET", "account")).headers["X-MBX-USED-WEIGHT-1M"] == "20"
    assert (await client.ask("GET", "account")).status == 200
    assert (await client.ask("GET", "account")).status == 429


async def test_listen_keys_are_gone(desk: Desk) -> None:
    _, client = await desk()
    assert (await client.send("POST", "/api/v3/userDataStream", "")).status == 410


async def test_without_accounts_nobody_is_let_in(opened: Opener, session: Connect) -> None:
    client = Client(session(await opened(market())))
    assert (await client.ask("GET", "account")).code == -2015
