"""Stories of what a person commands: pause, close, change a setting."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import settings
from tests.trading.worlds import World, wish
from trader.core.errors import ConfigError
from trader.core.events import Action
from trader.core.timeframe import Timeframe
from trader.trading.changes import CHANGEABLE, changed_settings
from trader.trading.notes import Dropped, GuardChanged

COINS = ("BTCUSDT", "ETHUSDT")


def two_coins(**overrides: Any) -> World:
    """Return a world with an open trade on BTCUSDT, and a pending one on each coin."""
    world = World(COINS, MAX_POSITION_SIZE_PCT=0.2, **overrides)
    others = [world.candle(100.0, symbol="ETHUSDT")]
    world.tick(100.0, readings=[wish()], others=others)
    world.tick(
        100.0,
        readings=[wish(timeframe=Timeframe.MIN_5), wish(symbol="ETHUSDT")],
        others=[world.candle(100.0, symbol="ETHUSDT")],
    )
    assert (len(world.book.trades), len(world.book.pending)) == (1, 2)
    return world


# --- closing --------------------------------------------------------------------------------------------------


def test_closing_one_coin_drops_its_pending_entries_and_closes_its_trades_at_the_next_open() -> None:
    world = two_coins()
    world.command(Action.CLOSE, "BTCUSDT")
    world.tick()
    assert world.pending.request.symbol == "ETHUSDT"
    assert [note.rule for note in world.notes if isinstance(note, Dropped)] == ["manual"]
    world.tick(100.5, others=[world.candle(100.0, symbol="ETHUSDT")])
    assert world.reasons() == ["entry", "entry", "manual"]
    assert world.trade.symbol == "ETHUSDT"


def test_closing_all_closes_and_drops_everything_and_forbids_nothing() -> None:
    world = two_coins()
    world.command(Action.CLOSE_ALL)
    world.tick()
    world.tick(100.5, readings=[wish()], others=[world.candle(100.0, symbol="ETHUSDT")])
    assert world.reasons() == ["entry", "manual"]
    assert world.rules()["opened"] == 2


@pytest.mark.parametrize("name", ["", "DOGEUSDT", "btcusdt"])
def test_closing_a_coin_that_is_not_there_closes_nothing(name: str) -> None:
    world = two_coins()
    world.command(Action.CLOSE, name)
    world.tick()
    assert len(world.book.pending) == 2
    assert world.trade.closing == ""


def test_a_manual_close_comes_before_the_kill_switch_of_the_same_instant() -> None:
    world = two_coins()
    world.command(Action.KILL)
    world.command(Action.CLOSE, "BTCUSDT")
    world.tick()
    assert world.trade.closing == "manual"
    assert [note.rule for note in world.notes if isinstance(note, Dropped)] == ["manual", "kill_switch"]


# --- changing a setting ---------------------------------------------------------------------------------------


def changes(world: World) -> list[GuardChanged]:
    """Return what was told of settings."""
    return [note for note in world.notes if isinstance(note, GuardChanged) and note.guard == "settings"]


def test_a_changed_setting_decides_from_its_instant_on() -> None:
    world = World()
    world.command(Action.SET, "MIN_PROBABILITY", "0.7")
    world.tick(100.0, readings=[wish(probability=0.69)])
    world.command(Action.SET, "LOSING_STREAK_PROTECTION.cooldown_minutes", "5")
    world.tick(100.0, readings=[wish(probability=0.7)])
    assert world.rules() == {"low_probability": 1, "opened": 1}
    assert world.logic.settings.LOSING_STREAK_PROTECTION.cooldown_minutes == 5
    assert [note.on for note in changes(world)] == [True, True]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("LEVERAGE", "5", "LEVERAGE cannot change while running; allowed: MIN_PROBABILITY"),
        ("HEDGING.enable", "true", "cannot change while running"),
        ("", "1", "cannot change while running"),
        ("MIN_PROBABILITY", "1.5", "MIN_PROBABILITY"),
        ("MIN_PROBABILITY", '"high"', "MIN_PROBABILITY"),
        ("MIN_PROBABILITY", "null", "MIN_PROBABILITY"),
        ("MIN_PROBABILITY", "much", "is no JSON"),
        ("MIN_PROBABILITY", "", "is no JSON"),
        ("MIN_PROBABILITY.of", "1", "is no setting"),
        ("MIN_PROBABILITY.of.btc", "1", "is no setting"),
        ("TRADING_HOURS.zone", '"UTC"', "is no setting"),
        ("TRADING_HOURS.start.hour", "6", "is no setting"),
        ("TRADING_HOURS", '{"enable":true}', "TRADING_HOURS"),
        ("DRAWDOWN_PROTECTION.pause_at", "0.5", "DRAWDOWN_PROTECTION"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_nothing_changes(name: str, value: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        changed_settings(settings(), {name: value})
    world = World()
    before = world.logic.settings
    world.command(Action.SET, name, value)
    world.tick(100.0, readings=[wish()])
    assert world.rules() == {"opened": 1}
    assert world.logic.settings is before
    assert world.book.changed == {}
    (refused,) = changes(world)
    assert not refused.on
    assert text in refused.text
    world.save_and_load()


@pytest.mark.parametrize("name", CHANGEABLE)
def test_what_may_change_can_be_set_to_what_it_is(name: str) -> None:
    before = settings()
    value = before.model_dump_json(include={name})
    text = value[value.index(":") + 1 : -1]
    assert changed_settings(before, {name: text}) == before


def test_two_changes_that_clash_leave_the_first_in_force_and_the_run_goes_on() -> None:
    world = World()
    world.command(Action.SET, "DRAWDOWN_PROTECTION.pause_at", "0.12")
    world.command(Action.SET, "DRAWDOWN_PROTECTION.reduce_at", "0.15")
    world.tick(100.0, readings=[wish()])
    assert world.logic.settings.DRAWDOWN_PROTECTION.pause_at == 0.12
    assert world.logic.settings.DRAWDOWN_PROTECTION.reduce_at == 0.10
    assert [note.on for note in changes(world)] == [True, False]


def test_changes_are_kept_over_save_and_load_in_their_order() -> None:
    world = World()
    whole = '{"enable":true,"activation_pct":0.02,"trail_pct":0.01}'
    for name, value in [
        ("TRAILING_STOP", whole),
        ("TRAILING_STOP.enable", "false"),
        ("TRAILING_STOP", whole),
        ("MAX_CONCURRENT_TRADES", "1"),
        ("MAX_CONCURRENT_TRADES", "2"),
    ]:
        world.command(Action.SET, name, value)
    world.tick(100.0)
    running = world.logic.settings
    assert running.TRAILING_STOP.enable
    world.save_and_load()
    assert world.logic.settings == running
    assert world.settings.MAX_CONCURRENT_TRADES == 3


def test_a_command_waits_in_the_books_for_the_next_instant() -> None:
    world = World()
    world.command(Action.SET, "MAX_CONCURRENT_TRADES", "1")
    world.command(Action.PAUSE)
    world.save_and_load()
    world.tick(100.0, readings=[wish()])
    assert world.rules() == {"paused": 1}
    assert world.logic.settings.MAX_CONCURRENT_TRADES == 1


def test_a_trail_switched_on_takes_hold_at_the_end_of_the_next_candle() -> None:
    world = World(TRAILING_STOP={"enable": False}, BREAKEVEN_STOP={"enable": False}, PARTIAL_TP={"enable": False})
    world.tick(100.0, readings=[wish()])
    world.tick(100.0)
    world.tick(100.0, 101.5, 100.0, 101.5)
    trade = world.trade
    world.command(Action.SET, "TRAILING_STOP.enable", "true")
    world.tick(101.5)
    assert trade.stop == trade.first_stop
    world.tick(101.5)
    assert trade.stop == 100.99


def test_a_cooldown_ends_in_time_though_its_rule_was_switched_off() -> None:
    rule = {"reduce_risk_after": 1, "stop_trading_after": 2, "cooldown_minutes": 3}
    world = World(LOSING_STREAK_PROTECTION=rule, DAILY_LOSS_LIMIT=0)
    for _ in range(2):
        world.tick(100.0, readings=[wish()])
        world.tick(100.0, 100.0, 99.0, 100.0)
    world.command(Action.SET, "LOSING_STREAK_PROTECTION.enable", "false")
    for _ in range(3):
        world.tick(100.0, readings=[wish()])
    assert world.rules() == {"opened": 3, "cooldown": 2}
    assert world.guards() == [("cooldown", True), ("settings", True), ("cooldown", False)]
