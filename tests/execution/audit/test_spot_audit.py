"""What an audit finds on spot, and what becomes of it."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.execution.audit.rigs import Audited, audited
from tests.execution.desk.rigs import until
from tests.execution.desk.test_spot import books_agree, is_guarded
from trader.core.events import Action, OperatorCommand
from trader.execution.client_ids import ClientId, Purpose

FALL = (100.0, 100.1, 99.0, 99.2)


async def test_an_account_in_order_is_asked_twice_and_left_alone() -> None:
    async with audited() as audit:
        await audit.world.enter()
        before = len(audit.world.notebook.kept)
        assert await audit.audit() == []
        assert (audit.world.desk.alarms, len(audit.world.notebook.kept)) == ([], before)


async def test_a_strangers_order_is_said_once_and_never_touched() -> None:
    async with audited() as audit:
        await audit.world.enter()
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": "90", "quantity": "0.1"}
        placed = await audit.hand(do="order", timeInForce="GTC", **order)
        assert await audit.audit() == ["STRANGERS_ORDER"]
        assert await audit.audit() == ["STRANGERS_ORDER"]
        assert len(audit.world.desk.alarms) == 1
        assert placed["clientOrderId"] in audit.world.desk.alarms[0]
        assert placed["orderId"] in {each.exchange_id for each in await audit.world.resting()}


async def own_order(audit: Audited, run: str, trade: int, purpose: Purpose = Purpose.TARGET) -> str:
    """Let an order rest under an id of this program's."""
    name = ClientId(run, trade, purpose, 0, 30).text
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": "90", "quantity": "0.1"}
    await audit.hand(do="order", timeInForce="GTC", newClientOrderId=name, **order)
    return name


@pytest.mark.parametrize(
    ("run", "trade", "found", "rests"),
    [("t1", 0, "LEFTOVER", False), ("t1", 999, "LOST", True), ("t2", 1, "OTHER_RUN", True)],
)
async def test_an_order_of_ours_is_cancelled_only_when_its_position_is_known_to_have_ended(
    run: str, trade: int, found: str, rests: bool
) -> None:
    async with audited() as audit:
        name = await own_order(audit, run, trade)
        assert await audit.audit() == [found]
        assert (name in {each.client_id for each in await audit.world.resting()}) is rests
        assert len(audit.world.desk.alarms) == 1


async def test_an_order_of_an_open_position_that_the_journal_has_lost_is_taken_up() -> None:
    async with audited() as audit:
        trade = await audit.world.enter()
        name = await own_order(audit, "t1", trade.position_id)
        assert await audit.audit() == ["UNKNOWN"]
        assert audit.world.desk.knows(name)
        assert name not in {each.client_id for each in await audit.world.resting()}
        assert await is_guarded(audit.world)


async def test_a_stop_that_somebody_cancelled_unheard_stands_again() -> None:
    async with audited() as audit:
        world = audit.world
        await world.enter()
        audit.deaf = True
        (first, *_) = [each for each in await world.resting() if each.trigger]
        await audit.hand(do="cancel", orderId=first.exchange_id)
        assert not await is_guarded(world)
        await asyncio.sleep(0.1)
        audit.deaf = False
        assert await audit.audit() == []
        assert await is_guarded(world)


@pytest.mark.parametrize("deaf", [True, False])
async def test_what_somebody_sold_by_hand_is_booked_as_closed_at_that_price(deaf: bool) -> None:
    async with audited() as audit:
        world = audit.world
        await world.enter()
        audit.deaf = deaf
        sold = await audit.hand(do="close", symbol="BTCUSDT")
        await asyncio.sleep(0.1)
        audit.deaf = False
        assert await audit.audit() == ["SHORTFALL"]
        (entry, closed) = world.fills()
        assert closed == ("manual", entry[1], float(sold["fills"][0]["price"]))
        assert (world.logic.book.trades, await world.resting(), world.desk.holdings) == ({}, [], {})
        assert any("went without an order of ours" in each for each in world.desk.alarms)
        await books_agree(world)


