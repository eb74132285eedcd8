"""The scribe writes what the real core tells, and the journal then says the same as the books."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import START_MS
from tests.journal.values import fill, opened, same
from tests.trading.worlds import World, wish
from trader.core.events import Action, OperatorCommand
from trader.core.order import Fill
from trader.engine.engine import Engine
from trader.journal.codec import encode
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.journal.scribe import Detail, Scribe
from trader.journal.verify import verify
from trader.trading.notes import Note


class Journalled(World):
    """A world whose core is written down."""

    def __init__(self, journal: Journal, detail: Detail = "counts", **overrides: Any) -> None:
        super().__init__(**overrides)
        self.scribe = Scribe(journal, self.book, ("ETHUSDT,1min", "BTCUSDT,1min"), detail)
        self.engine = Engine(self.logic, self.broker, self.scribe)

    def note(self, note: Note) -> None:
        super().note(note)
        self.scribe.note(note)


def story(world: Journalled) -> None:
    """Let a trade open and be stopped out, with refusals before and after."""
    world.tick(100, readings=[wish(probability=0.1)])
    world.tick(100, readings=[wish()])
    world.tick(100)
    world.tick(100, 100, 90, 91, readings=[wish(strength=0.1)])


def test_one_entry_holds_what_an_event_did(file_place: Place) -> None:
    with opened(file_place) as journal:
        world = Journalled(journal)
        story(world)
        kept = fill(7)
        world.scribe.attach(kept)
        world.engine.process(OperatorCommand(Action.PAUSE))
        world.tick(91)
        equity = world.book.pool.equity
    with Reader(file_place) as reader:
        entries = list(reader.entries())
        (ended,) = reader.trades()
        told = [note.trade for note in world.notes if hasattr(note, "trade")][-1]
        assert same(ended, told)
        assert ended.parts
        assert reader.equity()[-1].equity == equity
        refusals = [each.refused for each in reader.decisions() if each.refused]
        assert refusals[0] == {"low_probability": [1]}
        assert {"low_strength": [1]} in refusals
        assert not any(each.details for each in reader.decisions())
        assert [gone.guard for each in reader.decisions() for gone in each.guards] == ["paused"]
        assert reader.fills() == [kept]
        sent = [command for entry in entries for command in entry.commands]
        assert sent
        assert sum(isinstance(entry.event, Fill) for entry in entries) == 2
    assert verify(file_place).faults == ()


def test_the_commands_of_a_journal_are_those_that_the_core_gives_again(file_place: Place) -> None:
    with opened(file_place) as journal:
        world = Journalled(journal)
        story(world)
    again = World()
    with Reader(file_place) as reader:
        for entry in reader.entries():
            at = (entry.time - START_MS) // again.timeframe.ms
            again.readings = {1: [wish(probability=0.1)], 2: [wish()], 4: [wish(strength=0.1)]}.get(at, [])
            assert [*map(encode, again.logic.handle(entry.event))] == [*map(encode, entry.commands)]


@pytest.mark.parametrize(("detail", "values"), [("full", True), ("off", False)])
def test_refusals_are_kept_as_fully_as_they_were_asked_for(file_place: Place, detail: Detail, values: bool) -> None:
    with opened(file_place) as journal:
        story(Journalled(journal, detail))
    with Reader(file_place) as reader:
        found = [each for each in reader.decisions() if each.refused]
        assert bool(found) == values
        assert not values or found[0].details[0].rule == "low_probability"


def test_equity_is_written_where_it_changes_only(file_place: Place) -> None:
    with opened(file_place) as journal:
        world = Journalled(journal)
        for _ in range(50):
            world.tick(100)
    with Reader(file_place) as reader:
        assert len(reader.equity()) == 1
