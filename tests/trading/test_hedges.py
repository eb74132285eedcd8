"""Stories of hedges: when they open, what they are, when they end."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.builders import candle
from tests.trading.worlds import World, wish
from trader.core.events import Action
from trader.core.order import Fill, Role
from trader.core.signal import Direction
from trader.core.timeframe import Timeframe
from trader.trading.book import Book
from trader.trading.hedging import threshold_of
from trader.trading.hourly import Hourly
from trader.trading.notes import Dropped

STATIC = {"enable": True, "dynamic_hedge": False}


def hedger(coins: tuple[str, ...] = ("BTCUSDT",), **overrides: Any) -> World:
    """Return a futures world of one wide trade, where drawdown is the hedges' business alone."""
    rules: dict[str, Any] = {
        "MARKET": "futures",
        "LEVERAGE": 5,
        "RISK_PER_TRADE": 0.5,
        "MAX_POSITION_SIZE_PCT": 0.6,
        "MAX_PORTFOLIO_RISK": 1.0,
        "MAX_DIRECTION_EXPOSURE": 2.0,
        "DAILY_LOSS_LIMIT": 0,
        "PATTERN_TARGETS": {"ascending_triangle": {"sl_pct": 0.15, "tp_pct": 0.6}},
        "DRAWDOWN_PROTECTION": {"enable": False},
        "BREAKEVEN_STOP": {"enable": False},
        "TRAILING_STOP": {"enable": False},
        "PARTIAL_TP": {"enable": False},
        "HEDGING": STATIC,
    }
    return World(coins, **{**rules, **overrides})


def at_drawdown(world: World, drawdown: float) -> float:
    """Return the price at which the world's only trade has brought the pool to this drawdown."""
    lost = world.book.guards.peak * drawdown - world.trade.fees
    return world.trade.entry_price - lost / world.trade.quantity


def opened(world: World) -> World:
    """Open the trade: 300 at 100.02."""
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    return world


def hedged(world: World) -> World:
    """Open the trade, and the hedge at 94."""
    opened(world)
    world.tick(94.0)
    world.tick(94.0)
    return world


def test_a_hedge_is_a_share_of_the_net_quantity_the_other_way_without_stop_or_targets() -> None:
    world = hedged(hedger())
    assert world.reasons() == ["entry", "hedge_open"]
    own, hedge = world.book.trades.values()
    assert (hedge.hedge, hedge.direction, hedge.quantity) == (True, Direction.SHORT, 105.0)
    assert hedge.quantity == pytest.approx(0.35 * own.quantity)
    assert math.isnan(hedge.stop)
    assert hedge.targets == []


@pytest.mark.parametrize(
    ("hedging", "threshold"),
    [
        ({}, 0.16),
        ({"coin_overrides": {"BTCUSDT": {"hedge_threshold": 0.12}}}, 0.12),
        ({"coin_overrides": {"ETHUSDT": {"hedge_threshold": 0.12}}}, 0.16),
        ({"coin_overrides": {"BTCUSDT": {"hedge_threshold": 0.18}}, "hedge_threshold": 0.1}, 0.18),
    ],
)
def test_a_hedge_opens_at_its_coins_threshold_and_not_before(hedging: dict[str, Any], threshold: float) -> None:
    world = opened(hedger(HEDGING={**STATIC, **hedging}))
    world.tick(at_drawdown(world, threshold - 0.001))
    assert world.book.pending == {}
    world.tick(at_drawdown(world, threshold + 0.001))
    assert world.pending.hedge


def test_a_coin_without_an_override_has_the_common_threshold() -> None:
    world = hedger(("SOLUSDT",), HEDGING={**STATIC, "hedge_threshold": 0.2})
    assert threshold_of(world.settings, world.book, "SOLUSDT") == 0.2
    assert threshold_of(world.settings, world.book, "ETHUSDT") == 0.22


def test_a_hedge_closes_when_the_pool_has_recovered_and_may_open_again() -> None:
    world = hedged(hedger())
    world.tick(99.5)
    assert [trade.closing for trade in world.book.trades.values()] == ["", "hedge_close"]
    world.tick(99.5)
    assert world.reasons() == ["entry", "hedge_open", "hedge_close"]
    world.tick(93.0)
    assert world.pending.hedge


def test_a_hedge_closes_when_the_coins_own_trades_are_closed() -> None:
    world = hedged(hedger())
    world.tick(85.5, 85.5, 84.5, 85.0)
    assert world.reasons()[-1] == "stop_loss"
    assert world.trade.hedge
    assert world.trade.closing == "hedge_close"
    world.tick(85.0)
    assert world.book.trades == {}
    assert (world.book.won, world.book.lost) == (0, 1)


