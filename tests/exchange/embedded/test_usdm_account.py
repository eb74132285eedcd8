"""Settings, limits and refusals of an account on USD-M."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.exchange.embedded.usdm_traders import FuturesClient, raw
from tests.exchange.embedded.wires import control
from trader.core.errors import DataError
from trader.exchange.embedded.accounts.order_count import Window
from trader.exchange.embedded.options import ORDER_WINDOWS
from trader.exchange.embedded.usdm.brackets import FILE, Brackets, read_brackets

D = Decimal
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "99"}
ALGO = {"symbol": "BTCUSDT", "side": "SELL", "algoType": "CONDITIONAL", "type": "STOP_MARKET", "triggerPrice": "99"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "STOP_MARKET", "stopPrice": "98"}, -4120),
        ({"positionSide": "LONG"}, -4061),
        ({"quantity": "0"}, -4003),
        ({"quantity": "1001"}, -4005),
        ({"quantity": "0.0001"}, -1111),
        ({"price": "99.001"}, -1111),
        ({"price": "100001"}, -4002),
        ({"quantity": "0.01"}, -4164),
        ({"price": "151"}, -4016),
        ({"side": "SELL", "price": "49"}, -4024),
        ({"reduceOnly": "true"}, -2022),
        ({"closePosition": "true"}, -4136),
        ({"symbol": "NOSUCH"}, -1121),
        ({"side": "HOLD"}, -1117),
        ({"type": "LIMIT_MAKER"}, -1116),
        ({"timeInForce": "GTD"}, -1115),
        ({"timeInForce": ""}, -1102),
        ({"quantity": ""}, -1105),
        ({"newClientOrderId": "ä"}, -1100),
        ({"price": "1e2"}, -1100),
        ({"quantity": "999", "price": "150"}, -2019),
    ],
)
async def test_refusals_of_orders(changes: dict[str, str], code: int) -> None:
    async with raw() as (_, client):
        await client.ask("POST", "leverage", symbol="BTCUSDT", leverage=2)
        assert (await client.ask("POST", "order", **ORDER | changes)).code == code
        assert (await client.ask("GET", "allOrders", symbol="BTCUSDT")).body == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "MARKET"}, -1116),
        ({"algoType": "VP"}, -1130),
        ({"triggerPrice": ""}, -1105),
        ({"quantity": "1", "triggerPrice": "101"}, -2021),
        ({"quantity": "1", "triggerPrice": "99.005"}, -1111),
        ({}, -1102),
        ({"closePosition": "true"}, -4509),
        ({"closePosition": "true", "quantity": "1"}, -4137),
        ({"type": "STOP", "price": "98", "closePosition": "true"}, -4136),
        ({"quantity": "1", "positionSide": "LONG"}, -4061),
        ({"quantity": "1", "workingType": "LAST"}, -1100),
    ],
)
async def test_refusals_of_conditional_orders(changes: dict[str, str], code: int) -> None:
    async with raw() as (_, client):
        assert (await client.ask("POST", "algoOrder", **ALGO | changes)).code == code


async def test_reducing_is_exempt_from_the_least_notional() -> None:
    async with raw() as (_, client):
        await client.prepared()
        await client.order("BUY", "MARKET", quantity="1", positionSide="LONG")
        sold = await client.order("SELL", "MARKET", quantity="0.001", positionSide="LONG")
        assert sold.status == 200
        reduce = {"positionSide": "LONG", "reduceOnly": "true", "quantity": "0.001"}
        assert (await client.order("SELL", "MARKET", **reduce)).code == -1106


async def test_a_client_id_is_taken_while_its_order_is_open() -> None:
    async with raw() as (_, client):
        wish = ORDER | {"newClientOrderId": "one"}
        first = (await client.ask("POST", "order", **wish)).body["orderId"]
        assert (await client.ask("POST", "order", **wish)).body == {
            "code": -4116,
            "msg": "ClientOrderId is duplicated.",
        }
        await client.ask("DELETE", "order", symbol="BTCUSDT", orderId=first)
        assert (await client.ask("POST", "order", **wish)).status == 200


async def test_there_is_room_for_so_many_orders_only() -> None:
    async with raw() as (_, client):
        for _ in range(6):
            assert (await client.ask("POST", "order", **ORDER | {"quantity": "0.1"})).status == 200
        assert (await client.ask("POST", "order", **ORDER | {"quantity": "0.1"})).code == -2025
        for _ in range(4):
            assert (await client.ask("POST", "algoOrder", **ALGO | {"quantity": "1"})).status == 200
        assert (await client.ask("POST", "algoOrder", **ALGO | {"quantity": "1"})).code == -4045


async def test_orders_are_counted_and_limited() -> None:
    orders = ORDER_WINDOWS | {"futures": (Window("SECOND", 10, 2), Window("MINUTE", 1, 100))}
    async with raw(orders=orders) as (_, client):
        await client.ask("POST", "order", **ORDER)
        answer = await client.ask("POST", "algoOrder", **ALGO | {"quantity": "1"})
        assert (answer.headers["X-MBX-ORDER-COUNT-10S"], answer.headers["X-MBX-ORDER-COUNT-1M"]) == ("2", "2")
        refused = await client.ask("POST", "order", **ORDER)
        assert (refused.status, refused.code) == (429, -1015)


async def test_the_position_mode_is_of_the_whole_account() -> None:
    async with raw() as (_, client):
        turn = {"method": "POST", "path": "positionSide/dual"}
        assert (await client.ask(**turn, dualSidePosition="false")).code == -4059
        order = (await client.ask("POST", "order", **ORDER)).body["orderId"]
        assert (await client.ask(**turn, dualSidePosition="true")).code == -4067
        await client.ask("DELETE", "order", symbol="BTCUSDT", orderId=order)
        await client.order("BUY", "MARKET", quantity="1")
        assert (await client.ask(**turn, dualSidePosition="true")).code == -4068
        await client.order("SELL", "MARKET", quantity="1")
        assert (await client.ask(**turn, dualSidePosition="true")).body == {"code": 200, "msg": "success"}
        assert (await client.ask("GET", "positionSide/dual")).body == {"dualSidePosition": True}
        assert (await client.ask("GET", "accountConfig")).body["dualSidePosition"]
        assert (await client.order("BUY", "MARKET", quantity="1")).code == -4061


async def test_leverage_belongs_to_a_symbol() -> None:
    async with raw() as (_, client):
        set_to = {"method": "POST", "path": "leverage", "symbol": "BTCUSDT"}
        assert (await client.ask(**set_to, leverage=126)).code == -4028
        await client.prepared(leverage=10)
        await client.order("BUY", "MARKET", quantity="1", positionSide="LONG")
        assert (await client.ask(**set_to, leverage=5)).code == -4161
        raised = await client.ask(**set_to, leverage=50)
        assert raised.body == {"symbol": "BTCUSDT", "leverage": 50, "maxNotionalValue": "3000000"}
        assert (await client.positions())[0]["isolatedWallet"] == "10.00200000"


async def test_a_position_beyond_its_leverage_is_refused() -> None:
    async with raw(balances="USDT=100000000") as (_, client):
        await client.ask("POST", "leverage", symbol="BTCUSDT", leverage=125)
        big = {"quantity": "500", "positionSide": "BOTH"}
        for _ in range(11):
            assert (await client.order("BUY", "MARKET", **big)).status == 200
        assert (await client.order("BUY", "MARKET", **big)).code == -2027
        await client.ask("POST", "leverage", symbol="BTCUSDT", leverage=50)
        assert (await client.order("BUY", "MARKET", **big)).status == 200
        assert (await client.ask("POST", "leverage", symbol="BTCUSDT", leverage=125)).code == -2027


async def test_the_margin_type_changes_only_without_orders_and_positions() -> None:
    async with raw() as (_, client):
        turn = {"method": "POST", "path": "marginType", "symbol": "BTCUSDT"}
        assert (await client.ask(**turn, marginType="CROSSED")).code == -4046
        order = (await client.ask("POST", "order", **ORDER)).body["orderId"]
        assert (await client.ask(**turn, marginType="ISOLATED")).code == -4047
        await client.ask("DELETE", "order", symbol="BTCUSDT", orderId=order)
        await client.order("BUY", "MARKET", quantity="1")
        assert (await client.ask(**turn, marginType="ISOLATED")).code == -4048
        rows = (await client.ask("GET", "symbolConfig", symbol="BTCUSDT")).body
        assert [(row["marginType"], row["leverage"]) for row in rows] == [("CROSSED", 20)]


async def test_there_is_no_multi_assets_mode() -> None:
    async with raw() as (_, client):
        assert (await client.ask("POST", "multiAssetsMargin", multiAssetsMargin="false")).code == -4171
        assert (await client.ask("POST", "multiAssetsMargin", multiAssetsMargin="true")).code == -4167
        assert (await client.ask("GET", "multiAssetsMargin")).body == {"multiAssetsMargin": False}


async def test_a_countdown_cancels_plain_orders_unless_it_is_renewed() -> None:
    async with raw() as (_, client):
        await client.ask("POST", "order", **ORDER)
        await client.ask("POST", "algoOrder", **ALGO | {"quantity": "1"})
        await client.ask("POST", "countdownCancelAll", symbol="BTCUSDT", countdownTime=60_000)
        answer = await client.ask("POST", "countdownCancelAll", symbol="BTCUSDT", countdownTime=20)
        assert answer.body == {"symbol": "BTCUSDT", "countdownTime": "20"}
        while (await client.ask("GET", "openOrders", symbol="BTCUSDT")).body:
            pass
        assert len((await client.ask("GET", "openAlgoOrders", symbol="BTCUSDT")).body) == 1


async def test_fees_and_brackets_are_told() -> None:
    async with raw() as (_, client):
        rates = (await client.ask("GET", "commissionRate", symbol="BTCUSDT")).body
        assert (rates["makerCommissionRate"], rates["takerCommissionRate"]) == ("0.0002", "0.0005")
        (row,) = (await client.ask("GET", "leverageBracket", symbol="BTCUSDT")).body
        assert [step["initialLeverage"] for step in row["brackets"]] == [125, 50, 20, 10, 5, 4, 2, 1]


def test_brackets_come_from_the_store_where_it_has_them(tmp_path: Path) -> None:
    assert read_brackets(tmp_path).of("BTCUSDT") == Brackets().of("BTCUSDT")
    path = tmp_path / FILE
    path.parent.mkdir()
    steps = [{"bracket": 1, "initialLeverage": 75, "notionalCap": 5000, "notionalFloor": 0, "maintMarginRatio": 0.0065}]
    path.write_bytes(msgspec.json.encode([{"symbol": "ETHUSDT", "brackets": [step | {"cum": 0.0} for step in steps]}]))
    found = read_brackets(tmp_path)
    assert (found.highest("ETHUSDT"), found.maintenance("ETHUSDT", D(1_000))) == (75, D("6.5"))
    assert found.of("BTCUSDT") == Brackets().of("BTCUSDT")
    path.write_text("{}")
    with pytest.raises(DataError, match="no leverage brackets"):
        read_brackets(tmp_path)


async def test_a_key_without_the_right_may_read_and_not_trade() -> None:
    async with raw() as (_, client):
        assert (await client.ask("GET", "v3/balance")).status == 200
        stranger = FuturesClient(client.session, "unknown")
        assert (await stranger.ask("GET", "v3/balance")).code == -2015
        assert (await control(client.session, "stranger", market="futures", do="dance"))["error"]
