"""Finds what is wrong with a journal: structure, chain of groups, checksums of rows, sums of the books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection

from trader.journal.books import check_books
from trader.journal.copies import Progress, no_progress
from trader.journal.digest import FIRST_LINK, GroupDigest, checksum, link
from trader.journal.place import Place, driver
from trader.journal.reader import Reader, count, stream
from trader.journal.schema import BOOKS, KEPT, LOG, STANDING, groups

#: Faults that are told one by one; more would hardly help.
MOST_FAULTS = 50
#: How often progress is told, in rows.
STEP = 5_000


class Verified(msgspec.Struct, frozen=True):
    """What was looked at and what is wrong, in words; `pruned` are groups whose events a person let go."""

    rows: int
    groups: int
    entries: int
    pruned: int
    faults: tuple[str, ...]


def verify(place: Place, progress: Progress = no_progress) -> Verified:
    """Check a journal as it stands at one moment, whoever writes to it; raise `JournalError` when it cannot be read."""
    reader = Reader(place)
    try:
        with reader.moment() as connection:
            return _Verifier(connection, place, progress).verified()
    finally:
        reader.close()


class _Verifier:
    """One pass over a journal."""

    def __init__(self, connection: Connection, place: Place, progress: Progress) -> None:
        self._connection = connection
        self._place = place
        self._progress = progress
        self._total = sum(count(connection, table) for table in KEPT)
        self._seen = 0
        self._groups = self._entries = self._pruned = 0

    def verified(self) -> Verified:
        """Check everything."""
        checks = chain(self._structure(), self._chain(), self._standing(), check_books(self._connection))
        faults = []
        for fault in checks:
            faults.append(fault)
            if len(faults) > MOST_FAULTS:
                faults[-1] = f"more than {MOST_FAULTS} faults: no further ones were looked for"
                break
        self._progress(self._total, self._total)
        return Verified(self._seen, self._groups, self._entries, self._pruned, tuple(faults))

    def _structure(self) -> Iterator[str]:
        if self._place.is_sqlite:
            found = driver(self._connection).execute("PRAGMA integrity_check(20)").fetchall()
            yield from (f"the file is damaged: {line}" for (line,) in found if line != "ok")

    def _chain(self) -> Iterator[str]:
        """Walk all tables that never change in step with their groups."""
        tables = [_Rows(table.name, self._rows(table)) for table in (*LOG, *BOOKS)]
        before, last_seq, number = FIRST_LINK, 0, 0
        for group in self._rows(groups):
            where = f"group {group['id']} (entries {group['first_seq']} to {group['last_seq']}, {_utc(group['wall'])})"
            if (group["id"], group["first_seq"]) != (number + 1, last_seq + 1):
                yield f"{where} does not follow on group {number}, which ends with entry {last_seq}: groups are missing"
            yield from self._content(where, group, tables)
            if link(before, group) != group["chain"]:
                yield f"{where} does not fit the chain: its row, or the group before it, was changed"
            before, last_seq, number = group["chain"], group["last_seq"], group["id"]
            self._groups += 1
            self._entries += group["entries"]
            self._pruned += bool(group["pruned"])
        for rows in tables:
            if row := next(rows.up_to(None), None):
                yield f"{rows.name}: entry {row['seq']} and what follows it is in no group"

    def _content(self, where: str, group: dict[str, Any], tables: list[_Rows]) -> Iterator[str]:
        digest = GroupDigest()
        wanted: Counter[int] = Counter()
        for rows in tables:
            for row in rows.up_to(group["last_seq"]):
                digest.add(rows.name, row)
                if rows.name == "events":
                    wanted[row["seq"]] += row["commands"]
                elif rows.name == "commands":
                    wanted[row["seq"]] -= 1
        if not group["pruned"]:
            if digest.log != group["log_digest"]:
                yield f"{where}: an event or a command was changed or is missing"
            for seq, missing in wanted.items():
                if missing:
                    yield f"{where}: the event of entry {seq} and its commands do not fit: {missing:+d} missing"
        if digest.books != group["books_digest"]:
            yield f"{where}: a row of {', '.join(table.name for table in BOOKS)} was changed or is missing"

    def _standing(self) -> Iterator[str]:
        for table, key in STANDING.items():
            for row in self._rows(table):
                if checksum(row) != row["crc"]:
                    name = ", ".join(f"{column} {row[column]}" for column in key)
                    yield f"{table.name}: the row with {name} was changed"

    def _rows(self, table: Any) -> Iterator[dict[str, Any]]:
        for row in stream(self._connection, table):
            self._seen += 1
            if self._seen % STEP == 0:
                self._progress(self._seen, self._total)
            yield row


class _Rows:
    """The rows of a table, taken up to a place at a time."""

    def __init__(self, name: str, rows: Iterator[dict[str, Any]]) -> None:
        self.name = name
        self._rows = rows
        self._ahead: dict[str, Any] | None = None

    def up_to(self, last_seq: int | None) -> Iterator[dict[str, Any]]:
        """Yield the rows up to an entry, None for all."""
        while True:
            row = self._ahead or next(self._rows, None)
            self._ahead = row
            if row is None or (last_seq is not None and row["seq"] > last_seq):
                return
            self._ahead = None
            yield row


def _utc(wall_ms: int) -> str:
    return f"{datetime.fromtimestamp(wall_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
