"""MAX_CAPITAL: what is in use stays below it, whatever the pool has and whatever it wins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.trading.worlds import World, wish

QUIET: dict[str, Any] = {
    "LOSING_STREAK_PROTECTION": {"enable": False},
    "DAILY_LOSS_LIMIT": 0,
    "DRAWDOWN_PROTECTION": {"enable": False},
}


def quantity(**overrides: Any) -> float:
    """Return the size of the first entry."""
    world = World(**QUIET, **overrides)
    world.tick(100.0, readings=[wish()])
    return world.pending.request.quantity


def test_without_a_bound_nothing_changes_and_one_above_all_equity_binds_nothing() -> None:
    assert quantity() == quantity(MAX_CAPITAL=1_000_000)


def test_sizes_are_a_share_of_the_bound_not_of_the_equity() -> None:
    assert quantity(MAX_CAPITAL=500) == pytest.approx(500 * 0.33 / 100.0, abs=1e-3)


def test_what_is_in_use_leaves_that_much_less_to_the_next_and_in_the_end_nothing() -> None:
    coins = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    world = World(coins, MAX_CAPITAL=500, MAX_POSITION_SIZE_PCT=0.8, MIN_SIZE_RATIO=0.2, **QUIET)
    others = [world.candle(100.0, symbol=symbol) for symbol in coins[1:]]
    world.tick(100.0, readings=[wish(symbol=symbol) for symbol in coins], others=others)
    first, second = (pending.request.quantity for pending in world.book.pending.values())
    assert first == pytest.approx(4.0)
    assert second == pytest.approx(0.995 * (500 - 400) / 100.0, rel=0.01)
    assert world.rules("SOLUSDT") == {"insufficient_capital": 1}
    assert world.book.reserved <= 500
    assert world.book.pool.free > 9_000, "the pool itself has enough"


def test_profit_does_not_raise_what_may_be_in_use() -> None:
    world = World(MAX_CAPITAL=500, **QUIET)
    world.book.pool.free += 5_000
    world.book.pool.booked += 5_000
    world.tick(100.0, readings=[wish()])
    assert world.pending.request.quantity == pytest.approx(500 * 0.33 / 100.0, abs=1e-3)
