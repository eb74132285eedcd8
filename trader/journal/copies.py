"""Copies of a journal, made while it may be in use."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, inspect, text

from trader.journal.place import BUSY_MS, Place

log = logging.getLogger(__name__)

#: Pages that are copied at a time.
STEP_PAGES = 2_000

#: Told how much is done, of how much.
Progress = Callable[[int, int], object]


def no_progress(done: int, total: int) -> None:
    """Ignore how far it is."""


def copy_file(source: Path, target: Path, progress: Progress = no_progress) -> None:
    """Copy a SQLite journal as it stands at one moment, whoever writes to it meanwhile; the copy is on the disk.

    Raise `sqlite3.Error` or `OSError`. The read that is held open keeps that moment in sight.
    """
    reader = sqlite3.connect(f"file:{quote(str(source.absolute()))}?mode=ro", uri=True, timeout=BUSY_MS / 1000)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        _copy(reader, target, progress)
    finally:
        reader.close()
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _copy(reader: sqlite3.Connection, target: Path, progress: Progress) -> None:
    copy = sqlite3.connect(target)
    try:
        reader.backup(copy, pages=STEP_PAGES, progress=lambda _, left, total: progress(total - left, total), sleep=0)
        # One file without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()


def keep_copy(place: Place, connection: Connection, revision: str) -> str:
    """Keep what a migration is about to change: a file beside the journal, or a schema beside its schema.

    One a day: a daemon that is started again and again because the migration fails does not fill the disk.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d")
    if place.is_sqlite:
        path = place.path.with_name(f"{place.path.stem}-{revision}-{stamp}{place.path.suffix}")
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.unlink(missing_ok=True)
        copy_file(place.path, temporary)
        os.replace(temporary, path)
        kept = str(path)
    else:
        kept = f"{place.schema}_{revision}_{stamp}".lower()
        _copy_schema(connection, place.schema, kept)
    log.info("the journal as it was is kept in %s", kept)
    return kept


def _copy_schema(connection: Connection, source: str, target: str) -> None:
    with connection.begin():
        connection.execute(text(f'DROP SCHEMA IF EXISTS "{target}" CASCADE'))
        connection.execute(text(f'CREATE SCHEMA "{target}"'))
        for name in inspect(connection).get_table_names(schema=source):
            connection.execute(text(f'CREATE TABLE "{target}"."{name}" AS TABLE "{source}"."{name}"'))