def test_one_hedge_of_a_coin_at_a_time() -> None:
    world = opened(hedger())
    for price in (94.0, 93.0, 92.0, 91.0):
        world.tick(price)
    assert world.reasons() == ["entry", "hedge_open"]


def test_a_coin_that_is_ahead_is_not_hedged_though_the_pool_is_in_drawdown() -> None:
    coins = ("BTCUSDT", "ETHUSDT")
    world = hedger(coins, MAX_POSITION_SIZE_PCT=0.4)
    world.tick(
        100.0,
        readings=[wish(), wish(symbol="ETHUSDT")],
        others=[world.candle(100.0, symbol="ETHUSDT")],
    )
    world.tick(100.0, others=[world.candle(100.0, symbol="ETHUSDT")])
    world.tick(101.0, others=[world.candle(86.0, symbol="ETHUSDT")])
    assert world.pending.request.symbol == "ETHUSDT"


def test_a_hedge_below_the_exchanges_minimum_does_not_open() -> None:
    world = opened(hedger(filters={"tickSize": "0.01", "stepSize": "0.001", "minQty": "106", "minNotional": "5"}))
    world.tick(94.0)
    assert world.book.pending == {}


def test_a_hedge_whose_reserve_is_above_free_capital_does_not_open() -> None:
    world = opened(hedger(MAX_POSITION_SIZE_PCT=0.99))
    assert world.book.pool.free < 0.35 * 0.99 * 10_000
    world.tick(96.0)
    assert world.book.pending == {}


def test_a_hedge_that_no_candle_fills_in_time_is_dropped_in_silence() -> None:
    world = opened(hedger())
    world.tick(94.0)
    free = world.book.pool.free + world.pending.reserve
    world.at += 2
    world.tick(94.0)
    assert world.pending.request.decided == world.time  # the first was dropped: a new one is wanted
    assert world.book.pool.free == pytest.approx(free - world.pending.reserve)
    assert world.book.dropped == {}
    assert [note for note in world.notes if isinstance(note, Dropped)] == []


def test_the_kill_switch_drops_a_waiting_hedge_and_forbids_another() -> None:
    world = opened(hedger())
    world.tick(94.0)
    world.command(Action.KILL)
    world.tick()
    assert world.book.pending == {}
    world.tick(94.0)
    assert world.reasons() == ["entry", "kill_switch"]


def test_no_hedge_opens_while_the_drawdown_closes_everything() -> None:
    world = opened(hedger(DRAWDOWN_PROTECTION={"enable": True, "reduce_at": 0.05, "pause_at": 0.1, "close_at": 0.15}))
    world.tick(94.0)
    assert world.book.pending == {}
    assert world.trade.closing == "drawdown"


def test_a_pause_stops_no_hedge() -> None:
    world = opened(hedger())
    world.command(Action.PAUSE)
    world.tick(94.0)
    assert world.pending.hedge


def test_a_hedge_can_be_liquidated_and_loses_its_reserve() -> None:
    near = {"ascending_triangle": {"sl_pct": 0.03, "tp_pct": 0.6}}
    world = hedger(LEVERAGE_BY_COIN={"BTCUSDT": 20}, BACKTEST_INITIAL_CAPITAL=1_000.0, PATTERN_TARGETS=near)
    world.book.guards.peak = 1_300.0  # a better past: the pool is in drawdown
    opened(world)
    world.tick(99.0)
    world.tick(99.0)
    hedge = list(world.book.trades.values())[-1]
    assert hedge.hedge
    reserve = hedge.reserved
    world.tick(99.0, 104.5, 99.0, 104.0)
    assert world.reasons()[-1] == "liquidation"
    assert hedge.parts[-1].net == pytest.approx(-reserve - hedge.entry_fee)
    assert (world.book.won, world.book.lost) == (0, 0)


def test_hedges_are_no_trades_for_the_limit_on_trades_but_exposure() -> None:
    coins = ("BTCUSDT", "ETHUSDT")
    world = hedger(coins, MAX_CONCURRENT_TRADES=2, MAX_POSITION_SIZE_PCT=0.4)
    world.tick(100.0, readings=[wish()], others=[world.candle(100.0, symbol="ETHUSDT")])
    world.tick(100.0, others=[world.candle(100.0, symbol="ETHUSDT")])
    world.tick(91.0, others=[world.candle(100.0, symbol="ETHUSDT")])
    world.tick(91.0, readings=[wish(symbol="ETHUSDT")], others=[world.candle(100.0, symbol="ETHUSDT")])
    assert world.rules("ETHUSDT") == {"opened": 1}
    hedge = next(trade for trade in world.book.trades.values() if trade.hedge)
    assert world.book.reserved_where(symbol="BTCUSDT", direction=Direction.SHORT) == hedge.reserved


