"""One writer a journal: a lock that dies with its process, and the words for whom it refuses."""

from __future__ import annotations

import fcntl
import os
import socket
import time
import uuid
from hashlib import blake2b
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, insert, select, text

from trader.core.errors import JournalError
from trader.journal.faults import FOREIGN, LOCKED
from trader.journal.place import Place
from trader.journal.schema import owner

#: How often, and how far apart, a lock on a server is asked for.
LOCK_ATTEMPTS, LOCK_PAUSE_S = 15, 0.1


class FileLock:
    """The lock beside a SQLite journal; the kernel frees it when the process ends, however it ends."""

    def __init__(self, place: Place) -> None:
        self._file: IO[str] | None = None
        self._path = lock_path(place)
        self._place = place

    def take(self) -> None:
        """Take the lock; raise `JournalError` naming the process that has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")
        if not _locked(file):
            holder = _holder(file)
            file.close()
            raise JournalError(f"journal {self._place} is being written by process {holder}; stop that first", FOREIGN)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let others have it."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


class ServerLock:
    """The lock of a schema on a server: it lives as long as the connection that took it.

    A row names the owner, so that one who lost its connection finds out whether somebody else came meanwhile.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._token = uuid.uuid4().hex
        self._owned = False

    def take(self, connection: Connection) -> None:
        """Take the lock on `connection`; raise `JournalError` naming the process that has it."""
        for attempt in range(LOCK_ATTEMPTS):
            if connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(self._place)}):
                return
            # The server may not have noticed yet that a process, or our own connection of before, is dead.
            time.sleep(LOCK_PAUSE_S if attempt < LOCK_ATTEMPTS - 1 else 0)
        raise JournalError(
            f"journal {self._place} is being written by {_described(connection)}; stop that first",
            LOCKED if self._owned else FOREIGN,
        )

    def sign(self, connection: Connection) -> None:
        """Write down who owns the journal, once its tables are there; at a reconnect, see that it is still us."""
        if self._owned:
            if connection.scalar(select(owner.c.token)) != self._token:
                raise JournalError(
                    f"journal {self._place} was taken over by {_described(connection)} while it could not be reached",
                    FOREIGN,
                )
            return
        row = {"one": 1, "token": self._token, "pid": os.getpid(), "host": socket.gethostname()}
        connection.execute(owner.delete())
        connection.execute(insert(owner), row | {"since": time.time_ns() // 1_000_000})
        self._owned = True


def writer_of(place: Place) -> str | None:
    """Return the process that writes a SQLite journal, None when nobody does."""
    try:
        with lock_path(place).open("r+", encoding="utf-8") as file:
            return None if _locked(file) else _holder(file)
    except FileNotFoundError:
        return None


def server_writer_of(place: Place, connection: Connection) -> str | None:
    """Return who writes the journal on a server, None when nobody does."""
    key = {"key": _key(place)}
    if connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key):
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
        return None
    return _described(connection)


def lock_path(place: Place) -> Path:
    """Return the path of the lock of a SQLite journal."""
    return place.path.with_name(f"{place.path.name}.lock")


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"


def _key(place: Place) -> int:
    return int.from_bytes(blake2b(place.schema.encode(), digest_size=8).digest(), "big", signed=True)


def _described(connection: Connection) -> str:
    known = connection.scalar(text("SELECT to_regclass('owner')"))
    row = connection.execute(select(owner)).first() if known else None
    return f"process {row.pid} on {row.host}" if row else "another process"
