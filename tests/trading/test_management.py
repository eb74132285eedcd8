"""Stories of target ladders, re-entries, add-ons and reversals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import M1
from tests.trading.worlds import World, wish
from trader.core.events import Action
from trader.core.signal import Direction, Pattern
from trader.core.timeframe import Timeframe
from trader.core.trade import Trade

LADDER = {"TARGET_LADDER": {"enable": True}, "BREAKEVEN_STOP": {"enable": False}}
WIDE = {"ascending_triangle": {"sl_pct": 0.02, "tp_pct": 0.5}, "descending_triangle": {"sl_pct": 0.02, "tp_pct": 0.5}}
CALM = {name: {"enable": False} for name in ("PARTIAL_TP", "BREAKEVEN_STOP", "TRAILING_STOP")}


def opened(world: World, **reading: Any) -> Trade:
    """Open a trade at the next open, at 100."""
    world.tick(100.0, readings=[wish(**reading)])
    world.tick(100.0)
    return world.trade


# --- the target ladder ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["pattern", "atr"])
def test_a_ladder_closes_its_shares_at_parts_of_the_target_distance(mode: str) -> None:
    world = World(STOP_MODE=mode, ATR_STOP={"stop_atr": 0.5, "target_atr": 2.0}, **LADDER)
    trade = opened(world)
    target = 2.0 if mode == "atr" else 0.02 * trade.entry_price
    assert [t.price for t in trade.targets] == [
        pytest.approx(trade.entry_price + part * target, abs=0.01) for part in (0.5, 0.75, 1.0)
    ]
    assert [t.quantity / trade.quantity for t in trade.targets] == [pytest.approx(s, abs=1e-3) for s in (0.3, 0.4, 0.3)]
    assert trade.targets[-1].price == trade.take_profit
    world.tick(100.0, 103.0, 100.0, 103.0)
    assert world.reasons() == ["entry", "partial_tp", "partial_tp", "take_profit"]


def test_a_ladder_trails_by_atr_from_the_candle_in_which_its_first_target_fills() -> None:
    world = World(**LADDER, TRAILING_STOP={"enable": False})
    trade = opened(world, atr14=0.4)
    world.tick(100.0, 101.0, 100.0, 101.0)
    assert trade.stop == trade.first_stop
    world.tick(101.0, 101.1, 101.0, 101.1)
    assert trade.parts[-1].reason == "partial_tp"
    assert (trade.stop, trade.stop_reason) == (pytest.approx(101.1 - 0.8), "trailing_stop")
    world.tick(101.1, 101.4, 101.1, 101.4)
    assert trade.stop == pytest.approx(101.4 - 0.8)
    world.tick(101.4, 101.4, 100.0, 100.0)
    assert trade.parts[-1].reason == "trailing_stop"


def test_the_percent_trail_waits_for_the_ladders_first_target() -> None:
    early = {"TRAILING_STOP": {"enable": True, "activation_pct": 0.004, "trail_pct": 0.001}}
    world = World(**LADDER, **early)
    trade = opened(world, atr14=5.0)
    world.tick(100.0, 100.9, 100.0, 100.9)
    assert trade.stop == trade.first_stop
    world.tick(100.9, 101.2, 100.9, 101.2)
    assert trade.stop == pytest.approx(101.2 * 0.999, abs=0.01)


# --- re-entry -------------------------------------------------------------------------------------------------


def stopped_out(**overrides: Any) -> World:
    """Return a world whose trade was stopped out at its last instant."""
    world = World(RE_ENTRY={"enable": True}, MARKET="futures", LOSING_STREAK_PROTECTION={"enable": False}, **overrides)
    opened(world)
    world.tick(100.0, 100.0, 99.0, 100.0)
    assert world.reasons() == ["entry", "stop_loss"]
    return world


@pytest.mark.parametrize(("candles", "factors"), [(1, {"re_entry": 0.5}), (60, {"re_entry": 0.5}), (61, {})])
def test_a_re_entry_is_halved_up_to_the_last_candle(candles: int, factors: dict[str, float]) -> None:
    world = stopped_out()
    for _ in range(candles - 1):
        world.tick(100.0)
    world.tick(100.0, readings=[wish()])
    assert world.pending.factors is not None
    assert world.pending.factors.reductions == factors


def test_the_instant_of_the_stop_itself_counts() -> None:
    world = World(RE_ENTRY={"enable": True})
    opened(world)
    world.tick(100.0, 100.0, 99.0, 100.0, readings=[wish()])
    assert world.pending.factors is not None
    assert world.pending.factors.reductions == {"re_entry": 0.5}


@pytest.mark.parametrize(
    "reading",
    [
        {"pattern": Pattern.DESCENDING_TRIANGLE, "trend": 1.01},
        {"timeframe": Timeframe.MIN_5},
    ],
)
def test_the_other_way_or_another_stream_is_no_re_entry(reading: dict[str, Any]) -> None:
    world = stopped_out()
    world.tick(100.0, readings=[wish(**reading)])
    assert world.pending.factors is not None
    assert world.pending.factors.reductions == {}


def test_only_the_planned_stop_calls_for_a_re_entry() -> None:
    world = World(RE_ENTRY={"enable": True})
    opened(world)
    world.tick(100.0, 101.0, 100.0, 101.0)
    world.tick(101.0, 101.0, 99.0, 99.0)
    assert world.reasons() == ["entry", "breakeven"]
    world.tick(100.0, readings=[wish()])
    assert world.pending.factors is not None
    assert world.pending.factors.reductions == {}


# --- pyramiding -----------------------------------------------------------------------------------------------


def pyramid(**overrides: Any) -> World:
    """Return a world with a trade open at 100.02, wide targets, and room for add-ons."""
    rules = {"PATTERN_TARGETS": WIDE, "MARKET": "futures", "LEVERAGE": 5, "MAX_PORTFOLIO_RISK": 1.0, **CALM}
    world = World(PYRAMIDING={"enable": True}, MAX_CONCURRENT_TRADES=9, MAX_POSITION_SIZE_PCT=0.1, **rules | overrides)
    opened(world)
    return world


def add(world: World, price: float, **reading: Any) -> None:
    """Give the signal at `price` and let it fill there."""
    world.tick(price, readings=[wish(price, **reading)])
    world.tick(price)


def test_an_add_on_is_linked_halved_and_counted() -> None:
    world = pyramid()
    world.tick(103.1, readings=[wish(103.1)])
    assert world.pending.factors is not None
    assert world.pending.factors.reductions == {"pyramiding": 0.5}
    world.tick(103.1)
    first, second = world.book.trades.values()
    assert (first.linked_to, second.linked_to) == (None, first.id)
    assert world.book.adds == {first.id: 1}


def test_an_add_on_needs_more_profit_than_the_least() -> None:
    world = pyramid()
    at_least = world.trade.entry_price * 1.03
    world.tick(103.0, readings=[wish(at_least - 0.001)])
    assert world.rules()["already_open"] == 1
    world.tick(103.0, readings=[wish(at_least + 0.001)])
    assert world.book.pending


def test_two_add_ons_are_the_most_and_a_closed_one_counts() -> None:
    world = pyramid()
    add(world, 104.0)
    assert [trade.linked_to for trade in world.book.trades.values()] == [None, 1]
    world.tick(104.0, 104.0, 101.5, 104.0)
    assert world.reasons() == ["entry", "entry", "stop_loss"]
    add(world, 104.0)
    add(world, 106.0)
    assert world.reasons().count("entry") == 3
    assert world.rules()["already_open"] == 1
    assert world.book.adds == {1: 2}


def test_a_dropped_add_on_does_not_count() -> None:
    world = pyramid()
    world.tick(104.0, readings=[wish(104.0)])
    world.at += 2
    world.tick(104.0)
    assert world.book.dropped["BTCUSDT"]["1min"] == {"expired": 1}
    assert world.book.adds == {}
    add(world, 104.0)
    add(world, 104.0)
    assert world.book.adds == {1: 2}


def test_no_add_on_while_one_is_pending() -> None:
    world = pyramid()
    world.tick(104.0, readings=[wish(104.0)])
    world.tick(readings=[wish(104.0)])
    assert world.refusal().rule == "already_open"
    assert world.refusal().values == {"pending": True}


def test_no_add_on_the_other_way_or_to_a_trade_about_to_close() -> None:
    world = pyramid()
    world.tick(104.0, readings=[wish(104.0, pattern=Pattern.DESCENDING_TRIANGLE, trend=1.01)])
    assert world.rules()["already_open"] == 1
    world.command(Action.CLOSE, "BTCUSDT")
    world.tick(104.0, readings=[wish(104.0)])
    assert world.rules()["already_open"] == 2


def test_an_add_on_alone_is_nothing_to_add_to() -> None:
    world = pyramid()
    add(world, 104.0)
    first = next(iter(world.book.trades.values()))
    for command in world.logic.close_trade(first, "by hand", world.time):
        world.broker.send(command)
    world.tick(104.0)
    assert [trade.linked_to for trade in world.book.trades.values()] == [1]
    assert world.book.adds == {}
    world.tick(110.0, readings=[wish(110.0)])
    assert world.rules()["already_open"] == 1


def test_a_trade_whose_price_is_no_number_gets_no_add_on() -> None:
    world = pyramid()
    for close in (float("nan"), float("inf")):
        world.tick(104.0, readings=[wish(close, trend=float("-inf"))])
    assert world.rules() == {"opened": 1, "already_open": 2}


# --- reversal -------------------------------------------------------------------------------------------------

DOWN = {"pattern": Pattern.DESCENDING_TRIANGLE, "trend": 1.01}


@pytest.mark.parametrize(
    ("reading", "closes"),
    [
        ({"probability": 0.39}, True),
        ({"probability": 0.4}, False),
        ({**DOWN, "probability": 0.65, "strength": 0.65}, True),
        ({**DOWN, "probability": 0.64}, False),
        ({**DOWN, "strength": 0.64}, False),
        ({**DOWN, "timeframe": Timeframe.MIN_5}, False),
        ({"pattern": Pattern.SYMMETRICAL_TRIANGLE, "trend": 1.01}, True),
        ({"pattern": Pattern.SYMMETRICAL_TRIANGLE, "probability": 0.3}, True),
    ],
)
def test_a_trade_closes_when_its_stream_changes_its_mind(reading: dict[str, Any], closes: bool) -> None:
    world = World(MARKET="futures", REVERSAL={"enable": True})
    trade = opened(world)
    world.tick(100.0, readings=[wish(**reading)])
    assert trade.closing == ("reversal" if closes else "")


def test_a_reversal_is_an_exit_now_and_an_entry_at_a_later_signal() -> None:
    world = World(MARKET="futures", REVERSAL={"enable": True})
    opened(world)
    world.tick(100.0, readings=[wish(**DOWN)])
    assert world.rules() == {"opened": 1, "already_open": 1}
    world.tick(100.0, readings=[wish(**DOWN)])
    assert world.reasons() == ["entry", "reversal"]
    assert world.pending.request.direction is Direction.SHORT


def test_a_short_reverses_too_and_the_hours_do_not_matter() -> None:
    world = World(MARKET="futures", REVERSAL={"enable": True})
    trade = opened(world, **DOWN)
    world.command(Action.SET, "TRADING_HOURS", '{"enable":true,"start_hour":6,"end_hour":20,"timezone":"UTC"}')
    world.tick(100.0, readings=[wish()])
    assert trade.closing == "reversal"
    assert world.rules()["outside_hours"] == 1


def test_nothing_seen_reverses_nothing_and_hedges_have_no_stream() -> None:
    world = World(MARKET="futures", REVERSAL={"enable": True})
    trade = opened(world)
    trade.hedge = True
    world.tick(100.0, readings=[wish(**DOWN)])
    assert trade.closing == ""
    trade.hedge = False
    reading = wish(**DOWN)
    world.tick(100.0, readings=[type(reading)("BTCUSDT", M1, 100.0, 101.0, 1.0, None)])
    assert trade.closing == ""
