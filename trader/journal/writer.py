"""Writes groups of entries: one transaction each, and after any failure from where the database really is."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Insert, Table, and_, delete, func, insert, not_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from trader.core.errors import JournalError
from trader.core.timeframe import DAY_MS
from trader.journal.buffer import Held
from trader.journal.codec import decode, pack
from trader.journal.digest import GroupDigest, checksum, link
from trader.journal.faults import translated
from trader.journal.place import Place, driver
from trader.journal.records import Run
from trader.journal.rows import run_row
from trader.journal.schema import BOOKS, LOG, STANDING, fills, groups, runs, snapshots
from trader.journal.session import End, Foreign, WriteSession

#: Snapshots that are kept: the newest is what a restart needs, older ones are for the case that it cannot be read.
KEPT_SNAPSHOTS = 8
#: So long (ms of the market) those at the end of a UTC day are kept: the day after can be traded again from there. The
#: first of each run stays for good: a replay begins there.
KEPT_DAY_ENDS_MS = 40 * DAY_MS

Values = dict[str, Any]


class Writer:
    """The one writer of a journal. Not safe to use from two threads at once.

    Every failure is a `JournalError`, and the next call connects again.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._session = WriteSession(place)

    @property
    def last_seq(self) -> int:
        """The newest entry that is committed."""
        return self._session.end.seq

    def open(self) -> None:
        """Become the owner, and bring the tables up to date; raise `JournalError` where that cannot be."""
        self._session.open()

    def close(self) -> None:
        """Give up connection and ownership."""
        self._session.close()

    def write(self, entries: Sequence[Held], synced: bool) -> None:
        """Commit `entries` as one group; `synced`: it is on the disk when this returns, with all before it.

        Entries that an earlier commit has brought there although it seemed to fail are left out.
        """
        try:
            connection = self._session.connection()
            fresh = [held for held in entries if held.stamp.seq > self.last_seq]
            if fresh or synced:
                self._session.commits_wait(connection, synced)
                with connection.begin():
                    end = self._insert(connection, fresh)
                self._session.end = end
        except Foreign as error:
            self._session.drop()
            raise translated(error, str(self.place)) from None
        except JournalError:
            self._session.drop()
            raise

    def tidy(self, written_bytes: int, idle: bool) -> None:
        """Keep the write-ahead log small; raise `JournalError` where that fails."""
        try:
            self._session.tidy(written_bytes, idle)
        except Foreign as error:
            self._session.drop()
            raise translated(error, str(self.place)) from None

    def begin_run(self, run: Run, continues: int | None) -> Run:
        """Write a run down and return it with its number; `continues` is the pool it goes on with, None a new one."""
        try:
            connection = self._session.connection()
            self._session.commits_wait(connection, True)
            with connection.begin():
                number = (connection.scalar(select(func.max(runs.c.id))) or 0) + 1
                placed = msgspec.structs.replace(run, id=number, pool=continues or number)
                self._replace(connection, runs, ("id",), [run_row(placed).values])
        except Foreign as error:
            raise translated(error, str(self.place)) from None
        return placed

    def end_run(self, number: int, wall: int) -> None:
        """Write down that a run has ended in order."""
        try:
            connection = self._session.connection()
            with connection.begin():
                payload = connection.scalar(select(runs.c.payload).where(runs.c.id == number))
                ended = msgspec.structs.replace(decode(payload or b"", Run), ended=wall)
                self._replace(connection, runs, ("id",), [run_row(ended).values])
        except Foreign as error:
            raise translated(error, str(self.place)) from None

    def _insert(self, connection: Connection, entries: Sequence[Held]) -> End:
        """Insert all rows and the row of their group; return where the journal ends then."""
        rows = _by_table(entries)
        if "fills" in rows:
            rows["fills"] = _unknown_fills(connection, rows["fills"])
        digest = GroupDigest()
        for table in (*LOG, *BOOKS):
            if found := rows.get(table.name):
                for row in found:
                    digest.add(table.name, row)
                self._carry_out(connection, _inserting(table), found)
        for table, key in STANDING.items():
            if found := rows.get(table.name):
                self._replace(connection, table, key, found)
        return self._close_group(connection, entries, digest)

    def _close_group(self, connection: Connection, entries: Sequence[Held], digest: GroupDigest) -> End:
        before = self._session.end
        values: Values = {
            "id": before.group + 1,
            "first_seq": before.seq + 1,
            "last_seq": entries[-1].stamp.seq if entries else before.seq,
            "entries": len(entries),
            "wall": entries[-1].stamp.wall if entries else time.time_ns() // 1_000_000,
            "log_digest": digest.log,
            "books_digest": digest.books,
        }
        values["chain"] = link(before.chain, values)
        self._carry_out(connection, _inserting(groups), [values | {"pruned": 0}])
        return End(values["id"], values["last_seq"], values["chain"])

    def _replace(self, connection: Connection, table: Table, key: tuple[str, ...], rows: list[Values]) -> None:
        """Put the last of `rows` of each key in the place of what is there."""
        last = {tuple(row[name] for name in key): row for row in rows}
        for row in last.values():
            row["crc"] = checksum(row)
        self._carry_out(connection, _replacing(table, key, self.place.is_sqlite), list(last.values()))
        if table is snapshots:
            _forget_old_snapshots(connection)

    def _carry_out(self, connection: Connection, statement: Insert, rows: list[Values]) -> None:
        """Write rows; to a file without a detour, which would take longer than the file does."""
        if self.place.is_sqlite:
            driver(connection).executemany(_sqlite_text(statement, tuple(rows[0])), rows)
        else:
            connection.execute(statement, rows)


