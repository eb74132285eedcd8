"""The writer's connection: ownership, tables up to date, integrity, and how far a commit goes."""

from __future__ import annotations

import logging
import os
import sqlite3

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import SQLAlchemyError

from trader.core.errors import JournalError
from trader.journal.copies import keep_copy
from trader.journal.digest import FIRST_LINK
from trader.journal.faults import DAMAGED, translated
from trader.journal.migrate import migrate
from trader.journal.owner import FileLock, ServerLock
from trader.journal.place import Place, driver
from trader.journal.schema import HEAD, groups

log = logging.getLogger(__name__)

#: Files up to this size are read through at the start, in a second or so; `journal verify` does it for larger ones.
CHECKED_BYTES = 256_000_000
#: Bytes written after which the write-ahead log is brought into the file while nothing else is to do, and at any rate.
EASY_BYTES, MOST_BYTES = 4_000_000, 64_000_000

#: What databases raise; `translated` turns it into a `JournalError`.
Foreign = (SQLAlchemyError, sqlite3.Error, OSError, OverflowError)


class End:
    """Where a journal ends: its newest group, the newest entry in it, and the chain up to there."""

    def __init__(self, group: int = 0, seq: int = 0, chain: bytes = FIRST_LINK) -> None:
        self.group, self.seq, self.chain = group, seq, chain


class WriteSession:
    """Holds the one connection that writes, and makes another when it has failed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.end = End()
        self._engine = place.writing()
        self._connection: Connection | None = None
        self._file_lock = FileLock(place)
        self._server_lock = ServerLock(place)
        self._synced: bool | None = None
        self._unmoved_bytes = 0

    def open(self, target: str = HEAD) -> None:
        """Become the owner and bring the tables to `target`; raise `JournalError` where that cannot be."""
        try:
            if self.place.is_sqlite:
                self.place.path.parent.mkdir(parents=True, exist_ok=True)
                self._file_lock.take()
            connection = self._reached()
            self._check(connection)
            migrate(connection, self.place, lambda revision: keep_copy(self.place, connection, revision), target)
            self._settle(connection)
        except Foreign as error:
            self.close()
            raise translated(error, str(self.place)) from None
        except JournalError:
            self.close()
            raise

    def close(self) -> None:
        """Give up connection and ownership."""
        self.drop()
        self._file_lock.release()

    def drop(self) -> None:
        """Give up the connection, which may be dead; the next `connection` makes another."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.invalidate()
            connection.close()
        except Foreign as error:
            log.debug("a connection could not be closed: %s", type(error).__name__)

    def connection(self) -> Connection:
        """Return the connection; a new one is the owner's again, and `end` is where the journal really ends."""
        if self._connection is None:
            self._settle(self._reached())
        return self._reached()

    def commits_wait(self, connection: Connection, synced: bool) -> None:
        """Let the commits that follow wait for the disk or not.

        In SQLite a commit that waits (FULL) brings all before it to the disk too; one that does not (NORMAL) outlives
        the death of this process, not that of the machine.
        """
        if self._synced is synced:
            return
        if self.place.is_sqlite:
            driver(connection).execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
        else:
            with connection.begin():
                connection.execute(text(f"SET synchronous_commit TO {'on' if synced else 'off'}"))
        self._synced = synced

    def tidy(self, written_bytes: int, idle: bool) -> None:
        """Bring the write-ahead log into the file where it has grown; best while nothing else is to do."""
        self._unmoved_bytes += written_bytes
        if not self.place.is_sqlite or self._unmoved_bytes < (EASY_BYTES if idle else MOST_BYTES):
            return
        self._unmoved_bytes = 0
        driver(self.connection()).execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _reached(self) -> Connection:
        """Return the connection, made if need be; on a server with its schema and the lock."""
        if self._connection is None:
            self._connection = self._engine.connect()
            self._synced = None
            if not self.place.is_sqlite:
                self._own_schema(self._connection)
        return self._connection

    def _own_schema(self, connection: Connection) -> None:
        schema = self.place.schema
        with connection.begin():
            if connection.scalar(text("SELECT to_regnamespace(:schema)::text"), {"schema": schema}) is None:
                connection.execute(text(f'CREATE SCHEMA "{schema}"'))
            self._server_lock.take(connection)

    def _check(self, connection: Connection) -> None:
        if not self.place.is_sqlite or os.stat(self.place.path).st_size > CHECKED_BYTES:
            return
        found = driver(connection).execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise JournalError(
                f"journal {self.place} is damaged ({found.splitlines()[0]}): put it aside and go on with a backup",
                DAMAGED,
            )

    def _settle(self, connection: Connection) -> None:
        with connection.begin():
            if not self.place.is_sqlite:
                self._server_lock.sign(connection)
            row = connection.execute(select(groups).order_by(groups.c.id.desc()).limit(1)).first()
        self.end = End(row.id, row.last_seq, bytes(row.chain)) if row else End()
