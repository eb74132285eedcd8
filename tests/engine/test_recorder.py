"""The recorder keeps trades, costs, stop moves and an equity curve with one row where something changed."""

from __future__ import annotations

import pytest

from tests.builders import START_MS
from tests.trading.worlds import World, wish
from trader.core.timeframe import MINUTE_MS
from trader.engine.recorder import Recorder
from trader.trading.book import Book


class Recorded(World):
    """A world whose notes go to a recorder, with a mark after each instant."""

    def __init__(self, **overrides: object) -> None:
        self.recorder = Recorder()
        super().__init__(**overrides)
        self.recorder.mark(START_MS, self.book)

    def note(self, note: object) -> None:
        self.recorder.note(note)  # type: ignore[arg-type]

    def tick(self, *prices: float, **rest: object) -> None:
        super().tick(*prices, **rest)  # type: ignore[arg-type]
        self.recorder.mark(START_MS + self.at * MINUTE_MS, self.book)


def traded() -> Recorded:
    """Return a world in which one trade was opened, its stop raised, and hit."""
    world = Recorded()
    world.tick(100.0, readings=[wish(100.0)])
    world.tick(100.0)
    world.tick(100.0, 101.2, 100.0, 101.0)
    world.tick(101.0, 101.0, 99.0, 99.0)
    world.tick(99.0)
    return world


def test_the_curve_begins_with_the_initial_capital() -> None:
    curve = Recorded().recorder.curve()
    columns = (curve.time, curve.equity, curve.free, curve.reserved)
    assert [column.tolist() for column in columns] == [[START_MS], [10_000.0], [10_000.0], [0.0]]


def test_the_curve_has_a_row_where_something_changed_and_none_elsewhere() -> None:
    world = Recorded()
    for price in (100.0, 101.0, 102.0):
        world.tick(price)
    assert len(world.recorder.curve().time) == 1
    curve = traded().recorder.curve()
    assert curve.time.tolist() == [START_MS + minute * MINUTE_MS for minute in (0, 1, 2, 3, 4)]


def test_each_row_is_the_pool_as_it_stood() -> None:
    world = traded()
    curve = world.recorder.curve()
    assert curve.reserved[0] == 0
    assert (curve.reserved[1:4] > 0).all()
    assert curve.equity[1] == pytest.approx(curve.free[1] + curve.reserved[1])
    assert curve.equity[3] > curve.free[3] + curve.reserved[3]
    assert (curve.equity[-1], curve.reserved[-1]) == (world.book.pool.equity, 0)
    assert curve.free[-1] == world.book.pool.free


def test_a_liquidation_that_leaves_free_capital_as_it_is_still_changes_the_reserve() -> None:
    recorder, book = Recorder(), Book.of(100.0)
    recorder.mark(0, book)
    book.part_count += 1
    recorder.mark(1, book)
    assert recorder.curve().time.tolist() == [0, 1]


def test_trades_are_kept_from_their_entry_on() -> None:
    world = Recorded()
    world.tick(100.0, readings=[wish(100.0)])
    assert world.recorder.trades == []
    world.tick(100.0)
    (trade,) = world.recorder.trades
    assert (trade.entry_time, trade.parts) == (START_MS + MINUTE_MS, [])
    world.tick(100.0, 100.0, 99.0, 99.0)
    assert [part.reason for part in trade.parts] == ["stop_loss"]


def test_turnover_and_slippage_add_up_over_all_fills() -> None:
    world = traded()
    (trade,) = world.recorder.trades
    entry, exits = trade.quantity * trade.entry_price, sum(part.quantity * part.price for part in trade.parts)
    assert world.recorder.turnover == pytest.approx(entry + exits)
    assert world.recorder.slippage == pytest.approx(entry * 0.0002 / 1.0002 + exits * 0.0002 / 0.9998)


def test_moves_of_stops_are_kept_with_their_time() -> None:
    world = traded()
    (trade,) = world.recorder.trades
    assert world.recorder.stop_moves == {trade.id: [(START_MS + 3 * MINUTE_MS, trade.stop)]}
    assert trade.stop > trade.first_stop
