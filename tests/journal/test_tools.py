"""Backup, export and compaction: of a journal at rest, and beside the daemon that writes it."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.journal.test_verify import change
from tests.journal.values import fill, instant, opened, order, same, submit, trade
from trader.core.errors import JournalError
from trader.journal.backup import backup
from trader.journal.compact import compact
from trader.journal.export import SINKS, Format, export
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.journal.records import Checkpoint, DecisionRecord, Record
from trader.journal.schema import KEPT
from trader.journal.verify import verify

DAYS = 20


def weeks(place: Place, *more: Record) -> None:
    """Write an event and a decision an hour for some weeks, each group some hours."""
    with opened(place, threaded=False) as journal:
        for hour in range(DAYS * 24):
            at = instant(hour * 60)
            journal.append(at, (submit(hour + 1),), [DecisionRecord(at.time, {"no_pattern": list(range(100))})])
            if hour % 5 == 0:
                journal._pump.pump()
        journal.record(fill(), order(state="filled", final=True, filled=Decimal(1)), trade(2, exit=9), *more)


@contextmanager
def busy(place: Place) -> Iterator[Journal]:
    """Keep a journal open for writing, with a reader that looks on."""
    with opened(place, 1, wait_s=20.0) as journal, Reader(place) as reader:
        assert reader.end() > 0
        yield journal


# --- backup ---------------------------------------------------------------------------------------------------------


async def test_a_backup_while_the_daemon_writes_is_one_moment_of_the_journal(place: Place, tmp_path: Path) -> None:
    weeks(place)
    target = tmp_path / "copies" / "journal.sqlite"
    told: list[int] = []
    with busy(place) as journal:
        copying = asyncio.create_task(asyncio.to_thread(backup, place, target, lambda done, _: told.append(done)))
        while not copying.done():
            assert await journal.durable(journal.append(instant(99), (submit(),)))
        found = copying.result()
    assert found.faults == ()
    assert told
    copy = Place.at(place.home, target)
    assert verify(copy) == found
    assert [path.name for path in target.parent.iterdir()] == ["journal.sqlite"]
    with Reader(copy) as reader, Reader(place) as source:
        assert reader.end() >= DAYS * 24 + 1
        copied = list(reader.entries())
        assert same(copied, list(source.entries())[: len(copied)])
        assert same(reader.trades(), source.trades())


def test_a_backup_can_be_gone_on_with(place: Place, tmp_path: Path) -> None:
    weeks(place)
    backup(place, tmp_path / "a copy?#%41.sqlite")
    copy = Place.at(place.home, tmp_path / "a copy?#%41.sqlite")
    with opened(copy, 1) as journal:
        journal.append(instant(0), ())
    found = verify(copy)
    assert (found.faults, found.entries) == ((), DAYS * 24 + 2)


def test_a_backup_never_replaces_a_file_and_of_a_bad_journal_there_is_none(place: Place, tmp_path: Path) -> None:
    weeks(place)
    target = tmp_path / "copy.sqlite"
    target.write_text("mine")
    with pytest.raises(JournalError, match="is there already"):
        backup(place, target)
    assert target.read_text() == "mine"
    target.unlink()
    change(place, "UPDATE fills SET time = time + 1")
    with pytest.raises(JournalError, match=r"has faults, and so has the journal: group"):
        backup(place, target)
    assert not list(tmp_path.glob("*copy*"))


# --- export ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", list(SINKS))
def test_every_table_is_exported_with_its_values_in_columns(place: Place, tmp_path: Path, form: Format) -> None:
    weeks(place, Checkpoint(1, 1, b"\x00state"))
    with busy(place):
        rows = export(place, tmp_path / "out", form)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(f"{each.name}.{form}" for each in KEPT)
    assert rows["events"] == rows["decisions"] == DAYS * 24
    (filled,) = read(tmp_path / "out" / f"fills.{form}")
    assert (filled["price"], filled["fee_asset"], str(filled["trade_id"])) == ("100.5", "USDT", "1")
    (ended,) = read(tmp_path / "out" / f"trades.{form}")
    assert (ended["pattern"], float(ended["entry_price"])) == ("ascending_triangle", 100.5)
    assert json.loads(ended["parts"])[0]["reason"] == "stop_loss"
    (made,) = read(tmp_path / "out" / f"orders.{form}")
    assert (made["state"], made["filled"]) == ("filled", "1")
    (snapshot,) = read(tmp_path / "out" / f"snapshots.{form}")
    assert set(snapshot) == {"seq", "ordinal", "run", "time", "version"}
    first = read(tmp_path / "out" / f"events.{form}")[0]
    assert json.loads(first["data"])["candles"][0]["close"] == 100.0


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of an exported file."""
    if path.suffix == ".parquet":
        rows: list[dict[str, str]] = pq.read_table(path).to_pylist()
        return rows
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_export_is_there_whole_or_not_at_all(file_place: Place, tmp_path: Path) -> None:
    weeks(file_place)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(JournalError, match="is there already and not empty"):
        export(file_place, tmp_path / "mine", "csv")
    change(file_place, "UPDATE trades SET payload = x'01'")
    with pytest.raises(JournalError, match="a stored Trade cannot be read"):
        export(file_place, tmp_path / "out", "csv")
    assert not list(tmp_path.glob("*out*"))


