"""Books that contradict themselves: entries end, exits go on, a person is told."""

from __future__ import annotations

import logging

import pytest

from tests.builders import START_MS
from tests.trading.worlds import World, wish
from trader.core.events import Instant
from trader.core.timeframe import MINUTE_MS
from trader.engine.live.careful import CarefulEngine


def step(world: World, careful: CarefulEngine, *prices: float, signal: bool = False) -> None:
    """Close an instant through the careful engine."""
    world.readings = [wish()] if signal else []
    own = world.candle(*prices)
    world.at += 1
    careful.step(Instant(START_MS + world.at * MINUTE_MS, (own,)))


def test_a_contradiction_pauses_entries_and_stops_still_work(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    careful = CarefulEngine(world.engine)
    step(world, careful, 100, signal=True)
    step(world, careful, 100)
    world.book.pool.free += 5.0
    with caplog.at_level(logging.ERROR):
        step(world, careful, 100, signal=True)
    assert careful.distrusted
    assert "the books contradict themselves, a fault of this program: the pool contradicts" in caplog.text
    assert world.book.guards.paused
    step(world, careful, 100, 100, 90, 95, signal=True)
    assert [reason for reason, _, _ in world.fills()] == ["entry", "stop_loss"]
    step(world, careful, 100, signal=True)
    assert not world.book.pending
    assert len(caplog.records) == 1


def test_an_entry_whose_answer_was_cut_off_gets_its_stop_and_targets_all_the_same() -> None:
    world = World()
    careful = CarefulEngine(world.engine)
    step(world, careful, 100, signal=True)
    world.book.pool.booked += 1.0
    step(world, careful, 100)
    (trade,) = world.book.trades.values()
    position = world.broker.state.positions[trade.position_id]
    assert position.stop is not None
    assert position.stop.price == trade.stop
    assert [target.price for target in position.targets] == [target.price for target in trade.targets]
    step(world, careful, 100, 100, 90, 95)
    assert [reason for reason, _, _ in world.fills()] == ["entry", "stop_loss"]


def test_books_that_hold_are_stepped_as_the_engine_does() -> None:
    one, other = World(), World()
    careful = CarefulEngine(one.engine)
    for prices in ([100], [100], [101, 103, 100, 102], [102, 102, 90, 91]):
        step(one, careful, *prices, signal=len(prices) == 1)
        other.tick(*prices, readings=[wish()] if len(prices) == 1 else [])
    assert one.fills() == other.fills()
    assert one.book == other.book
    assert not careful.distrusted
