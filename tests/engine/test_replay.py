"""A journal leads the core to the same commands and the same books again; where it does not, the place is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from tests.builders import START_MS
from tests.journal.values import RUN
from tests.trading.worlds import World, wish
from trader.core.errors import ConfigError, JournalError
from trader.core.events import Action, EndOfData, Instant, ModelChange, OperatorCommand
from trader.engine.engine import Engine
from trader.engine.live.recall import misfit_of_coins, recall
from trader.engine.live.snapshot import VERSION, Snapshot, encode
from trader.engine.replay import SECRETS, filters_of, replay
from trader.journal.codec import encode as encoded
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.journal.records import Checkpoint
from trader.journal.schema import commands, events, readings, snapshots
from trader.journal.scribe import Scribe, Witness
from trader.simulation.broker import BrokerState, SimulatedBroker
from trader.trading.book import Book
from trader.trading.logic import TradingLogic


class Journalled(World):
    """A world of which everything is written down, from a checkpoint on."""

    def __init__(self, place: Place, continues: int | None = None, book: Book | None = None) -> None:
        super().__init__(("BTCUSDT", "ETHUSDT"))
        self.journal = Journal(place, threaded=False)
        self.journal.open()
        kept = self.settings.model_dump(mode="json", exclude=set(SECRETS))
        run = msgspec.structs.replace(RUN, settings=kept, filters=filters_of(self.instruments))
        self.run = self.journal.begin(run, continues)
        self.logic.book = book or self.logic.book
        self.scribe = Scribe(self.journal, self.logic.book, ("BTCUSDT,1min", "ETHUSDT,1min"))
        self.logic = TradingLogic(
            self.settings, self.exits, self.instruments, Witness(self, self.scribe), self.scribe, self.logic.book
        )
        self.broker = SimulatedBroker(self.settings, self.exits, self.instruments, self.logic)
        self.engine = Engine(self.logic, self.broker, self.scribe)
        self.checkpoint()

    def checkpoint(self) -> None:
        at = max(self.book.time, START_MS)
        kept = Snapshot(
            VERSION, "embedded", ("BTCUSDT", "ETHUSDT"), self.exits, START_MS, at, {}, self.book, BrokerState()
        )
        self.scribe.keep(Checkpoint(at, VERSION, encode(kept)))

    def story(self) -> None:
        """Let a trade be refused, one open and be stopped out, and one stay open."""
        self.tick(100, readings=[wish(probability=0.1)])
        self.tick(100, readings=[wish()])
        self.tick(100)
        self.tick(100, 100, 90, 91, readings=[wish(strength=0.1)])
        for _ in range(30):
            self.tick(100)
        self.engine.process(OperatorCommand(Action.SET, "MIN_PROBABILITY", "0.9"))
        self.tick(100, readings=[wish(probability=0.8)])
        self.tick(100, readings=[wish(probability=0.95)])
        self.tick(101)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def world(place: Place) -> Iterator[Journalled]:
    world = Journalled(place)
    yield world
    world.journal.close()


def changed(place: Place, statement: sa.sql.dml.DMLWhereBase) -> None:
    with place.writing().connect() as connection, connection.begin():
        connection.execute(statement)  # type: ignore[call-overload]


def test_a_replay_gives_the_recorded_commands_and_the_books_of_checkpoints(world: Journalled, place: Place) -> None:
    world.story()
    world.checkpoint()
    world.tick(101)
    assert world.trade.symbol == "BTCUSDT"
    world.journal.close()
    with Reader(place) as reader:
        found = replay(reader)
        sent = sum(len(entry.commands) for entry in reader.entries())
    assert found.parted == ()
    assert (found.stretches, found.commands) == (2, sent)
    assert sent >= 6


def test_a_replay_ends_where_it_is_told_to(world: Journalled, place: Place) -> None:
    world.story()
    world.journal.close()
    with Reader(place) as reader:
        found = replay(reader, START_MS + 3 * 60_000)
    assert found.until_ms == START_MS + 3 * 60_000


def test_a_command_that_is_not_what_the_core_gives_is_found_at_its_entry(world: Journalled, place: Place) -> None:
    world.story()
    world.journal.close()
    with Reader(place) as reader:
        entry = next(each for each in reader.entries() if each.commands)
    other = msgspec.structs.replace(entry.commands[0].request, quantity=7.0)  # type: ignore[union-attr]
    payload = encoded(msgspec.structs.replace(entry.commands[0], request=other))  # type: ignore[call-arg]
    changed(place, sa.update(commands).where(commands.c.seq == entry.seq).values(payload=payload))
    with Reader(place) as reader:
        (parted,) = replay(reader).parted
    assert parted.seq == entry.seq
    assert "quantity=7.0" in parted.words


def test_an_event_that_is_lost_is_found(world: Journalled, place: Place) -> None:
    world.story()
    world.checkpoint()
    world.journal.close()
    with Reader(place) as reader:
        fill = next(each for each in reader.entries() if type(each.event).__name__ == "Fill")
    changed(place, sa.delete(events).where(events.c.seq == fill.seq))
    with Reader(place) as reader:
        assert replay(reader).parted


def test_books_that_no_entry_leads_to_are_found_at_their_checkpoint(world: Journalled, place: Place) -> None:
    world.story()
    world.book.pool.equity += 1.0
    world.checkpoint()
    world.journal.close()
    with Reader(place) as reader:
        (parted,) = replay(reader).parted
    assert parted.words.endswith("not those that the entries lead to: pool")


def test_what_the_strategy_said_is_part_of_a_replay(world: Journalled, place: Place) -> None:
    world.story()
    world.journal.close()
    changed(place, sa.delete(readings).where(readings.c.seq > 0))
    with Reader(place) as reader:
        assert replay(reader).parted


def promote_in_the_middle(world: Journalled) -> None:
    """Let two models be asked, one after the other."""
    world.engine.process(ModelChange(world.time, "patterns@v0001"))
    world.story()
    world.engine.process(ModelChange(world.time, "patterns@v0002"))
    world.tick(100, readings=[wish(probability=0.95)])


def test_a_promotion_is_replayed_and_recalled(world: Journalled, place: Place) -> None:
    promote_in_the_middle(world)
    world.checkpoint()
    world.tick(101)
    world.journal.close()
    with Reader(place) as reader:
        found = replay(reader)
        changes = [entry.event.model for entry in reader.entries() if isinstance(entry.event, ModelChange)]
    assert (found.parted, found.stretches, changes) == ((), 2, ["patterns@v0001", "patterns@v0002"])
    again = recall(place)
    assert again is not None
    assert again.snapshot.book.model == "patterns@v0002"


def test_a_promotion_that_is_lost_is_found_at_the_next_checkpoint(world: Journalled, place: Place) -> None:
    promote_in_the_middle(world)
    world.checkpoint()
    world.journal.close()
    with Reader(place) as reader:
        lost = [entry.seq for entry in reader.entries() if isinstance(entry.event, ModelChange)][-1]
    changed(place, sa.delete(events).where(events.c.seq == lost))
    with Reader(place) as reader:
        (parted,) = replay(reader).parted
    assert parted.words.endswith("not those that the entries lead to: model")


def test_a_journal_is_recalled_up_to_its_newest_entry(world: Journalled, place: Place) -> None:
    world.story()
    world.journal.close()
    found = recall(place)
    assert found is not None
    assert encoded(found.snapshot.book) == encoded(world.book)
    assert found.snapshot.at == world.time
    assert found.pool == world.run.pool
    assert found.entries > 30


def test_a_recalled_pool_goes_on_and_is_replayed_over_the_restart(world: Journalled, place: Place) -> None:
    world.story()
    world.journal.close()
    found = recall(place)
    assert found is not None
    second = Journalled(place, found.pool, found.snapshot.book)
    second.at = world.at
    second.tick(102)
    second.journal.close()
    with Reader(place) as reader:
        assert replay(reader).parted == ()
        assert [run.pool for run in reader.runs()] == [1, 1]
    again = recall(place)
    assert again is not None
    assert encoded(again.snapshot.book) == encoded(second.book)


def test_a_play_that_has_ended_is_not_gone_on_with(world: Journalled, place: Place) -> None:
    world.tick(100)
    world.engine.process(EndOfData())
    world.journal.close()
    assert recall(place) is None


def test_a_play_that_ended_with_a_trade_still_open_is_gone_on_with(world: Journalled, place: Place) -> None:
    world.story()
    trade = world.trade
    world.engine.process(EndOfData())
    assert trade.closing == "end_of_data"
    world.journal.close()
    found = recall(place)
    assert found is not None
    assert [each.closing for each in found.snapshot.book.trades.values()] == ["end_of_data"]


def test_candles_that_instants_went_on_without_are_missing_until_they_come_late(
    world: Journalled, place: Place
) -> None:
    other = world.candle(50, symbol="ETHUSDT")
    world.tick(100, others=[other])
    gap = world.candle(100)
    world.tick(others=[world.candle(50, symbol="ETHUSDT")])
    world.tick(100, others=[world.candle(50, symbol="ETHUSDT")])
    world.journal.close()
    found = recall(place)
    assert found is not None
    assert found.snapshot.missing == {"BTCUSDT": [gap.open_time]}
    second = Journalled(place, found.pool, found.snapshot.book)
    second.at = 1
    second.engine.step(Instant(gap.close_time, (gap,), late=True))
    second.journal.close()
    again = recall(place)
    assert again is not None
    assert again.snapshot.missing == {}


def test_a_journal_that_cannot_be_followed_pauses_entries_and_says_so(
    world: Journalled, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    world.story()
    world.journal.close()
    changed(place, sa.delete(readings).where(readings.c.seq > 0))
    found = recall(place)
    assert found is not None
    assert found.snapshot.book.guards.paused_by_person
    assert "the journal does not lead to its end" in caplog.text


def test_a_checkpoint_of_another_version_is_refused(world: Journalled, place: Place) -> None:
    world.scribe.keep(Checkpoint(START_MS, VERSION + 1, b""))
    world.journal.close()
    with pytest.raises(JournalError, match=f"is of version {VERSION + 1}, this program reads {VERSION}"):
        recall(place)


def test_coins_with_something_open_have_to_stay_among_the_coins(world: Journalled, place: Place) -> None:
    world.story()
    world.journal.close()
    found = recall(place)
    assert found is not None
    misfit_of_coins(found.snapshot, world.settings)
    fewer = world.settings.model_copy(update={"COINS": ("ETHUSDT",)})
    with pytest.raises(ConfigError, match="COINS lacks BTCUSDT, of which something is open"):
        misfit_of_coins(found.snapshot, fewer)


def test_old_checkpoints_go_but_those_of_a_run_s_start_and_of_a_day_s_end(world: Journalled, place: Place) -> None:
    day = 86_400_000
    times = [START_MS + minute * 60_000 for minute in range(1, 20)]
    times[3] = START_MS - START_MS % day + day
    for time in times:
        world.scribe.keep(Checkpoint(time, VERSION, b""))
    world.journal.close()
    with place.reading().connect() as connection:
        kept = connection.scalars(sa.select(snapshots.c.time).order_by(snapshots.c.seq)).all()
    assert kept == [START_MS, times[3], *times[-8:]]
