"""Gives room back: old decisions, and where a person asks for it old events; never what trades and orders need."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, delete, func, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from trader.core.errors import JournalError
from trader.journal.copies import Progress, no_progress
from trader.journal.faults import OLDER, translated
from trader.journal.owner import server_writer_of, writer_of
from trader.journal.place import Place, driver
from trader.journal.reader import Reader
from trader.journal.schema import KEPT, commands, decisions, events, groups, orders, readings, snapshots, trades
from trader.journal.session import WriteSession

DAY_MS = 86_400_000
#: Entries that are deleted at a time: a daemon that writes meanwhile waits some milliseconds.
STEP = 2_000
#: Pages that are given back at a time, likewise.
STEP_PAGES = 500


class Compacted(msgspec.Struct, frozen=True):
    """What was dropped, and the bytes on disk; `writer` is the process that runs on it, if any."""

    decisions: int
    events: int
    before_bytes: int
    after_bytes: int
    writer: str | None


def compact(
    place: Place, decision_days: float, event_days: float | None, progress: Progress = no_progress
) -> Compacted:
    """Drop decisions older than `decision_days`, and events with their commands older than `event_days`.

    Events stay where the newest snapshot, an order that is not final or an open trade needs them; days before them
    cannot be replayed. Days count back from the newest event. While a daemon runs, this goes in small steps, and the
    file gets smaller with its next checkpoint. Raise `JournalError`.
    """
    session = WriteSession(place)
    try:
        writer = _writer(place)
        _refuse_unreadable(place, writer)
        if writer is None:
            session.open()
        with place.writing().connect() as connection:
            return _Compactor(connection, place, writer, progress).compacted(decision_days, event_days)
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise translated(error, str(place)) from None
    finally:
        session.close()


def _writer(place: Place) -> str | None:
    if place.is_sqlite:
        return writer_of(place)
    with place.reading().connect() as connection, connection.begin():
        return server_writer_of(place, connection)


def _refuse_unreadable(place: Place, writer: str | None) -> None:
    """Refuse a journal that is not there, or that only its own daemon may bring up to date."""
    try:
        Reader(place).close()
    except JournalError as error:
        if error.kind != OLDER or writer is not None:
            raise


class _Compactor:
    def __init__(self, connection: Connection, place: Place, writer: str | None, progress: Progress) -> None:
        self._connection = connection
        self._place = place
        self._writer = writer
        self._progress = progress

    def compacted(self, decision_days: float, event_days: float | None) -> Compacted:
        before = self._bytes()
        with self._connection.begin():
            now_ms = self._connection.scalar(select(func.max(events.c.time))) or 0
        dropped = self._drop_decisions(now_ms - int(decision_days * DAY_MS))
        pruned = 0 if event_days is None else self._prune(now_ms - int(event_days * DAY_MS))
        self._vacuum()
        return Compacted(dropped, pruned, before, self._bytes(), self._writer)

    def _drop_decisions(self, until_ms: int) -> int:
        with self._connection.begin():
            last = self._connection.scalar(select(func.max(decisions.c.seq)).where(decisions.c.time < until_ms))
        return self._step_through(decisions, last, lambda first, end: self._delete(decisions, first, end))

    def _prune(self, until_ms: int) -> int:
        """Drop events up to the end of a group, and mark the groups whose events are not there any more."""
        with self._connection.begin():
            bound = self._needed_from(until_ms)
            last = self._connection.scalar(select(func.max(groups.c.last_seq)).where(groups.c.last_seq < bound))
        return self._step_through(events, last, self._prune_step)

    def _prune_step(self, first: int, end: int) -> int:
        """Drop the events of the groups that end in `[first, end)`; those before them are gone already."""
        ends = groups.c.last_seq
        last = self._connection.scalar(select(func.max(ends)).where(ends >= first, ends < end))
        if last is None:
            return 0
        self._connection.execute(update(groups).where(ends <= last, groups.c.pruned == 0).values(pruned=1))
        self._delete(commands, 0, last + 1)
        self._delete(readings, 0, last + 1)
        return self._delete(events, 0, last + 1)

    def _needed_from(self, until_ms: int) -> int:
        """Return the first entry that must stay."""
        ask = self._connection.scalar
        snapshot = ask(select(func.max(snapshots.c.seq))) or 0
        young = ask(select(func.min(events.c.seq)).where(events.c.time >= until_ms))
        entered = ask(select(func.min(trades.c.entry_time)).where(trades.c.is_open == 1))
        begun = [snapshot, snapshot if young is None else young]
        if entered is not None:
            begun.append(ask(select(func.min(events.c.seq)).where(events.c.time >= entered)) or 0)
        begun += [row.seq for row in self._connection.execute(select(orders.c.seq).where(orders.c.final == 0))]
        return int(min(begun))

    def _step_through(self, table: Table, last: int | None, step: Callable[[int, int], int]) -> int:
        """Work through the entries of a table up to `last`, a short transaction at a time; return the rows dropped."""
        if last is None:
            return 0
        with self._connection.begin():
            start = self._connection.scalar(select(func.min(table.c.seq))) or last
        dropped = 0
        for first in range(start, last + 1, STEP):
            with self._connection.begin():
                dropped += step(first, min(first + STEP, last + 1))
            self._progress(min(first + STEP, last + 1) - start, last + 1 - start)
        return dropped

    def _delete(self, table: Table, first: int, end: int) -> int:
        return self._connection.execute(delete(table).where(table.c.seq >= first, table.c.seq < end)).rowcount

    def _vacuum(self) -> None:
        if not self._place.is_sqlite:
            alone = self._place.writing().execution_options(isolation_level="AUTOCOMMIT")
            with alone.connect() as connection:
                for table in KEPT:
                    connection.execute(text(f"VACUUM {table.name}"))
            return
        raw_connection: Any = driver(self._connection)
        if self._writer is None:
            raw_connection.execute("VACUUM")
            raw_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return
        while raw_connection.execute("PRAGMA freelist_count").fetchone()[0]:
            raw_connection.execute(f"PRAGMA incremental_vacuum({STEP_PAGES})").fetchall()
        raw_connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _bytes(self) -> int:
        if self._place.is_sqlite:
            files = (self._place.path, self._place.path.with_name(f"{self._place.path.name}-wal"))
            return sum(file.stat().st_size for file in files if file.exists())
        sizes = "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        with self._connection.begin():
            found = self._connection.scalar(
                text(f"{sizes} WHERE relkind = 'r' AND nspname = :schema"), {"schema": self._place.schema}
            )
        return int(found or 0)
