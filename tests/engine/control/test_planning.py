"""Each command is judged before it enters: it can be, it is so already, or it cannot be and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.trading.worlds import World, wish
from trader.core.events import Action
from trader.engine.control.messages import (
    Close,
    CloseAll,
    Command,
    Kill,
    Lift,
    Nothing,
    Pause,
    Refused,
    Resume,
    Set,
    Unset,
)
from trader.engine.control.planning import MOST_WAITING, Plan, Scene, plan
from trader.trading.changes import CHANGEABLE, FIXED
from trader.trading.guards import BY_FILE

COINS = ("BTCUSDT", "ETHUSDT")


def world(**overrides: Any) -> World:
    """Return a world with a trade open on BTCUSDT and an entry waiting on ETHUSDT."""
    made = World(COINS, **overrides)
    made.tick(100.0, readings=[wish()], others=[made.candle(50.0, symbol="ETHUSDT")])
    made.tick(100.0, readings=[wish(50.0, symbol="ETHUSDT")], others=[made.candle(50.0, symbol="ETHUSDT")])
    return made


def ask(made: World, command: Command, kill_file: Path = Path("no-such-file"), muted: bool = False) -> Any:
    """Return what a command comes to in a world."""
    return plan(command, Scene(made.book, made.settings, COINS, kill_file, muted))


def obey(made: World, command: Command) -> str:
    """Let a command act, and return what was promised."""
    planned = ask(made, command)
    assert isinstance(planned, Plan), planned
    for each in planned.commands:
        made.engine.process(each)
    made.tick(100.0)
    return planned.text


# --- pause, kill ------------------------------------------------------------------------------------------------


def test_a_pause_and_its_end() -> None:
    made = world()
    assert ask(made, Resume()) == Nothing("there is nothing to resume: entries are not paused")
    obey(made, Pause())
    assert made.book.guards.paused
    assert ask(made, Pause()) == Nothing("entries are paused already")
    obey(made, Resume())
    assert not made.book.guards.paused


def test_what_waits_counts_as_obeyed() -> None:
    made = world()
    made.command(Action.PAUSE)
    assert isinstance(ask(made, Pause()), Nothing)
    assert isinstance(ask(made, Resume()), Plan)
    made.command(Action.KILL)
    assert isinstance(ask(made, Kill()), Nothing)
    assert isinstance(ask(made, Lift()), Plan)
    made.command(Action.CLOSE, "BTCUSDT")
    assert "commanded already" in ask(made, Close("BTCUSDT")).text
    assert isinstance(ask(made, Close("ETHUSDT")), Plan)


def test_a_drawdown_pause_is_resumed_and_a_person_can_pause_beside_it() -> None:
    made = world()
    made.book.guards.drawdown_pause = "pause"
    assert isinstance(ask(made, Pause()), Plan)
    assert "the drawdown counts from the present equity on" in obey(made, Resume())
    assert not made.book.guards.paused


def test_nothing_is_resumed_while_the_books_contradict_themselves() -> None:
    made = world()
    made.book.guards.paused_by_person = True
    assert "contradict themselves" in ask(made, Resume(), muted=True).text


def test_the_kill_switch_of_a_command_is_lifted_by_a_command(tmp_path: Path) -> None:
    made, kill_file = world(), tmp_path / "KILL"
    assert ask(made, Lift(), kill_file) == Nothing("there is nothing to lift: the kill switch is off")
    assert obey(made, Kill()) == (
        "kill switch: 1 open trade closes, 1 waiting entry is dropped, no entries until it is lifted"
    )
    assert made.book.guards.killed_by == ["person"]
    assert isinstance(ask(made, Kill(), kill_file), Nothing)
    obey(made, Lift())
    assert not made.book.guards.killed


def test_the_kill_switch_of_the_file_is_lifted_by_its_absence_alone(tmp_path: Path) -> None:
    made, kill_file = world(), tmp_path / "KILL"
    kill_file.touch()
    made.command(Action.KILL, BY_FILE)
    made.tick(100.0)
    refused = ask(made, Lift(), kill_file)
    assert refused == Refused(f"{kill_file} is there and keeps the kill switch on: delete it")
    assert isinstance(ask(made, Kill(), kill_file), Plan), "a command may throw it, too"
    kill_file.unlink()
    assert "is lifted within a second" in ask(made, Lift(), kill_file).text


@pytest.mark.parametrize("first", [BY_FILE, ""])
def test_who_has_thrown_the_kill_switch_lifts_it_and_the_last_ends_it(first: str) -> None:
    made = world()
    other = "" if first else BY_FILE
    for action, by, killed in [
        (Action.KILL, first, True),
        (Action.LIFT, other, True),
        (Action.KILL, other, True),
        (Action.LIFT, first, True),
        (Action.LIFT, other, False),
    ]:
        made.command(action, by)
        made.tick(100.0)
        assert made.book.guards.killed == killed
        made.save_and_load()
    assert made.guards().count(("kill_switch", True)) == 1


# --- closing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "text"),
    [
        ("BTCUSDT", "BTCUSDT: 1 open trade closes; entries go on"),
        (" ethusdt", "ETHUSDT: 1 waiting entry is dropped; entries go on"),
    ],
)
def test_one_coin_closes(symbol: str, text: str) -> None:
    made = world()
    assert obey(made, Close(symbol)) == text
    assert [trade.closing for trade in made.book.trades.values()] == ["manual" if "BTC" in symbol else ""]


@pytest.mark.parametrize("symbol", ["DOGEUSDT", "", " ", "*"])
def test_a_coin_that_is_not_traded_is_refused_with_those_that_are(symbol: str) -> None:
    refused = ask(world(), Close(symbol))
    assert refused.wrong
    assert refused.text.endswith("is not traded here; allowed: BTCUSDT, ETHUSDT")


def test_everything_closes_once() -> None:
    made = world()
    obey(made, CloseAll())
    assert ask(made, CloseAll()) == Nothing("what is open at all closes already (manual)")
    made.tick(100.0)
    assert ask(made, CloseAll()).text.startswith("there is nothing to close")
    assert ask(made, Close("BTCUSDT")).text.endswith("no entry waits on BTCUSDT")


def test_commands_do_not_pile_up_but_the_kill_switch_has_room() -> None:
    made = world()
    for _ in range(MOST_WAITING):
        made.command(Action.PAUSE)
    assert "100 commands wait" in ask(made, Close("BTCUSDT")).text
    assert isinstance(ask(made, Kill()), Plan)


# --- settings ---------------------------------------------------------------------------------------------------


def test_settings_change_by_the_text_that_set_takes_and_are_taken_back() -> None:
    made = world()
    text = obey(made, Set({"min_probability": "7e-1", "TRAILING_STOP.trail_pct": "0.004"}))
    assert text == "MIN_PROBABILITY = 0.7 (was 0.65), TRAILING_STOP.trail_pct = 0.004 (was 0.005)"
    assert (made.logic.settings.MIN_PROBABILITY, made.logic.settings.TRAILING_STOP.trail_pct) == (0.7, 0.004)
    assert "MIN_PROBABILITY = 0.65 again (was 0.7)" in obey(made, Unset(["min_probability", "trailing_stop"]))
    assert made.logic.settings.MIN_PROBABILITY == 0.65
    assert made.logic.settings.TRAILING_STOP == made.settings.TRAILING_STOP
    assert ask(made, Unset(["MIN_PROBABILITY"])).text.startswith("nobody has changed MIN_PROBABILITY")


def test_a_table_changes_its_keys_and_leaves_the_others() -> None:
    made = world()
    obey(made, Set({"TRAILING_STOP": "{trail_pct: 0.004, enable: false}"}))
    assert not made.logic.settings.TRAILING_STOP.enable
    assert made.logic.settings.TRAILING_STOP.activation_pct == made.settings.TRAILING_STOP.activation_pct
    assert sorted(made.book.changed) == ["TRAILING_STOP.enable", "TRAILING_STOP.trail_pct"]


def test_thresholds_that_fit_only_together_are_changed_in_an_order_that_works() -> None:
    made = world()
    obey(
        made,
        Set(
            {
                "DRAWDOWN_PROTECTION.reduce_at": "0.4",
                "DRAWDOWN_PROTECTION.pause_at": "0.5",
                "DRAWDOWN_PROTECTION.close_at": "0.6",
            }
        ),
    )
    rule = made.logic.settings.DRAWDOWN_PROTECTION
    assert (rule.reduce_at, rule.pause_at, rule.close_at) == (0.4, 0.5, 0.6)
    assert ask(made, Unset(["DRAWDOWN_PROTECTION.close_at"])).wrong, "the others would stand past it"
    obey(made, Unset(["DRAWDOWN_PROTECTION"]))
    assert made.book.changed == {}


def test_a_coin_gets_a_threshold_of_its_own_for_hedges() -> None:
    made = world(MARKET="futures")
    obey(made, Set({"HEDGING.coin_overrides.solusdt.hedge_threshold": "0.3", "HEDGING.hedge_ratio": "0.5"}))
    assert made.logic.settings.HEDGING.coin_overrides["SOLUSDT"].hedge_threshold == 0.3
    made.save_and_load()
    assert made.logic.settings.HEDGING.coin_overrides["SOLUSDT"].hedge_threshold == 0.3


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("MIN_PROB", "0.7", "MIN_PROB: there is no such setting; did you mean MIN_PROBABILITY?"),
        ("LEVERAGE", "3", "LEVERAGE cannot change while running; allowed: MIN_PROBABILITY"),
        ("BINANCE_API_KEY", "x", "BINANCE_API_KEY cannot change while running"),
        ("HEDGING.enable", "true", "HEDGING.enable cannot change while running: a hedge has no stop"),
        ("HEDGING", "{enable: true}", "HEDGING.enable cannot change while running: a hedge has no stop"),
        ("MIN_PROBABILITY", "1.5", "MIN_PROBABILITY = 1.5 (asked for): allowed: a number of at least 0 and at most 1"),
        ("MIN_PROBABILITY", "nan", "MIN_PROBABILITY = nan (asked for): allowed: a number"),
        ("MIN_PROBABILITY", "high", "MIN_PROBABILITY = high (asked for): allowed: a number"),
        ("MIN_PROBABILITY", " ", "MIN_PROBABILITY: there is no value; to take a change back: unset MIN_PROBABILITY"),
        ("MIN_PROBABILITY.of", "1", "MIN_PROBABILITY"),
        ("TRAILING_STOP.trial_pct", "1", "there is no such setting; did you mean TRAILING_STOP.trail_pct?"),
        ("TRAILING_STOP", "{}", "TRAILING_STOP: an empty table changes nothing"),
        ("DRAWDOWN_PROTECTION.pause_at", "0.5", "the thresholds must ascend"),
        ("DRAWDOWN_PROTECTION.resume_after_hours", ".inf", "allowed: numbers of 1e+09 at most"),
        ("LOSING_STREAK_PROTECTION.cooldown_minutes", "1e300", "allowed: numbers of 1e+09 at most"),
        ("TRADING_HOURS", "[&a [1], *a]", "without & and *"),
        ("TRADING_HOURS", "[" * 999, ""),
        ("TRADING_HOURS", "x" * 2_000, "allowed: a value of 1000 characters at most"),
        ("", "1", ": there is no such setting"),
    ],
)
def test_what_cannot_be_set_is_refused_in_words(name: str, text: str, said: str) -> None:
    refused = ask(world(), Set({name: text}))
    assert isinstance(refused, Refused)
    assert refused.wrong
    assert said in refused.text


def test_every_fault_is_said_and_nothing_enters() -> None:
    refused = ask(world(), Set({"MIN_PROBABILITY": "2", "MIN_STRENGTH": "-1", "KELLY.window": "60"}))
    assert refused.text.count("(asked for): allowed") == 2


def test_what_is_so_already_changes_nothing() -> None:
    assert ask(world(), Set({"MIN_PROBABILITY": "0.65"})) == Nothing("that is so already: MIN_PROBABILITY = 0.65")
    assert isinstance(ask(world(), Set({})), Nothing)
    assert isinstance(ask(world(), Unset([])), Nothing)
    assert ask(world(), Unset(["MIN_PROB"])).wrong


NAMES = st.sampled_from([*CHANGEABLE, *(".".join(path) for path in FIXED), "TRAILING_STOP.trail_pct", "KELLY.window"])
VALUES = st.text(max_size=20) | st.from_regex(r"[\[\]{}:,\-!a-z0-9.]{0,20}", fullmatch=True) | st.floats().map(str)


@given(st.dictionaries(NAMES | st.text(max_size=8), VALUES, max_size=3))
@example({"TRADING_HOURS": "!!set {a, b}"})
@example({"MIN_ATR_PCT": "{1: 2}"})
@example({"KELLY.window": "9" * 900})
@example({"SIGNAL_TTL_S": "0x" + "f" * 300})
def test_whatever_is_set_is_planned_or_refused_and_what_is_planned_can_be(texts: dict[str, str]) -> None:
    made = world()
    planned = ask(made, Set(texts))
    if isinstance(planned, Plan):
        obey(made, Set(texts))
        assert [on for guard, on in made.guards() if guard == "settings"] == [True] * len(planned.commands)
        made.save_and_load()
        obey(made, Unset([name.split(".")[0] for name in made.book.changed]))
    assert made.book.changed == {}
