"""Stories of size: Kelly, confidence tiers, leverage."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.builders import settings
from tests.trading.worlds import World, wish
from trader.core.signal import Direction
from trader.core.timeframe import Timeframe
from trader.trading.kelly import kelly_cap, kelly_fraction
from trader.trading.leverage import leverage_by_confidence, leverage_of
from trader.trading.limits.base import Proposal
from trader.trading.sizing import confidence_of

TIERS = {"MARKET": "futures", "CONFIDENCE_TIERS": {"enable": True}, "LEVERAGE": 10, "MAX_PORTFOLIO_RISK": 1.0}
QUIET = {"LOSING_STREAK_PROTECTION": {"enable": False}, "DAILY_LOSS_LIMIT": 0, "DRAWDOWN_PROTECTION": {"enable": False}}


def caps(world: World) -> dict[str, float]:
    """Return the caps of the pending entry."""
    factors = world.pending.factors
    assert factors is not None
    return factors.caps


# --- Kelly ----------------------------------------------------------------------------------------------------


def lose(world: World) -> None:
    """Open a trade and let it stop out."""
    world.tick(100.0, readings=[wish()])
    world.tick(100.0, 100.0, 99.0, 100.0)


def test_kelly_caps_nothing_before_its_least_trades_and_binds_from_then_on() -> None:
    world = World(KELLY={"enable": True}, **QUIET)
    for _ in range(29):
        lose(world)
    world.tick(100.0, readings=[wish()])
    assert "kelly" not in caps(world)
    world.tick(100.0, 100.0, 99.0, 100.0)
    world.tick(100.0, readings=[wish()])
    equity = world.book.pool.equity
    assert caps(world)["kelly"] == pytest.approx(0.01 * equity / 100.0)  # no wins: the least fraction
    assert world.pending.request.quantity == pytest.approx(0.01 * equity / 100.0, abs=1e-3)
    assert world.pending.factors is not None
    assert world.pending.factors.bound == "kelly"


def test_results_of_trades_are_on_their_reserve_and_hedges_are_none() -> None:
    world = World(KELLY={"enable": True}, MARKET="futures", LEVERAGE=5, **QUIET)
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    trade = world.trade
    reserved = trade.reserved
    world.tick(100.0, 100.0, 99.0, 99.0)
    assert world.book.returns == [pytest.approx(trade.net / reserved)]
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    world.trade.hedge = True
    world.tick(100.0, 100.0, 99.0, 99.0)
    assert len(world.book.returns) == 1


@pytest.mark.parametrize(
    ("returns", "fraction"),
    [
        ([], 0.0),
        ([-0.1] * 5, 0.0),
        ([0.1] * 5, 1.0),
        ([0.02, 0.02, -0.01, -0.01], 0.25),
        ([0.02, 0.0], 0.5),
        ([0.01, -0.02, -0.02], (1 / 3 * 0.01 - 2 / 3 * 0.02) / 0.01),
    ],
)
def test_the_kelly_fraction_of_results(returns: list[float], fraction: float) -> None:
    assert kelly_fraction(returns) == pytest.approx(fraction)


def test_the_cap_looks_back_over_its_window_only() -> None:
    rules = settings(KELLY={"enable": True, "min_trades": 2, "window": 3, "fraction": 0.5, "min_fraction": 0.05})
    assert kelly_cap(rules, [0.1], 100.0) is None
    assert kelly_cap(rules, [-0.1, 0.1, 0.1, 0.1], 100.0) == pytest.approx(50.0)
    assert kelly_cap(rules, [0.1, 0.1, 0.1, -0.1, -0.1, -0.1], 100.0) == pytest.approx(5.0)
    assert kelly_cap(settings(), [0.1] * 50, 100.0) is None


def test_a_window_shorter_than_the_least_trades_forgets_no_trade_that_counts() -> None:
    world = World(KELLY={"enable": True, "min_trades": 3, "window": 2}, **QUIET)
    for _ in range(4):
        lose(world)
    assert len(world.book.returns) == 3
    world.tick(100.0, readings=[wish()])
    assert "kelly" in caps(world)


@pytest.mark.parametrize("equity", [math.nan, math.inf])
def test_a_size_that_is_no_number_is_no_size(equity: float) -> None:
    world = World()
    reading = wish()
    assert reading.signal is not None
    world.book.pool.equity = equity
    proposal = Proposal(0, reading, reading.signal, Direction.LONG, 100.0, 99.5, 1.0)
    size = world.logic.calculate_position_size(proposal)
    assert size.refusal == "insufficient_capital"


# --- confidence -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probability", "tier", "weight"),
    [
        (1.0, 1.0, 1.5),
        (0.9, 1.0, 1.5),
        (0.89, 0.8, 1.5),
        (0.8, 0.8, 1.5),
        (0.79, 0.5, 1.2),
        (0.7, 0.5, 1.2),
        (0.69, 0.3, 1.0),
        (0.65, 0.3, 1.0),
        (0.64, 0.0, 1.0),
    ],
)
def test_tiers_replace_the_weighting(probability: float, tier: float, weight: float) -> None:
    assert confidence_of(settings(**TIERS), probability) == tier
    assert confidence_of(settings(), probability) == weight
    assert confidence_of(settings(ML_CONFIDENCE_WEIGHTING={"enable": False}), probability) == 1.0


@pytest.mark.parametrize(
    ("probability", "leverage"),
    [(0.95, 10.0), (0.9, 10.0), (0.65, 1.0), (0.6, 1.0), (0.775, 5.0), (0.7, 2.0), (0.8, 6.0)],
)
def test_leverage_is_linear_in_the_probability_and_whole(probability: float, leverage: float) -> None:
    rules = settings(**TIERS)
    assert leverage_by_confidence(rules, 10.0, probability) == leverage
    world = World(**TIERS)
    world.tick(100.0, readings=[wish(probability=max(0.65, probability))])
    assert world.pending.request.leverage == leverage


def test_a_single_tier_gives_the_highest_leverage_and_the_lowest_is_never_above_it() -> None:
    one = settings(**{**TIERS, "CONFIDENCE_TIERS": {"enable": True, "tiers": [{"min_prob": 0.7, "size": 1.0}]}})
    assert leverage_by_confidence(one, 10.0, 0.7) == 10.0
    by_coin = {"LEVERAGE_BY_COIN": {"ETHUSDT": 25}, "CONFIDENCE_TIERS": {"enable": True, "lowest_leverage": 20}}
    high = settings(**{**TIERS, **by_coin})
    assert leverage_by_confidence(high, 10.0, 0.65) == 10.0


def test_a_trade_on_an_open_coin_takes_the_standing_leverage() -> None:
    world = World(("BTCUSDT", "ETHUSDT"), MAX_CONCURRENT_TRADES=9, **TIERS)
    five = Timeframe.MIN_5
    world.tick(100.0, readings=[wish(probability=0.7)])
    world.tick(100.0)
    world.tick(100.0, readings=[wish(probability=0.95, timeframe=five), wish(symbol="ETHUSDT", probability=0.95)])
    assert [pending.request.leverage for pending in world.book.pending.values()] == [2.0, 10.0]


def test_two_entries_of_one_coin_in_one_instant_share_its_leverage() -> None:
    world = World(MAX_CONCURRENT_TRADES=9, **TIERS)
    world.tick(100.0, readings=[wish(probability=0.7), wish(probability=0.95, timeframe=Timeframe.MIN_5)])
    assert [pending.request.leverage for pending in world.book.pending.values()] == [2.0, 2.0]


def test_a_flat_coin_is_free_to_take_another_leverage() -> None:
    world = World(**TIERS)
    world.tick(100.0, readings=[wish(probability=0.7)])
    world.tick(100.0, 100.0, 99.0, 100.0)
    world.tick(100.0, readings=[wish(probability=0.95)])
    assert world.pending.request.leverage == 10.0


def test_leverage_belongs_to_the_coin_and_spot_has_none() -> None:
    own: dict[str, Any] = {"LEVERAGE_BY_COIN": {"BTCUSDT": 7}}
    futures, spot = World(MARKET="futures", LEVERAGE=3, **own), World()
    assert leverage_of(futures.settings, futures.book, "BTCUSDT", 0.66) == 7.0
    assert leverage_of(futures.settings, futures.book, "ETHUSDT", 0.66) == 3.0
    assert leverage_of(spot.settings, spot.book, "BTCUSDT", 0.66) == 1.0
    tiers = World(**{**TIERS, **own})
    assert leverage_of(tiers.settings, tiers.book, "BTCUSDT") == 7.0
    assert leverage_of(tiers.settings, tiers.book, "BTCUSDT", 0.95) == 7.0


def test_below_all_tiers_nothing_is_wanted() -> None:
    world = World(**TIERS, MIN_PROBABILITY=0.5)
    world.tick(100.0, readings=[wish(probability=0.6)])
    assert world.rules() == {"below_min_size": 1}
