"""The journal is lost, the exchange is not: what rests there is known again, and seen to where that is wanted."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from tests.execution.desk.rigs import SYMBOL, Bench, Notebook, bench
from trader.core.account import AccountEvent, OrderUpdate
from trader.core.events import Event
from trader.exchange.binance.account_rest import AccountRest
from trader.execution.audit.seen import Seen, look
from trader.execution.desk.desk import Desk, Surroundings
from trader.execution.wards import Recognised, recognised, refusal, ward
from trader.journal.records import DustRecord, FillRecord, OrderRecord

FALL = (100.0, 100.1, 99.0, 99.2)
BASES = {SYMBOL: "BTC"}


async def seen_of(world: Bench) -> Seen:
    return await look("spot", world.door, AccountRest(world.client))


def adopt(world: Bench, found: Sequence[Recognised]) -> tuple[Desk, Notebook]:
    """Let a desk of the old run see to what was found; its journal keeps records, no core is told."""
    notebook = Notebook()

    def deliver(event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord]) -> None:
        notebook.record(*records)

    around = Surroundings(world.door, notebook, deliver, lambda _: float("nan"), lambda: world.now, time.monotonic)
    desk = Desk("spot", "t1", world.instruments, world.prices, around)

    def hear(event: AccountEvent) -> None:
        if isinstance(event, OrderUpdate):
            desk.tell(event)

    world.listener = hear
    desk.restore([ward(each, "BTC") for each in found])
    return desk, notebook


async def test_a_position_is_known_by_what_guards_it() -> None:
    async with bench() as world:
        trade = await world.enter()
        (found,) = recognised("t9", await seen_of(world))
        assert (found.run, found.position_id, found.symbol) == ("t1", trade.position_id, SYMBOL)
        assert (float(found.guarded), len(found.targets)) == (trade.quantity_left, len(trade.targets))
        assert recognised("t1", await seen_of(world)) == []
        assert "stops that rest: 16." in found.text


async def test_what_cannot_be_seen_to_is_refused_in_words() -> None:
    async with bench() as world:
        await world.enter()
        seen = await seen_of(world)
        (found,) = recognised("t9", seen)
        assert refusal(found, seen, world.instruments, BASES) == ""
        assert "none of COINS" in refusal(found, seen, {}, BASES)
        assert "no stop" in refusal(msgspec.structs.replace(found, stops=()), seen, world.instruments, BASES)
        poor = msgspec.structs.replace(seen, balances={})
        assert "0 are held" in refusal(found, poor, world.instruments, BASES)


async def test_a_ward_is_guarded_again_and_let_go_when_its_stop_is_reached() -> None:
    async with bench(FALL) as world:
        await world.enter()
        await world.desk.close()
        found = recognised("t9", await seen_of(world))
        before = {each.client_id for each in await world.resting()}
        desk, notebook = adopt(world, found)
        await desk.idle()
        assert {each.client_id for each in await world.resting()} == before
        first = min(before)
        await world.door.cancel(SYMBOL, first)
        desk.look_again()
        await desk.idle()
        stops = [each for each in await world.resting() if each.trigger]
        assert sum(each.quantity for each in stops) == found[0].guarded
        world.desk = desk
        await world.minute(*FALL)
        assert (desk.holdings, await world.resting()) == ({}, [])
        assert "BTC" not in await world.balances()
        assert {each.role for each in notebook.fills} == {"stop"}
        await desk.close()
