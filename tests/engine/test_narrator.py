"""Log lines of decisions: one each, in words, with the stream they belong to."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest

from tests.builders import START_MS
from tests.trading.worlds import World, wish
from trader.core.events import Action, FundingRate
from trader.core.signal import Reading, Refusal
from trader.core.timeframe import HOUR_MS, MINUTE_MS, Timeframe
from trader.engine.narrator import RULE_WORDS, Audiences, Narrator
from trader.trading.checks import QUIET_RULES, RULES
from trader.trading.notes import Dropped, GuardChanged, Note, Refused

#: Reasons for which a pending entry never fills.
DROP_RULES = ("expired", "insufficient_capital", "drawdown", "kill_switch", "manual", "rejected", "unfilled")


@pytest.fixture(autouse=True)
def _hear_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trader.decisions")


class Told(World):
    """A world whose notes go to a narrator."""

    def __init__(self, brief: bool = False, **overrides: Any) -> None:
        self.narrator = Narrator(brief)
        super().__init__(**overrides)

    def note(self, note: Note) -> None:
        super().note(note)
        self.narrator.note(note)


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """Return the lines of at least `level`."""
    return [record.getMessage() for record in caplog.records if record.levelno >= level]


def story(brief: bool = False) -> Told:
    """Return a futures trade: refused, ordered, opened, funded, its stop raised, a part closed, ended."""
    world = Told(brief, MARKET="futures", TRAILING_STOP={"enable": False}, DAILY_LOSS_LIMIT=0.0)
    world.tick(100.0, readings=[wish(100.0, probability=0.5)])
    world.tick(100.0, readings=[wish(100.0)])
    world.tick(100.0)
    world.tick(100.0, funding=[FundingRate("BTCUSDT", START_MS + 3 * MINUTE_MS + 1, 0.0001)])
    world.tick(100.0, 101.6, 100.0, 101.0)
    world.tick(101.0, 101.0, 99.0, 99.0)
    return world


def test_a_trade_is_told_from_its_refusals_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    story()
    assert lines(caplog) == [
        "[2025-01-01 00:01:00] ascending_triangle p 0.500 strength 0.800 refused: the probability is too low "
        "(low_probability: probability 0.5, least 0.65)",
        "[2025-01-01 00:02:00] entry ordered: LONG 33 near 100, stop 99.5, 16.50 at risk",
        "[2025-01-01 00:02:00] trade 1 opened: LONG 33 at 100.02 (ascending_triangle), stop 99.52, take profit 102.02",
        "[2025-01-01 00:03:00] trade 1 funding paid 0.3300",
        "[2025-01-01 00:05:00] trade 1 partial_tp: 16.5 at 101.52, net +23.42, 16.5 left",
        "[2025-01-01 00:05:00] trade 1 stop 99.52 -> 100.24 (breakeven)",
        "[2025-01-01 00:06:00] trade 1 breakeven: 16.5 at 100.22, net +1.48, ended with +24.91",
    ]


def test_every_line_belongs_to_its_stream(caplog: pytest.LogCaptureFixture) -> None:
    story()
    streams = {(record.symbol, record.timeframe) for record in caplog.records}  # type: ignore[attr-defined]
    assert streams == {("BTCUSDT", "1min")}


def test_a_backtest_is_told_trades_and_guards_only(caplog: pytest.LogCaptureFixture) -> None:
    world = story(brief=True)
    world.command(Action.PAUSE)
    world.tick(99.0, readings=[wish(99.0)])
    said = [line.partition("] ")[2].split(":")[0] for line in lines(caplog)]
    assert said == ["trade 1 opened", "trade 1 funding paid 0.3300", "trade 1 partial_tp", "trade 1 breakeven",
                    "guard paused on"]  # fmt: skip
    assert {record.levelno for record in caplog.records if record.levelno > logging.DEBUG} == {logging.INFO}


def test_live_a_change_of_a_guard_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    world = Told()
    for action in (Action.PAUSE, Action.RESUME, Action.KILL, Action.LIFT):
        world.command(action)
        world.tick(100.0)
    assert [line.partition("] ")[2] for line in lines(caplog, logging.WARNING)] == [
        "guard paused on: a person paused entries",
        "guard paused off: a person resumed entries",
        "guard kill_switch on: kill switch: everything closes, no entries until it is lifted",
        "guard kill_switch off: the kill switch was lifted",
    ]
    assert caplog.records[-1].symbol == "-"  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", RULES)
def test_every_refusal_is_told_in_words(rule: str, caplog: pytest.LogCaptureFixture) -> None:
    seen = wish(100.0) if rule not in QUIET_RULES else msgspec.structs.replace(wish(100.0), signal=None)
    Narrator(brief=False).note(Refused(START_MS, seen, Refusal("stage", rule, {"amount": 1.23456789, "limit": 3})))
    (record,) = caplog.records
    assert f"refused: {RULE_WORDS[rule]} ({rule}: amount 1.23457, limit 3)" in record.getMessage()
    assert record.levelno == (logging.DEBUG if rule in QUIET_RULES else logging.INFO)
    assert ("p 0.660 strength 0.800" in record.getMessage()) == (rule not in QUIET_RULES)


@pytest.mark.parametrize("rule", DROP_RULES)
def test_every_dropped_entry_is_told_in_words(rule: str, caplog: pytest.LogCaptureFixture) -> None:
    Narrator(brief=True).note(Dropped(START_MS, wish(100.0), rule))
    assert lines(caplog) == [f"[2025-01-01 00:00:00] entry dropped: {RULE_WORDS[rule]} ({rule})"]


def test_a_backtest_keeps_refusals_for_debug(caplog: pytest.LogCaptureFixture) -> None:
    note = Refused(START_MS, wish(100.0), Refusal("trades", "max_trades", {"trades": 3}))
    Narrator(brief=True).note(note)
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]
    caplog.set_level(logging.INFO, "trader.decisions")
    Narrator(brief=True).note(note)
    assert len(caplog.records) == 1


def test_funding_received_is_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    world = Told(MARKET="futures")
    world.tick(100.0, readings=[wish(100.0)])
    world.tick(100.0)
    world.tick(100.0, funding=[FundingRate("BTCUSDT", START_MS + 2 * MINUTE_MS, -0.001)])
    assert lines(caplog)[-1].endswith("trade 1 funding received 3.3000")


def test_several_audiences_hear_each_note_in_turn() -> None:
    heard: list[tuple[str, Note]] = []

    class Ear:
        def __init__(self, name: str) -> None:
            self.name = name

        def note(self, note: Note) -> None:
            heard.append((self.name, note))

    note = GuardChanged(START_MS, "cooldown", True, "five losses")
    Audiences([Ear("first"), Ear("second")]).note(note)
    assert heard == [("first", note), ("second", note)]


def test_rules_of_the_core_and_words_for_them_are_the_same() -> None:
    assert set(RULE_WORDS) == {*RULES, *DROP_RULES}
    assert len(set(RULE_WORDS.values())) == len(RULE_WORDS)


def test_times_are_utc_whatever_the_timeframe(caplog: pytest.LogCaptureFixture) -> None:
    reading = Reading("ETHUSDT", Timeframe.HOUR_1, 100.0, 99.0, 1.0, None, ready=False)
    Narrator(brief=False).note(Refused(START_MS + 13 * HOUR_MS, reading, Refusal("stream", "warming_up")))
    (record,) = caplog.records
    assert record.getMessage().startswith("[2025-01-01 13:00:00] refused")
    assert (record.symbol, record.timeframe) == ("ETHUSDT", "1h")  # type: ignore[attr-defined]
