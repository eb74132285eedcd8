"""Spot positions at the exchange: guarded as soon as they are held, moved, closed, and booked to the last coin."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.execution.desk.rigs import SYMBOL, Bench, bench, until
from trader.core.commands import CancelOrder
from trader.core.events import Action, OperatorCommand
from trader.core.order import Side
from trader.core.venue import Leg, NewList, OrderKind
from trader.exchange.binance.trade_rest import TradeRest
from trader.exchange.embedded.faults import Fault
from trader.execution.client_ids import Purpose, parse

FALL = (100.0, 100.1, 99.0, 99.2)
#: A jump past stop and limit, and where it ends.
CALM = (100.0, 100.1, 99.9, 100.0)
GAP, BELOW = (90.0, 90.5, 87.5, 88.0), (88.0, 88.1, 87.9, 88.0)
RISE = (100.0, 101.2, 100.0, 101.1)
HIGH = (101.5, 101.6, 101.4, 101.5)


async def books_agree(world: Bench) -> None:
    """Check that pool and account hold the same: what fees cut off the step is a cost, and stays as dust."""
    balances = await world.balances()
    held = sum(trade.quantity_left for trade in world.logic.book.trades.values())
    invested = sum(trade.reserved for trade in world.logic.book.trades.values())
    assert 0 <= balances.get("BTC", Decimal(0)) - Decimal(repr(held)) < Decimal("0.001") * len(world.events)
    assert float(balances["USDT"]) == pytest.approx(world.logic.book.pool.free + (invested - invested), abs=1e-6)


async def is_guarded(world: Bench) -> bool:
    """Tell whether stops rest for all that is held, at the price that the core wants."""
    stops = [each for each in await world.resting() if each.trigger]
    at = {each.trigger for each in stops} == {Decimal(repr(world.trade.stop))}
    return at and sum(each.quantity for each in stops) == Decimal(repr(world.trade.quantity_left))


async def test_what_an_entry_brings_is_guarded_by_lists_for_all_of_it() -> None:
    async with bench() as world:
        trade = await world.enter()
        assert await is_guarded(world)
        targets = sorted(each.price for each in await world.resting() if not each.trigger)
        assert targets == [Decimal(repr(each.price)) for each in trade.targets]
        await books_agree(world)


async def test_a_stop_that_is_reached_ends_the_trade() -> None:
    async with bench(FALL) as world:
        await world.enter()
        await world.minute(*FALL)
        assert {reason for reason, _, _ in world.fills()} == {"entry", "stop_loss"}
        assert (world.logic.book.trades, await world.resting(), world.desk.holdings) == ({}, [], {})
        await books_agree(world)


async def test_a_stop_whose_limit_the_price_has_jumped_over_is_closed_at_market() -> None:
    async with bench(CALM, GAP, BELOW, stops_at_limit=(SYMBOL,)) as world:
        trade = await world.enter()
        for target in trade.targets:
            world.desk.send(CancelOrder(trade.id, target.order_id))
        await world.settled()
        assert [each.kind for each in await world.resting()] == ["STOP_LOSS_LIMIT"]
        await world.minute(*CALM)
        await world.minute(*GAP)
        assert world.fills()[1:] == [], "no price was at its limit"
        await until(lambda: not world.logic.book.trades)
        await world.settled()
        (_, *closed) = world.fills()
        assert {reason for reason, _, _ in closed} == {"stop_loss"}
        assert all(price < 90.0 for _, _, price in closed)
        assert (await world.resting(), world.desk.holdings) == ([], {})
        assert world.desk.alarms == [f"BTCUSDT: the stop at {trade.stop:g} does not fill: it is closed at market"]
        await books_agree(world)


async def test_a_stop_is_moved_with_every_list() -> None:
    async with bench(RISE, HIGH) as world:
        before = (await world.enter()).stop
        await world.minute(*RISE)
        assert world.trade.stop > before
        assert await is_guarded(world)


async def test_a_target_that_is_reached_closes_its_share_and_leaves_the_rest_guarded() -> None:
    rise = (100.0, 101.6, 100.0, 101.5)
    async with bench(rise, HIGH) as world:
        trade = await world.enter()
        near = ("partial_tp", trade.targets[0].quantity, trade.targets[0].price)
        await world.minute(*rise)
        assert near in world.fills()
        assert await is_guarded(world)
        await books_agree(world)


async def test_the_kill_switch_closes_at_market_and_withdraws_everything() -> None:
    async with bench() as world:
        await world.enter()
        world.logic.handle(OperatorCommand(Action.KILL))
        await world.minute(100.0, 100.1, 99.9, 100.0)
        assert [reason for reason, _, _ in world.fills()] == ["entry", "kill_switch"]
        assert (world.logic.book.trades, await world.resting()) == ({}, [])
        await books_agree(world)


LOST = (Fault.TIMEOUT_AFTER, Fault.TIMEOUT_BEFORE, Fault.ANSWER_LOST, Fault.UNEXPECTED, Fault.BACKEND_TIMEOUT)
REFUSED = (Fault.UNKNOWN_503, Fault.INTERNAL_503, Fault.UNAVAILABLE_503, Fault.OVERLOADED)


@pytest.mark.parametrize("later", [0, 1, 2])
async def test_whatever_becomes_of_a_request_nothing_is_doubled_and_all_is_guarded(later: int) -> None:
    """The faults strike the entry, the first list or the second; all at once, for they mostly wait."""
    async with asyncio.TaskGroup() as group:
        for fault in (*LOST, *REFUSED):
            group.create_task(survives(fault, later))


async def survives(fault: Fault, later: int) -> None:
    """Check that a fault of one request does no harm."""
    try:
        await _survives(fault, later)
    except BaseException as error:
        error.add_note(f"the fault was {fault}, {later} requests later")
        raise


async def _survives(fault: Fault, later: int) -> None:
    async with bench() as world:
        if not later:
            world.arm(fault)
        else:
            world.arm_after(fault, later)
        trade = await world.enter_or_not()
        entries = {each.client_id for each in world.notebook.orders if each.role == "entry"}
        assert len(entries) == 1
        if trade is None:
            assert world.dropped()
            assert await world.resting() == []
        else:
            assert await is_guarded(world)
        await books_agree(world)


async def test_a_stop_whose_price_has_passed_closes_the_position_under_its_name() -> None:
    async with bench() as world:
        world.arm(Fault.STOP_REJECTED)
        assert await world.enter_or_not() is None
        assert [reason for reason, _, _ in world.fills()] == ["entry", "stop_loss"]
        await books_agree(world)


async def test_a_position_that_cannot_be_guarded_is_closed() -> None:
    async with bench() as world:
        world.door.refuse_lists = True
        assert await world.enter_or_not() is None
        assert [reason for reason, _, _ in world.fills()] == ["entry", "unprotected"]
        assert world.desk.alarms
        await books_agree(world)


@pytest.mark.parametrize("parts", [2.0, 5.0, 0.4])
async def test_an_entry_that_fills_in_parts_is_guarded_for_what_it_brought(parts: float) -> None:
    async with bench() as world:
        world.arm(Fault.PARTIAL, parts)
        await world.enter()
        assert await is_guarded(world)
        await books_agree(world)


async def test_a_target_that_fills_in_part_leaves_the_rest_guarded() -> None:
    rise = (100.0, 101.6, 100.0, 101.5)
    async with bench(rise, HIGH) as world:
        await world.enter()
        world.arm(Fault.PARTIAL, 0.4)
        await world.minute(*rise)
        assert "partial_tp" in {reason for reason, _, _ in world.fills()}
        assert await is_guarded(world)
        await books_agree(world)


@pytest.mark.parametrize("fault", [Fault.EVENT_TWICE, Fault.EVENT_SWAP, Fault.EVENT_LATE])
async def test_events_may_come_twice_late_and_in_any_order(fault: Fault) -> None:
    async with bench(FALL) as world:
        world.arm(fault, 0.05, count=20)
        await world.enter()
        await world.minute(*FALL)
        assert {reason for reason, _, _ in world.fills()} == {"entry", "stop_loss"}
        assert world.logic.book.trades == {}
        await books_agree(world)


async def test_what_lost_events_would_have_told_is_found_by_looking_again() -> None:
    async with bench(FALL) as world:
        await world.enter()
        world.arm(Fault.EVENT_LOST, count=20)
        await world.minute(*FALL)
        assert world.logic.book.trades
        world.desk.look_again()
        await world.settled()
        assert world.logic.book.trades == {}
        await books_agree(world)


async def test_ids_say_what_every_order_at_the_exchange_is_for() -> None:
    async with bench() as world:
        trade = await world.enter()
        told = [parse(each.client_id) for each in await world.resting()]
        assert {(each.run, each.trade) for each in told if each} == {("t1", trade.position_id)}
        assert {each.purpose for each in told if each} == {Purpose.STOP, Purpose.TARGET}


async def test_where_no_further_list_is_taken_those_that_rest_guard_all() -> None:
    """The venue takes three lists of a symbol, and somebody else has two: one of all that is held is left."""
    async with bench() as world:
        rest = TradeRest(world.client)
        for number in range(2):
            above = Leg(f"web-a{number}", OrderKind.STOP_LOSS, trigger="120")
            below = Leg(f"web-b{number}", OrderKind.LIMIT_MAKER, "80")
            await rest.place_list(NewList(f"web-{number}", SYMBOL, Side.BUY, "0.1", above, below))
        trade = await world.enter()
        ours = [each for each in await world.resting() if not each.client_id.startswith("web-")]
        assert len(trade.targets) > 1
        assert {each.quantity for each in ours} == {Decimal(repr(trade.quantity))}
        assert {(each.trigger or each.price) for each in ours} == {
            Decimal(repr(price)) for price in (trade.stop, trade.take_profit)
        }
        assert world.desk.alarms == []
