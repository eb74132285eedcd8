"""What is killed goes on: nothing is forgotten, nothing is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.exchange.embedded.traders import QUIET
from tests.execution.kept import Kept, Life, kept
from tests.journal.values import opened
from tests.trading.worlds import wish
from trader.core.errors import InvariantError, JournalError
from trader.core.events import Action, OperatorCommand
from trader.core.signal import Pattern
from trader.execution.desk import attendant
from trader.execution.desk.holding import Holding
from trader.execution.recovery import remembered, restored
from trader.execution.states import IN_DOUBT, OrderState
from trader.journal.place import Place as DiskPlace
from trader.journal.reader import Reader
from trader.trading.book import Book

RISE = (100.0, 101.6, 100.0, 101.5)
FALL = (101.5, 101.6, 99.0, 99.2)


async def stopped(world: Kept) -> None:
    """Enter, reach the first target, and be stopped."""
    await world.minute(*QUIET, sees=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
    await world.minute(*RISE)
    await world.minute(*FALL)


async def closed(world: Kept) -> None:
    """Enter, and be closed by a person."""
    await world.minute(*QUIET, sees=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
    world.take(OperatorCommand(Action.CLOSE_ALL), (), world.life)
    await world.minute(*RISE)
    await world.minute(*FALL)


Story = Callable[[Kept], Awaitable[None]]
#: So that the fee cuts something off the step.
CAPITAL = 9_876.0


def essence(holding: Holding) -> dict[str, Any]:
    """Return what matters of a position: what is wanted, what was sent for it, what the core has been told."""
    sent = {
        each.client_id: (
            "in doubt" if each.order.state in {*IN_DOUBT, OrderState.INTENDED} else each.order.state,
            msgspec.structs.replace(each.order, state=OrderState.OPEN, reason=""),
            each.purpose,
            each.order_id,
            each.reason,
            repr(each.price),
            each.list_id,
            each.attempt,
            each.told,
        )
        for each in holding.sent.values()
    }
    targets = {key: each for key, each in holding.targets.items() if each.quantity > holding.executed(key)}
    close = holding.close and holding.close.reason
    return {
        "sent": sent,
        "targets": {key: repr(each) for key, each in targets.items()},
        "wants": (holding.stop, close, holding.rescue, holding.dropped, holding.direction, repr(holding.entry)),
        "holds": (holding.owned, holding.entered, holding.left, holding.dust, holding.base),
    }


def goes_on(holding: Holding) -> bool:
    """Tell whether anything is left to be done for a position, or told of it."""
    orders = holding.sent.values()
    unsettled = any(each.rests or each.in_doubt or each.order.untold > 0 for each in orders)
    return unsettled or holding.left > 0 or not holding.entered


@pytest.mark.parametrize("story", [stopped, closed])
async def test_at_every_entry_of_the_journal_it_knows_what_the_desk_knew(story: Story) -> None:
    async with kept(RISE, FALL, BACKTEST_INITIAL_CAPITAL=CAPITAL) as world:
        await story(world)
        assert len(world.pages) > 20
        for number, page in enumerate(world.pages):
            knew = msgspec.msgpack.decode(page.holdings, type=list[Holding])
            _, found = world.restored(page)
            expected = [essence(each) for each in knew if goes_on(each)]
            assert [essence(each) for each in found] == expected, f"after entry {number}"


class Ending(msgspec.Struct):
    """What was told, owned and sent in a story that was killed once, at a certain entry of its journal."""

    fills: list[tuple[str, float, float]]
    balances: dict[str, Decimal]
    resting: int
    entries: int
    dropped: list[str]
    alarms: list[str]
    dust: dict[str, Decimal]
    pages: int


async def ending(story: Story, dies: int = -1, late: bool = False) -> Ending:
    async with kept(RISE, FALL, life=Life(dies, late), BACKTEST_INITIAL_CAPITAL=CAPITAL) as kept_world:
        await story(kept_world)
        world = kept_world.world
        entries = {each.client_id for each in kept_world.notebook.orders if each.role == "entry"}
        return Ending(
            world.fills(),
            await world.balances(),
            len(await world.resting()),
            len(entries),
            world.dropped(),
            world.desk.alarms,
            dict(world.desk.dust.balances),
            len(kept_world.pages),
        )


@pytest.mark.parametrize(("story", "first", "late"), [(stopped, 1, False), (stopped, 1, True), (closed, 12, True)])
async def test_killed_after_any_entry_the_story_ends_as_it_would_have(
    story: Story, first: int, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `late` the request that was to follow the entry reaches the exchange, and its answer nobody.

    Doubt about it takes longer here than a position may go unguarded: a stop is tried all the same before it is closed.
    """
    monkeypatch.setattr(attendant, "LATEST_S", 1.0)
    monkeypatch.setattr(attendant, "LATEST_RESTING_S", 1.0)
    monkeypatch.setattr(attendant, "GUARD_S", 0.5)
    whole = await ending(story)
    assert whole.dust
    endings = await asyncio.gather(*(ending(story, entry, late) for entry in range(first, whole.pages + 1)))
    for number, found in enumerate(endings, start=first):
        assert (found.resting, found.alarms, found.entries <= 1) == (0, [], True), f"killed after entry {number}"
        if found.dropped:
            assert (found.fills, found.balances) == ([], {"USDT": Decimal("10000.00000000")})
        else:
            assert (found.fills, found.balances, found.dust) == (whole.fills, whole.balances, whole.dust), number
    assert sum(bool(each.dropped) for each in endings) <= 2


@pytest.mark.parametrize("page", [5, 9, 15, 20, -1])
async def test_a_journal_on_the_disk_gives_the_same_positions(page: int, tmp_path: Path) -> None:
    async with kept(RISE, FALL, BACKTEST_INITIAL_CAPITAL=CAPITAL) as world:
        await stopped(world)
    chosen = world.pages[page]
    book, expected = world.restored(chosen)
    place = DiskPlace(tmp_path)
    with opened(place) as journal:
        journal.record(*world.notebook.kept[: chosen.records])
        assert await journal.durable()
        with Reader(place) as reader:
            known = remembered(reader, 1, "t1", book)
            other = remembered(reader, 1, "t2", Book.of(1.0))
    found = restored(book, known.orders, known.fills, known.dust, world.place)
    assert [essence(each) for each in found] == [essence(each) for each in expected]
    assert other.orders == []


async def test_an_open_trade_without_its_order_in_the_journal_stops_the_start() -> None:
    async with kept() as world:
        await world.minute(*QUIET, sees=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
    book = world.logic.book
    assert book.trades
    with pytest.raises(InvariantError, match="no order that opened it"):
        restored(book, [], [], [], world.place)


async def test_an_order_of_the_journal_that_nobody_can_read_stops_the_start() -> None:
    async with kept() as world:
        await world.minute(*QUIET, sees=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
    orders = [msgspec.structs.replace(each, state_data=b"?") for each in world.notebook.orders]
    with pytest.raises(JournalError, match="cannot be gone on from"):
        restored(world.logic.book, orders, [], [], world.place)