@cache
def _inserting(table: Table) -> Insert:
    """Return the statement that inserts; made once, for making it takes longer than carrying it out."""
    return insert(table)


@cache
def _replacing(table: Table, key: tuple[str, ...], on_sqlite: bool) -> Insert:
    """Return the statement that inserts a row, or puts it in the place of the one with its key."""
    made = sqlite.insert(table) if on_sqlite else postgresql.insert(table)
    new = {column.name: made.excluded[column.name] for column in table.c if column.name not in key}
    return made.on_conflict_do_update(index_elements=list(key), set_=new)


@cache
def _sqlite_text(statement: Insert, columns: tuple[str, ...]) -> str:
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="named"), column_keys=list(columns)))


def _by_table(entries: Sequence[Held]) -> dict[str, list[Values]]:
    """Return the rows of `entries` by table, as they are stored."""
    rows: dict[str, list[Values]] = defaultdict(list)
    for held in entries:
        for table, values in held.rows:
            payload = values["payload"]
            packed = pack(payload)
            # What waits in memory stays as it is: a group that fails is packed again.
            rows[table].append(values if packed is payload else {**values, "payload": packed})
    return rows


def _unknown_fills(connection: Connection, rows: list[Values]) -> list[Values]:
    """Return the fills that are not there yet, each once: exchanges deliver some twice."""
    new = {(row["symbol"], row["trade_id"], row["client_id"]): row for row in reversed(rows)}
    columns = (fills.c.symbol, fills.c.trade_id, fills.c.client_id)
    keys = list(new)
    for start in range(0, len(keys), 200):
        chosen = select(*columns).where(tuple_(*columns).in_(keys[start : start + 200]))
        for symbol, trade_id, client_id in connection.execute(chosen):
            del new[symbol, trade_id, client_id]
    return sorted(new.values(), key=lambda row: (row["seq"], row["ordinal"]))


def _forget_old_snapshots(connection: Connection) -> None:
    seq, time = snapshots.c.seq, snapshots.c.time
    newest = connection.execute(select(seq, time).order_by(seq.desc()).limit(KEPT_SNAPSHOTS)).all()
    day_end = and_(time % DAY_MS == 0, time >= max(newest[0].time, KEPT_DAY_ENDS_MS) - KEPT_DAY_ENDS_MS)
    beginnings = select(func.min(seq)).group_by(snapshots.c.run)
    connection.execute(delete(snapshots).where(seq < newest[-1].seq, not_(day_end), seq.not_in(beginnings)))
