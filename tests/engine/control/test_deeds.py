"""A command is followed until it has acted and what it closes is closed, and it is said what became of it."""

from __future__ import annotations

from typing import Any

from tests.trading.worlds import World, wish
from trader.core.events import Action, OperatorCommand
from trader.engine.control.deeds import KEPT, Deed, Deeds
from trader.trading.notes import Note


class Followed(World):
    """A world whose commands are followed, as the daemon follows them."""

    def __init__(self, **overrides: Any) -> None:
        self.deeds = Deeds()
        super().__init__(("BTCUSDT", "ETHUSDT"), **overrides)
        self.tick(100.0, readings=[wish()], others=[self.candle(50.0, symbol="ETHUSDT")])
        self.tick(100.0, readings=[wish(50.0, symbol="ETHUSDT")], others=[self.candle(50.0, symbol="ETHUSDT")])

    def note(self, note: Note) -> None:
        super().note(note)
        self.deeds.note(note)

    def tick(self, *prices: float, **rest: Any) -> None:
        super().tick(*prices, **rest)
        self.deeds.look(self.book, self.time)

    def follow(self, *commands: OperatorCommand) -> Deed:
        """Let commands in as one deed."""
        deed = self.deeds.follow(commands)
        for command in commands:
            self.engine.process(command)
        return deed


def test_a_pause_is_over_at_the_next_instant() -> None:
    world = Followed()
    deed = world.follow(OperatorCommand(Action.PAUSE))
    assert (deed.acted_at, deed.over.is_set()) == (None, False)
    world.tick(100.0)
    assert (deed.acted_at, deed.over.is_set()) == (world.time, True)
    assert deed.lines == ["a person paused entries"]


def test_a_late_candle_is_no_instant_that_commands_wait_for() -> None:
    world = Followed()
    deed = world.follow(OperatorCommand(Action.PAUSE))
    world.tick(100.0, late=True)
    assert deed.acted_at is None
    world.tick(100.0)
    assert deed.over.is_set()


def test_a_close_is_over_when_its_trades_are_closed() -> None:
    world = Followed()
    deed = world.follow(OperatorCommand(Action.CLOSE, "BTCUSDT"))
    world.tick(100.0, others=[world.candle(50.0, symbol="ETHUSDT")])
    assert deed.acted_at == world.time
    assert not deed.over.is_set()
    world.tick(101.0)
    assert deed.over.is_set()
    (line,) = deed.lines
    assert line == "trade 1, BTCUSDT LONG: 33 closed at 100.98 (manual), net +25.04; it ended with +25.04"
    assert world.trade.symbol == "ETHUSDT", "the other coin is left alone"


def test_a_kill_tells_what_it_drops_and_closes() -> None:
    world = Followed()
    deed = world.follow(OperatorCommand(Action.KILL))
    world.tick(100.0)
    world.tick(100.0)
    assert deed.over.is_set()
    assert deed.lines[:2] == [
        "kill switch: everything closes, no entries until it is lifted",
        "the entry on ETHUSDT 1min that waited was dropped",
    ]
    assert "(kill_switch)" in deed.lines[2]


def test_a_trade_that_its_stop_closes_first_ends_the_close_as_well() -> None:
    world = Followed()
    deed = world.follow(OperatorCommand(Action.CLOSE_ALL))
    world.tick(100.0, 100.0, 90.0, 90.0)
    assert deed.over.is_set()
    assert deed.lines == ["the entry on ETHUSDT 1min that waited was dropped"]


def test_two_deeds_of_one_instant_tell_each_its_own() -> None:
    world = Followed()
    pause = world.follow(OperatorCommand(Action.PAUSE))
    change = world.follow(OperatorCommand(Action.SET, "KELLY.window", "50"), OperatorCommand(Action.UNSET, "KELLY"))
    world.tick(100.0)
    assert pause.lines == ["a person paused entries"]
    assert change.lines == ["KELLY.window is 50 from now on", "KELLY is again as the settings have it"]


def test_old_deeds_are_forgotten() -> None:
    world = Followed()
    for _ in range(KEPT + 1):
        world.follow(OperatorCommand(Action.RESUME))
        world.tick(100.0)
    assert world.deeds.get(1) is None
    assert world.deeds.get(KEPT + 1) is not None
