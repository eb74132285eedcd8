"""What an audit finds on USD-M: positions that the exchange or a person has closed, stops that have gone."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
import pytest

from tests.exchange.embedded.wires import control
from tests.execution.audit.futures_rigs import FuturesWorld, futures_world
from tests.execution.test_recovery import essence
from trader.core.order import Fill, Role
from trader.execution.client_ids import ClientId, Purpose
from trader.execution.recovery import Place, restored


async def guarded(world: FuturesWorld) -> bool:
    """Tell whether stops rest for all that is held."""
    stops = await world.client.rest.open_stops("BTCUSDT")
    held = sum(each.quantity_left for each in world.logic.book.trades.values())
    return float(sum(each.quantity for each in stops)) == pytest.approx(held)


async def books_agree(world: FuturesWorld) -> None:
    """Check that pool and account have the same money, and the same positions."""
    free = world.logic.book.pool.free + sum(each.reserved for each in world.logic.book.trades.values())
    assert float(await world.client.wallet()) == pytest.approx(free, abs=1e-6)
    held = sum(each.quantity for each in await world.client.account.positions())
    assert float(held) == pytest.approx(sum(each.quantity_left for each in world.logic.book.trades.values()))


async def test_an_account_in_order_is_left_alone() -> None:
    async with futures_world() as world:
        await world.enter()
        assert await guarded(world)
        assert await world.audit() == []
        assert world.desk.alarms == []
        await books_agree(world)


async def test_a_stop_that_somebody_cancelled_unheard_stands_again() -> None:
    async with futures_world() as world:
        await world.enter()
        (stop,) = await world.client.rest.open_stops("BTCUSDT")
        world.deaf = True
        await world.hand(do="cancel_algo", algoId=stop.exchange_id)
        assert not await guarded(world)
        await asyncio.sleep(0.1)
        world.deaf = False
        assert await world.audit() == []
        assert await guarded(world)


@pytest.mark.parametrize("deaf", [True, False])
async def test_what_somebody_closed_by_hand_is_booked_at_that_price(deaf: bool) -> None:
    async with futures_world() as world:
        await world.enter()
        world.deaf = deaf
        await world.hand(do="close", symbol="BTCUSDT")
        await asyncio.sleep(0.1)
        world.deaf = False
        assert await world.audit() == ["SHORTFALL"]
        (entry, closed) = world.fills()
        assert closed[:2] == ("manual", entry[1])
        assert (world.logic.book.trades, world.desk.holdings) == ({}, {})
        assert await world.client.rest.open_stops("BTCUSDT") == []
        await books_agree(world)


@pytest.mark.parametrize("deaf", [True, False])
async def test_a_liquidation_is_booked_as_one_and_stops_entries(deaf: bool) -> None:
    """Told by an event at once; unheard, found by the venue's trades."""
    async with futures_world() as world:
        await world.enter()
        world.deaf = deaf
        await world.hand(do="liquidate", symbol="BTCUSDT", positionSide="LONG")
        await asyncio.sleep(0.1)
        world.deaf = False
        found = await world.audit()
        assert found == (["SHORTFALL"] if deaf else [])
        (last,) = [each for each in world.events if isinstance(each, Fill) and each.role is Role.LIQUIDATION]
        assert last.reason == "liquidation"
        assert (world.logic.book.trades, world.desk.holdings) == ({}, {})
        assert "liquidation" in world.desk.halted


async def test_deleveraging_in_part_leaves_the_rest_guarded() -> None:
    async with futures_world() as world:
        await world.enter()
        (before,) = world.logic.book.trades.values()
        left = before.quantity_left - 1
        await world.hand(do="adl", symbol="BTCUSDT", positionSide="LONG", quantity="1")
        await world.settled()
        assert world.fills()[-1][:2] == ("deleveraged", 1.0)
        (trade,) = world.logic.book.trades.values()
        assert trade.quantity_left == pytest.approx(left)
        assert await guarded(world)
        kept = world.notebook
        found = restored(world.logic.book, kept.orders, kept.fills, kept.dust, Place("f1", world.instruments, {}))
        assert [essence(each) for each in found] == [essence(each) for each in world.desk.holdings.values()]
        assert await world.audit() == []
        await books_agree(world)


async def test_a_strangers_position_is_said_once_and_never_touched() -> None:
    async with futures_world() as world:
        await world.enter()
        order = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "positionSide": "SHORT", "quantity": "0.5"}
        await world.hand(do="order", **order)
        assert await world.audit() == ["SURPLUS"]
        assert await world.audit() == ["SURPLUS"]
        assert len(world.desk.alarms) == 1
        held = {each.quantity for each in await world.client.account.positions()}
        assert Decimal("-0.5") in held


async def test_terms_are_set_before_the_entry_and_a_coin_that_is_open_keeps_its_own() -> None:
    async with futures_world() as world:
        await world.enter()
        (trade,) = world.logic.book.trades.values()
        config = (await world.client.account.symbol_configs("BTCUSDT"))["BTCUSDT"]
        assert (config.leverage, config.isolated, trade.leverage) == (5, True, 5.0)
        assert (await world.client.account.config()).hedge_mode
        world.terms.forget()
        request = next(iter(world.desk.holdings.values())).entry
        assert await world.terms.prepared(msgspec.structs.replace(request, leverage=9.0)) == ""
        assert "takes that" in world.said[-1]
        assert (await world.client.account.symbol_configs("BTCUSDT"))["BTCUSDT"].leverage == 5


async def test_a_stop_that_was_triggered_and_refused_is_followed_by_the_market_and_by_no_other_stop() -> None:
    fall = (100.0, 100.1, 99.0, 99.8)
    async with futures_world(fall) as world:
        await world.enter()
        await control(world.session, "fault", kind="trigger_rejected")
        await world.minute(fall)
        assert [reason for reason, _, _ in world.fills()] == ["entry", "stop_loss"]
        assert len({each.client_id for each in world.notebook.orders if each.role == "stop"}) == 1
        assert (world.logic.book.trades, world.desk.holdings) == ({}, {})
        await books_agree(world)


async def test_terms_that_are_refused_drop_the_entry_in_words(caplog: pytest.LogCaptureFixture) -> None:
    async with futures_world() as world:
        await world.hand(do="order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.5")
        await world.enter()
        assert len(world.dropped()) == 1
        assert "hedge mode refused: -4068" in caplog.text
        assert world.logic.book.trades == {}


async def test_a_stop_whose_id_the_journal_had_lost_counts_for_what_it_is_at_the_exchange() -> None:
    """The desk gives the id anew, is told that it is in use, and finds another price there than it wants."""
    async with futures_world() as world:
        await world.client.prepared(leverage=5)
        name = ClientId("f1", 1, Purpose.STOP, 0, 0).text
        stop = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "triggerPrice": "90", "quantity": "1"}
        await world.hand(do="algo", positionSide="LONG", clientAlgoId=name, **stop)
        await world.enter()
        (trade,) = world.logic.book.trades.values()
        (found,) = await world.client.rest.open_stops("BTCUSDT")
        assert (float(found.trigger), float(found.quantity)) == (trade.stop, trade.quantity_left)
