"""Margin on USD-M: liquidation, warnings, deleveraging, funding, and what the insurance fund pays."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.exchange.binance.account_venue import until
from tests.exchange.embedded.sources import PLAY_MS
from tests.exchange.embedded.traders import pass_minutes
from tests.exchange.embedded.usdm_traders import FuturesClient, events, market, ours, raw
from tests.exchange.embedded.wires import control
from trader.core.account import Forced, MarginCall, OrderUpdate
from trader.core.order import Side
from trader.core.signal import Direction
from trader.core.timeframe import MINUTE_MS
from trader.trading.margin import bankruptcy_price, liquidation_price

D = Decimal
#: A fall beyond the liquidation of a long position of leverage 10 that began at 100.02.
CRASH = ((100.0, 100.1, 99.9, 100.0), (99.0, 99.5, 89.0, 92.0))


async def held(client: FuturesClient, side: str = "BUY", position: str = "LONG", quantity: str = "1") -> None:
    await client.order(side, "MARKET", quantity=quantity, positionSide=position)


@pytest.mark.parametrize(("side", "position"), [("BUY", "LONG"), ("SELL", "SHORT")])
async def test_an_isolated_position_is_liquidated_where_the_simulation_does_it(side: str, position: str) -> None:
    bars = CRASH if side == "BUY" else ((100.0, 100.1, 99.9, 100.0), (101.0, 112.0, 100.5, 108.0))
    async with raw(*bars) as (exchange, client):
        await client.prepared()
        await held(client, side, position)
        (row,) = await client.positions()
        direction = Direction.LONG if side == "BUY" else Direction.SHORT
        entry = float(row["entryPrice"])
        assert float(row["liquidationPrice"]) == pytest.approx(liquidation_price(entry, direction, 10, 0.005), abs=1e-8)
        pass_minutes(exchange, 2)
        assert await client.positions() == []
        trade = (await client.trades())[-1]
        assert float(trade["price"]) == pytest.approx(bankruptcy_price(entry, direction, 10), abs=1e-8)
        assert D(trade["commission"]) == 0
        assert trade["time"] == PLAY_MS + 2 * MINUTE_MS
        paid = D((await client.trades())[0]["commission"])
        assert await client.wallet() == 10_000 - paid - D(row["isolatedWallet"])


async def test_a_gap_beyond_the_liquidation_ends_at_the_bankruptcy_price() -> None:
    async with raw((100.0, 100.1, 99.9, 100.0), (80.0, 81.0, 79.0, 80.0)) as (exchange, client):
        await client.prepared()
        await held(client)
        await client.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="95", positionSide="LONG")
        pass_minutes(exchange, 2)
        trade = (await client.trades())[-1]
        assert (trade["price"], trade["time"]) == ("90.018", PLAY_MS + MINUTE_MS)


async def test_a_stop_before_the_liquidation_comes_first() -> None:
    async with raw(*CRASH) as (exchange, client):
        await client.prepared()
        await held(client)
        await client.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="91", positionSide="LONG")
        pass_minutes(exchange, 2)
        assert [trade["price"] for trade in await client.trades()][1:] == ["90.9818"]


async def test_a_stop_beyond_the_liquidation_is_too_late() -> None:
    bars = ((100.0, 100.1, 99.9, 100.0), (85.0, 86.0, 84.0, 85.0))
    async with raw(*bars) as (exchange, client):
        await client.prepared()
        await held(client)
        stop = await client.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="88", positionSide="LONG")
        pass_minutes(exchange, 2)
        assert [trade["price"] for trade in await client.trades()][1:] == ["90.018"]
        assert (await client.ask("GET", "algoOrder", algoId=stop.body["algoId"])).body["algoStatus"] == "REJECTED"


async def test_a_liquidation_is_told_as_an_order_of_the_exchange() -> None:
    async with raw(*CRASH) as (exchange, client):
        await client.prepared()
        socket = await client.listen()
        await held(client)
        await client.order("SELL", "LIMIT", quantity="1", price="105", positionSide="LONG", timeInForce="GTC")
        pass_minutes(exchange, 2)
        told = [event["o"] for event in await events(socket) if event["e"] == "ORDER_TRADE_UPDATE"]
        assert [(row["x"], row["X"]) for row in told][3:] == [
            *(("CANCELED", "CANCELED"), ("CALCULATED", "NEW"), ("CALCULATED", "FILLED"))
        ]
        assert told[-1]["c"].startswith("autoclose-")
        forced = (await client.ask("GET", "forceOrders")).body
        assert [row["orderId"] for row in forced] == [told[-1]["i"]]


async def test_a_cross_position_lives_on_the_whole_wallet() -> None:
    async with raw(*CRASH, balances="USDT=30") as (exchange, client):
        await client.prepared(isolated=False)
        await held(client)
        (row,) = await client.positions()
        assert row["isolatedWallet"] == "0"
        assert D(row["liquidationPrice"]) < 75
        pass_minutes(exchange, 2)
        assert len(await client.positions()) == 1


async def test_a_cross_liquidation_leaves_nothing_and_owes_nothing() -> None:
    async with raw(*CRASH, balances="USDT=11") as (exchange, client):
        await client.prepared(isolated=False)
        await held(client)
        pass_minutes(exchange, 2)
        assert await client.positions() == []
        assert await client.wallet() == pytest.approx(D(0), abs=D("0.00000002"))


async def test_an_owner_is_warned_once_before_the_liquidation() -> None:
    near = ((100.0, 100.1, 99.9, 100.0), (96.0, 96.1, 90.6, 90.6), (90.6, 90.7, 90.55, 90.6))
    async with raw(*near) as (exchange, client):
        await client.prepared()
        socket = await client.listen()
        await held(client)
        for _ in range(3):
            pass_minutes(exchange, 1)
        calls = [event for event in await events(socket) if event["e"] == "MARGIN_CALL"]
        assert [call["p"][0]["ps"] for call in calls] == ["LONG"]


async def test_the_exchange_may_deleverage_a_part() -> None:
    async with raw() as (_, client):
        await client.prepared()
        socket = await client.listen()
        await held(client)
        wish = {"do": "adl", "market": "futures", "symbol": "BTCUSDT", "positionSide": "LONG", "quantity": "0.4"}
        assert await control(client.session, "stranger", **wish) == {}
        (row,) = await client.positions()
        assert (row["positionAmt"], row["isolatedWallet"]) == ("0.600", "6.00120000")
        told = [event["o"]["c"] for event in await events(socket) if event["e"] == "ORDER_TRADE_UPDATE"]
        assert told[-1].startswith("adl_autoclose")


@pytest.mark.parametrize(("side", "position", "sign"), [("BUY", "LONG", -1), ("SELL", "SHORT", 1)])
async def test_funding_is_the_notional_at_the_last_close_times_the_rate(side: str, position: str, sign: int) -> None:
    bars = ((100.0, 100.1, 99.9, 100.0), (100.0, 100.6, 99.9, 100.5))
    async with raw(*bars, funding=((2, 0.0001),)) as (exchange, client):
        await client.prepared()
        socket = await client.listen()
        await held(client, side, position, "2")
        before = await client.wallet()
        pass_minutes(exchange, 1.5)
        assert await client.wallet() == before
        pass_minutes(exchange, 2)
        assert await client.wallet() == before + sign * D("0.0201")
        rows = (await client.ask("GET", "income", incomeType="FUNDING_FEE")).body
        assert [(row["income"], row["time"]) for row in rows] == [
            (f"{sign * D('0.0201'):.8f}", PLAY_MS + 2 * MINUTE_MS)
        ]
        update = next(
            each for each in await events(socket) if each["e"] == "ACCOUNT_UPDATE" and each["a"]["m"] != "ORDER"
        )
        assert (update["a"]["m"], update["a"]["B"][0]["bc"]) == ("FUNDING_FEE", rows[0]["income"])


async def test_a_position_that_closed_before_the_funding_time_pays_nothing() -> None:
    bars = ((100.0, 100.1, 98.0, 99.0),)
    async with raw(*bars, funding=((1, 0.0001),)) as (exchange, client):
        await client.prepared()
        await held(client)
        await client.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="99", positionSide="LONG")
        pass_minutes(exchange, 1)
        assert (await client.ask("GET", "income", incomeType="FUNDING_FEE")).body == []


async def test_an_entry_at_the_funding_time_pays_nothing() -> None:
    async with raw(funding=((1, 0.0001),)) as (exchange, client):
        await client.prepared()
        pass_minutes(exchange, 1)
        await held(client)
        pass_minutes(exchange, 1)
        assert (await client.ask("GET", "income", incomeType="FUNDING_FEE")).body == []


async def test_income_explains_the_wallet() -> None:
    async with raw(*CRASH, funding=((1, 0.0002),)) as (exchange, client):
        await client.prepared()
        await held(client)
        await held(client, "SELL", "SHORT")
        pass_minutes(exchange, 2)
        wish = {"do": "deposit", "market": "futures", "asset": "USDT", "amount": "5"}
        await control(client.session, "stranger", **wish)
        rows = (await client.ask("GET", "income", limit=1000)).body
        assert {row["incomeType"] for row in rows} == {"COMMISSION", "REALIZED_PNL", "FUNDING_FEE", "TRANSFER"}
        assert await client.wallet() == 10_000 + sum(D(row["income"]) for row in rows)
        assert [row["incomeType"] for row in rows if row["symbol"] == ""] == ["TRANSFER"]


async def test_our_codec_reads_what_the_exchange_forces() -> None:
    async with ours(*CRASH) as desk:
        await desk.prepared()
        await desk.rest.place(market(Side.BUY, "1"))
        desk.pass_minutes(2)
        await until(lambda: any(each.forced is Forced.LIQUIDATION for each in desk.told(OrderUpdate)))
        last = desk.told(OrderUpdate)[-1]
        assert (last.forced, last.executions[0].price, last.executions[0].fee) == (Forced.LIQUIDATION, D("90.018"), 0)
        assert desk.told(MarginCall) == []
