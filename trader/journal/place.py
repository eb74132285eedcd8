"""Where a journal is: a SQLite file, or a schema of a PostgreSQL database; and how it is connected to."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from trader.core.errors import ConfigError, JournalError
from trader.journal.faults import ABSENT

FILE_NAME = "journal.sqlite"
#: How long a statement waits for another program's lock, ms.
BUSY_MS = 5_000
#: What is left of a write-ahead log once all of it is in the file, bytes.
LOG_BYTES = 64_000_000
#: How long a server may take to answer a connection, and to be silent with data under way.
CONNECT_S, SILENT_MS = 5, 10_000
ALLOWED = "allowed: nothing (a SQLite file), sqlite:///FILE, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


class Place:
    """One journal. `home` is the daemon's folder: the file is in it unless `url` says otherwise.

    On a PostgreSQL server each home has a schema of its own, so that the journals of two daemons never mix.
    """

    def __init__(self, home: Path, url: str = "") -> None:
        self.home = home
        self._url = _parsed(url) if url else URL.create("sqlite", database=str(home / FILE_NAME))
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self.path = Path(self._url.database or "") if self.is_sqlite else home / FILE_NAME
        self.schema = "trader_" + re.sub(r"\W+", "_", home.name.lower()).strip("_")

    @classmethod
    def at(cls, home: Path, file: Path) -> Place:
        """Return the place of a journal in a file of any name."""
        place = cls(home)
        place._url, place.path = place._url.set(database=str(file)), file
        return place

    @property
    def password(self) -> str:
        """The password in the URL, for whoever hides secrets; "" without one."""
        return str(self._url.password or "")

    def __str__(self) -> str:
        """Say where it is, without the password."""
        if self.is_sqlite:
            return str(self.path)
        host = f"{self._url.host or 'localhost'}:{self._url.port or 5432}"
        return f"postgresql://{host}/{self._url.database or ''} ({self.schema})"

    def exists(self) -> bool:
        """Tell whether the file is there; of a server that is known only once it is asked."""
        return not self.is_sqlite or self.path.exists()

    def writing(self) -> Engine:
        """Return an engine whose transactions begin as writers; the caller holds its one connection."""
        if not self.is_sqlite:
            return self._server("")
        return _file_engine(lambda: _connected(self.path), "BEGIN IMMEDIATE")

    def reading(self) -> Engine:
        """Return an engine that cannot write; raise `JournalError` when there is no file."""
        if not self.is_sqlite:
            return self._server(" -c default_transaction_read_only=on")
        if not self.path.exists():
            raise JournalError(f"there is no journal at {self.path}: a daemon makes it at its first start", ABSENT)
        return _file_engine(lambda: _connected(self.path, read_only=True), "BEGIN")

    def _server(self, options: str) -> Engine:
        arguments = {
            "connect_timeout": CONNECT_S,
            "keepalives_idle": 5,
            "tcp_user_timeout": SILENT_MS,
            "application_name": "trader journal",
            "options": f"-c search_path={self.schema} -c lock_timeout={BUSY_MS}{options}",
        }
        try:
            return create_engine(self._url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
        except ModuleNotFoundError as error:
            raise ConfigError(
                "JOURNAL_URL: PostgreSQL needs the package psycopg; install it with: pip install 'psycopg[binary]'"
            ) from error


def driver(connection: Connection) -> Any:
    """Return the driver's own connection below `connection`."""
    return connection.connection.driver_connection


def _parsed(text: str) -> URL:
    try:
        url = make_url(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", text))
    except (ArgumentError, ValueError):
        raise ConfigError(f"JOURNAL_URL cannot be read; {ALLOWED}") from None
    if url.drivername not in ("sqlite", "postgresql+psycopg") or not url.database:
        raise ConfigError(f"JOURNAL_URL names no journal; {ALLOWED}")
    return url


def _file_engine(connected: Any, begin: str) -> Engine:
    engine = create_engine("sqlite://", creator=connected, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _connected(path: Path, read_only: bool = False) -> sqlite3.Connection:
    """Connect without the driver's own transactions: it would end them at a change of the tables."""
    name = f"file:{quote(str(path.absolute()))}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(
        name, uri=True, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    if not read_only:
        try:
            # A new file gives room back in small steps later on; a mode of its own for an old one stays.
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA wal_autocheckpoint=0")
            # A long read lets the log grow: it gives the room back when it begins anew.
            connection.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
        except sqlite3.Error:
            connection.close()
            raise
    return connection