# --- compaction -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("daemon_runs", [False, True])
async def test_old_decisions_go_and_nothing_else_does(place: Place, daemon_runs: bool) -> None:
    weeks(place)
    if daemon_runs:
        with busy(place) as journal:
            done = await asyncio.to_thread(compact, place, 5, None)
            assert done.writer is not None
            assert await journal.durable(journal.append(instant(0), (submit(),)))
    else:
        done = compact(place, 5, None)
        assert done.writer is None
        if place.is_sqlite:
            assert done.after_bytes < done.before_bytes
    assert (done.decisions, done.events) == ((DAYS - 5) * 24 - 1, 0)
    with Reader(place) as reader:
        assert len(list(reader.decisions())) == 5 * 24 + 1
        assert len(list(reader.entries())) == DAYS * 24 + daemon_runs
        assert len(reader.fills()) == len(reader.trades()) == 1
    assert verify(place).faults == ()


def test_old_events_go_on_demand_and_their_groups_say_so(place: Place) -> None:
    weeks(place, Checkpoint(1, 1, b"state"))
    done = compact(place, 5, 2)
    assert (DAYS - 2) * 24 - 6 <= done.events < (DAYS - 2) * 24
    with Reader(place) as reader:
        entries = list(reader.entries())
        assert len(entries) == DAYS * 24 - done.events
        assert all(entry.commands for entry in entries)
        assert len(reader.trades()) == 1
    found = verify(place)
    assert found.faults == ()
    assert found.pruned > 0
    change(place, f"DELETE FROM events WHERE seq = {entries[3].seq}")
    assert "an event or a command was changed or is missing" in verify(place).faults[0]


def test_events_that_a_restart_an_order_or_a_trade_needs_stay(tmp_path: Path) -> None:
    for name, record in (("no snapshot", fill(9)), ("an open order", order("open")), ("an open trade", trade(7))):
        place = Place(tmp_path / name)
        with opened(place, threaded=False) as journal:
            journal.append(instant(0), ())
            journal.record(record)
        with opened(place, 1, threaded=False) as journal:
            for hour in range(48):
                journal.append(instant(hour * 60), ())
            if name != "no snapshot":
                journal.record(Checkpoint(1, 1, b"state"))
        done = compact(place, 0, 0)
        with Reader(place) as reader:
            assert len(list(reader.entries())) == 49 - done.events
        assert done.events <= 1, name
        assert verify(place).faults == ()


def test_what_cannot_be_compacted_says_why(place: Place) -> None:
    with pytest.raises(JournalError, match="there is no journal at"):
        compact(place, 30, None)
    assert not place.path.exists()


def test_a_compaction_of_a_new_journal_drops_nothing(place: Place) -> None:
    with opened(place):
        pass
    done = compact(place, 0, 0)
    assert (done.decisions, done.events) == (0, 0)
    assert verify(place).faults == ()