def test_spot_has_no_shorts_and_so_no_hedges() -> None:
    world = hedger(LEVERAGE=1)
    world.logic.settings = world.logic.settings.model_copy(update={"MARKET": "spot"})
    world.book.guards.peak = 20_000.0
    opened(world)
    world.tick(94.0)
    assert world.book.pending == {}


@pytest.mark.parametrize(
    ("present", "factor"),
    [(0.01, 1.0), (0.0125, 0.8), (0.02, 0.7), (1.0, 0.7), (0.008, 1.25), (0.005, 1.3), (0.00001, 1.3), (0.0, 1.0)],
)
def test_the_threshold_moves_with_volatility_within_bounds(present: float, factor: float) -> None:
    world = hedger(HEDGING={"enable": True})
    world.book.hours["BTCUSDT"] = Hourly(ranges=dict.fromkeys(range(100), 0.01) | {100: present})
    assert threshold_of(world.settings, world.book, "BTCUSDT") == pytest.approx(0.16 * factor)


def test_the_threshold_stays_while_volatility_is_not_known_or_not_asked_for() -> None:
    world = hedger(HEDGING={"enable": True})
    world.book.hours["BTCUSDT"] = Hourly(ranges=dict.fromkeys(range(98), 0.01) | {98: 0.05})
    assert threshold_of(world.settings, world.book, "BTCUSDT") == 0.16
    assert threshold_of(world.settings, Book.of(1.0), "BTCUSDT") == 0.16
    world.book.hours["BTCUSDT"].ranges[99] = 0.05
    assert threshold_of(world.settings, world.book, "BTCUSDT") == pytest.approx(0.7 * 0.16)
    static = hedger()
    static.book.hours = world.book.hours
    assert threshold_of(static.settings, static.book, "BTCUSDT") == 0.16


@pytest.mark.parametrize(("before", "after", "hedges"), [(0.0005, 0.004, True), (0.004, 0.0005, False)])
def test_a_wild_market_is_hedged_sooner_and_a_calm_one_later(before: float, after: float, hedges: bool) -> None:
    """The drawdown is 14 %: enough when the threshold of 16 % is cut to 11.2 %, not when it is raised to 20.8 %."""
    world = hedger(timeframe=Timeframe.HOUR_1, HEDGING={"enable": True})
    for hour in range(150):
        spread = before if hour < 120 else after
        world.tick(100.0, 100 * (1 + spread), 100 * (1 - spread), 100.0)
    world.tick(100.0, readings=[wish(timeframe=Timeframe.HOUR_1)])
    world.tick(100.0)
    world.tick(100.0, 100.0, 95.4, 95.4)
    assert bool(world.book.pending) == hedges


@pytest.mark.parametrize(("recovery", "hedges"), [(0.13, True), (0.142, False)])
def test_a_wild_market_brings_no_hedge_where_hedges_close(recovery: float, hedges: bool) -> None:
    """The drawdown is 14 %, the threshold of 16 % is cut to 11.2 %: past the recovery it would flap."""
    world = hedger(timeframe=Timeframe.HOUR_1, HEDGING={"enable": True, "hedge_recovery_threshold": recovery})
    for hour in range(150):
        spread = 0.0005 if hour < 120 else 0.004
        world.tick(100.0, 100 * (1 + spread), 100 * (1 - spread), 100.0)
    world.tick(100.0, readings=[wish(timeframe=Timeframe.HOUR_1)])
    world.tick(100.0)
    world.tick(100.0, 100.0, 95.4, 95.4)
    assert bool(world.book.pending) == hedges


def test_candles_longer_than_an_hour_tell_no_hours() -> None:
    hours = Hourly()
    for at in range(200):
        four = candle(100.0, high=101.0, low=99.0, at=at, timeframe=Timeframe.HOUR_4)
        hours.take(four, four.close_time)
    assert hours == Hourly()


def test_a_hedge_that_fills_in_parts_has_no_stop_to_move() -> None:
    world = opened(hedger())
    world.tick(94.0)
    request = world.pending.request
    parts = [
        Fill(
            world.time,
            request.order_id,
            request.position_id,
            "BTCUSDT",
            Role.ENTRY,
            Direction.SHORT,
            half,
            94.0,
            1.0,
            0.0,
            "",
        )
        for half in (50.0, 55.0)
    ]
    assert [world.logic.handle(part) for part in parts] == [[], []]
    assert world.book.trades[request.position_id].quantity == 105.0