async def test_what_somebody_sold_in_part_is_booked_and_the_rest_is_guarded_or_closed() -> None:
    """As long as coins are missing no stop is taken for all of it: after three tries the desk closes what is left."""
    async with audited() as audit:
        world = audit.world
        await world.enter()
        audit.deaf = True
        for each in await world.resting():
            if each.trigger:
                await audit.hand(do="cancel", orderId=each.exchange_id)
        await audit.hand(do="order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="1")
        await asyncio.sleep(0.1)
        audit.deaf = False
        assert await audit.audit() == ["SHORTFALL"]
        assert world.fills()[1][:2] == ("manual", 1.0)
        assert not world.logic.book.trades or await is_guarded(world)
        await books_agree(world)


async def test_an_order_that_the_journal_has_lost_and_the_desk_sent_in_vain_again_is_booked_as_ours() -> None:
    async with audited() as audit:
        world = audit.world
        trade = await world.enter()
        audit.deaf = True
        for each in await world.resting():
            if each.trigger:
                await audit.hand(do="cancel", orderId=each.exchange_id)
        lost = ClientId("t1", trade.position_id, Purpose.CLOSE).text
        sell = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": f"{trade.quantity:.3f}"}
        await audit.hand(do="order", newClientOrderId=lost, **sell)
        await asyncio.sleep(0.1)
        audit.deaf = False
        world.logic.handle(OperatorCommand(Action.KILL))
        closing = asyncio.create_task(world.minute(100.0))
        await until(lambda: any(each.client_id == lost and each.state == "rejected" for each in world.notebook.orders))
        found = await audit.audit()
        await closing
        assert found == ["SHORTFALL"]
        assert [reason for reason, _, _ in world.fills()] == ["entry", "kill_switch"]
        assert {each.client_id for each in world.notebook.fills if each.side == "SELL"} == {lost}
        assert (world.logic.book.trades, world.desk.holdings) == ({}, {})
        await books_agree(world)


async def test_what_no_trade_explains_is_booked_at_the_last_price_and_said() -> None:
    async with audited() as audit:
        world = audit.world
        await world.enter()
        for each in await world.resting():
            if each.trigger:
                audit.deaf = True
                await audit.hand(do="cancel", orderId=each.exchange_id)
        await audit.hand(do="deposit", asset="BTC", amount="-2")
        await asyncio.sleep(0.1)
        audit.deaf = False
        assert await audit.audit() == ["SHORTFALL"]
        assert world.fills()[1] == ("manual", 2.0, world.logic.book.last_close["BTCUSDT"])
        assert any("no trade explains 2" in each for each in world.desk.alarms)
        assert not world.logic.book.trades or await is_guarded(world)
        assert all(each.trade_id >= 0 for each in world.notebook.fills)


async def test_of_what_went_in_part_of_a_step_the_core_is_told_whole_steps() -> None:
    """A rest that cannot be sold has ended for the core; the desk must not write it off a second time."""
    async with audited() as audit:
        world = audit.world
        trade = await world.enter()
        audit.deaf = True
        for each in await world.resting():
            if each.trigger:
                await audit.hand(do="cancel", orderId=each.exchange_id)
        await audit.hand(do="deposit", asset="BTC", amount=f"{-trade.quantity + 0.0004:.4f}")
        await asyncio.sleep(0.1)
        audit.deaf = False
        assert await audit.audit() == ["SHORTFALL"]
        await world.settled()
        assert [(reason, quantity) for reason, quantity, _ in world.fills()[1:]] == [("manual", trade.quantity)]
        assert (world.logic.book.trades, world.desk.holdings) == ({}, {})
        assert float(world.desk.dust.of("BTC")) == pytest.approx(float((await world.balances())["BTC"]))


async def test_more_than_we_hold_is_said_once() -> None:
    async with audited() as audit:
        await audit.world.enter()
        await audit.hand(do="deposit", asset="BTC", amount="3")
        assert await audit.audit() == ["SURPLUS"]
        await audit.hand(do="deposit", asset="BTC", amount="1")
        assert await audit.audit() == ["SURPLUS"]
        assert len(audit.world.desk.alarms) == 1
        assert len(audit.world.fills()) == 1


async def test_dust_that_was_swept_away_leaves_the_ledger() -> None:
    async with audited(FALL, BACKTEST_INITIAL_CAPITAL=9_876.0) as audit:
        world = audit.world
        await world.enter()
        await world.minute(*FALL)
        dust = world.desk.dust.of("BTC")
        assert dust == (await world.balances())["BTC"] > 0
        await audit.hand(do="deposit", asset="BTC", amount=f"-{dust}")
        assert await audit.audit() == ["DUST_GONE"]
        assert world.desk.dust.balances == {}
        assert sum((each.quantity for each in world.notebook.dust), Decimal(0)) == 0


async def test_a_refusal_for_want_of_coins_calls_the_auditor() -> None:
    async with audited() as audit:
        world = audit.world
        await world.enter()
        running = asyncio.create_task(audit.auditor.run())
        await audit.hand(do="close", symbol="BTCUSDT")
        await until(lambda: not world.logic.book.trades)
        running.cancel()
        assert [reason for reason, _, _ in world.fills()] == ["entry", "manual"]
