"""A copy of a journal in one SQLite file, made while the daemon runs, and verified before it counts."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.exc import SQLAlchemyError

from trader.core.errors import JournalError
from trader.journal.copies import Progress, copy_file, no_progress
from trader.journal.faults import DAMAGED, translated
from trader.journal.migrate import migrate
from trader.journal.place import Place
from trader.journal.reader import BATCH, Reader, count, stream
from trader.journal.schema import KEPT
from trader.journal.verify import Verified, verify


def backup(place: Place, target: Path, progress: Progress = no_progress, checked: Progress = no_progress) -> Verified:
    """Copy the journal at `place` to the file `target`, and return what its verification found: nothing wrong.

    Raise `JournalError` when it cannot be copied, when `target` is there already, or when the copy has faults; then
    there is no `target`. A journal on a server becomes a file too, which every command can read.
    """
    if target.exists():
        raise JournalError(f"{target} is there already: give the backup another name, or move that away")
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(place, temporary, progress)
        found = verify(Place.at(place.home, temporary), checked)
        if found.faults:
            raise JournalError(f"the backup of {place} has faults, and so has the journal: {found.faults[0]}", DAMAGED)
        os.replace(temporary, target)
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise translated(error, f"{place} to {target}") from None
    finally:
        for leftover in (temporary, *(Path(f"{temporary}{end}") for end in ("-wal", "-shm", "-journal"))):
            leftover.unlink(missing_ok=True)
    return found


def _copy(place: Place, target: Path, progress: Progress) -> None:
    with Reader(place) as reader:
        if place.is_sqlite:
            copy_file(place.path, target, progress)
            return
        copy = Place.at(place.home, target)
        with reader.moment() as source, copy.writing().connect() as connection:
            migrate(connection, copy, lambda _: None)
            with connection.begin():
                _copy_rows(source, connection, progress)
    # What was written goes into the file, so that it is whole without a log beside it.
    plain = sqlite3.connect(target)
    try:
        plain.execute("PRAGMA journal_mode=DELETE")
    finally:
        plain.close()


def _copy_rows(source: Connection, target: Connection, progress: Progress) -> None:
    total, done = sum(count(source, table) for table in KEPT), 0
    for table in KEPT:
        for rows in _batches(stream(source, table)):
            target.execute(insert(table), rows)
            done += len(rows)
            progress(done, total)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
