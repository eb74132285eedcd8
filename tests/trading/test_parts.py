"""Orders that an exchange fills in parts: what the core makes of each part."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import M1, START_MS, candle
from tests.trading.worlds import World, wish
from trader.core.commands import AmendStop, CancelOrder, Command, SubmitOrder
from trader.core.events import Action
from trader.core.order import Fill, OrderDropped, Role
from trader.core.signal import Direction, Pattern


def entered(*parts: tuple[float, float], **overrides: object) -> tuple[World, list[list[Command]]]:
    """Return a world whose first entry filled in `parts` (quantity, price), and the commands after each."""
    world = World(**overrides)
    world.tick(100.0, readings=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
    return world, [world.logic.handle(fill(Role.ENTRY, *part)) for part in parts]


def fill(role: Role, quantity: float, price: float, order_id: int = 1) -> Fill:
    """Return a fill of the first entry's position, which is LONG."""
    fee = quantity * price * 0.001
    return Fill(START_MS + M1.ms, order_id, 1, "BTCUSDT", role, Direction.LONG, quantity, price, fee, 0.0, str(role))


def submitted(commands: Sequence[Command], role: Role) -> list[tuple[float, float]]:
    return [
        (each.request.quantity, each.request.price)
        for each in commands
        if isinstance(each, SubmitOrder) and each.request.role is role
    ]


def test_the_first_part_of_an_entry_is_guarded_at_once() -> None:
    world, (commands,) = entered((10.0, 100.0))
    assert submitted(commands, Role.STOP) == [(10.0, 99.4)]
    assert submitted(commands, Role.TARGET) == [(5.0, 101.5), (5.0, 102.4)]
    assert world.trade.quantity == 10.0


def test_a_further_part_moves_the_levels_to_the_average_and_replaces_the_targets() -> None:
    world, (first, second) = entered((10.0, 100.0), (20.0, 103.0))
    trade = world.trade
    assert (trade.quantity, trade.quantity_left, trade.entry_price) == (30.0, 30.0, 102.0)
    assert AmendStop(1, trade.stop_order_id, 101.39, "stop_loss") in second
    orders = [each.request for each in first if isinstance(each, SubmitOrder)]
    old = [each.order_id for each in orders if each.role is Role.TARGET]
    assert [each.order_id for each in second if isinstance(each, CancelOrder)] == old
    assert sum(quantity for quantity, _ in submitted(second, Role.TARGET)) == 30.0
    assert trade.reserved == pytest.approx(30 * 102.0)


def test_a_target_that_fills_in_parts_stays_until_it_is_filled() -> None:
    world, _ = entered((10.0, 100.0))
    target = world.trade.targets[0]
    world.logic.handle(fill(Role.TARGET, 2.0, target.price, target.order_id))
    assert [each.quantity for each in world.trade.targets] == [3.0, 5.0]
    world.logic.handle(fill(Role.TARGET, 3.0, target.price, target.order_id))
    assert [each.quantity for each in world.trade.targets] == [5.0]


def test_what_comes_after_a_part_has_closed_goes_to_the_last_target() -> None:
    world, _ = entered((10.0, 100.0))
    near, last = world.trade.targets
    world.logic.handle(fill(Role.TARGET, 5.0, near.price, near.order_id))
    world.logic.handle(fill(Role.ENTRY, 4.0, 100.0))
    (target,) = world.trade.targets
    assert (target.price, target.quantity) == (last.price, 9.0)
    assert world.trade.quantity_left == 9.0


PARTS = st.lists(st.tuples(st.integers(1, 5_000), st.integers(9_900, 10_100)), min_size=1, max_size=6)


@given(PARTS)
def test_however_an_entry_is_parted_money_and_quantities_add_up(parts: list[tuple[int, int]]) -> None:
    amounts = [(quantity / 1000, price / 100) for quantity, price in parts]
    world, _ = entered(*amounts)
    bought = sum(quantity for quantity, _ in amounts)
    trade = world.trade
    assert trade.quantity_left == pytest.approx(bought)
    assert sum(target.quantity for target in trade.targets) == pytest.approx(bought)
    assert trade.entry_price == pytest.approx(sum(quantity * price for quantity, price in amounts) / bought)
    paid = sum(quantity * price * 1.001 for quantity, price in amounts)
    assert world.book.pool.free == pytest.approx(10_000 - paid)
    world.logic.handle(fill(Role.STOP, trade.quantity_left, 99.0, trade.stop_order_id))
    assert world.book.trades == {}
    earned = bought * 99.0 * 0.999 - paid
    assert world.book.pool.free == pytest.approx(10_000 + earned)
    assert trade.net == pytest.approx(earned)


def test_an_entry_that_fills_after_it_was_withdrawn_is_closed_at_once() -> None:
    world = World()
    world.tick(100.0, readings=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
    world.command(Action.KILL)
    world.tick()
    assert world.book.pending == {}
    commands = world.logic.handle(fill(Role.ENTRY, 10.0, 100.0))
    assert world.trade.closing == "kill_switch"
    assert submitted(commands, Role.STOP), "it is guarded until it is closed"
    (close,) = [each.request for each in commands if isinstance(each, SubmitOrder) and each.request.role is Role.CLOSE]
    assert close.quantity == 10.0
    world.logic.handle(fill(Role.CLOSE, 10.0, 100.0, close.order_id))
    assert world.book.pool.free == pytest.approx(10_000 - 2 * 10 * 100 * 0.001)


def test_a_withdrawn_entry_is_forgotten_once_it_is_known_not_to_fill() -> None:
    world = World()
    world.tick(100.0, readings=[wish(pattern=Pattern.DOUBLE_BOTTOM)])
    world.command(Action.KILL)
    world.tick()
    world.engine.process(OrderDropped(world.time, 1, "BTCUSDT", "expired"))
    assert world.book.withdrawn == {}


def test_entries_that_are_withdrawn_together_long_after_they_were_sent_are_all_remembered() -> None:
    world = World(["BTCUSDT", "ETHUSDT"], MAX_POSITION_SIZE_PCT=0.1)
    other = candle(100.0, symbol="ETHUSDT")
    world.tick(100.0, readings=[wish(), wish(symbol="ETHUSDT")], others=[other])
    for _ in range(5):
        world.tick()  # the daemon was dead, and nothing has been told since
    world.command(Action.KILL)
    world.tick()
    assert (world.book.pending, set(world.book.withdrawn)) == ({}, {1, 2})
    commands = world.logic.handle(fill(Role.ENTRY, 10.0, 100.0))
    assert submitted(commands, Role.STOP), "what filled after all is guarded until it is closed"
    assert world.trade.closing == "kill_switch"
