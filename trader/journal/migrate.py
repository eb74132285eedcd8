"""Brings a journal's tables to those of this program: a newer one is refused, an older one is kept as a copy first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

from trader.core.errors import JournalError
from trader.journal.faults import ABSENT, NEWER, OLDER
from trader.journal.place import Place
from trader.journal.schema import HEAD, REVISIONS

log = logging.getLogger(__name__)

VERSIONS = "alembic_version"
SCRIPTS = Path(__file__).parent / "migrations"


def revision_of(connection: Connection) -> str | None:
    """Return the revision of a journal's tables, None when there are none."""
    if not inspect(connection).has_table(VERSIONS):
        return None
    found = connection.scalar(text(f"SELECT version_num FROM {VERSIONS}"))
    return None if found is None else str(found)


def refuse_newer(revision: str | None, place: Place) -> None:
    """Raise `JournalError` for tables that this program does not know."""
    if revision is not None and revision not in REVISIONS:
        raise JournalError(
            f"journal {place} is of revision {revision}, this program knows {', '.join(REVISIONS)}: a newer program "
            "has written it; use that one, or another DATA_DIR",
            NEWER,
        )


def refuse_older(revision: str | None, place: Place) -> None:
    """Raise `JournalError` for tables that are there to be read, and are not up to date."""
    if revision is None:
        raise JournalError(f"there is no journal at {place}: a daemon makes it at its first start", ABSENT)
    refuse_newer(revision, place)
    if revision != HEAD:
        raise JournalError(
            f"journal {place} is of revision {revision}, this program reads {HEAD}: the next start of the daemon, or "
            "journal compact, brings it there",
            OLDER,
        )


def migrate(connection: Connection, place: Place, keep_copy: Callable[[str], object], target: str = HEAD) -> None:
    """Bring the tables to `target` in one transaction; `keep_copy` is told the revision before, unless it is new."""
    with connection.begin():
        revision = revision_of(connection)
    refuse_newer(revision, place)
    if revision == target:
        return
    if revision is not None:
        log.info("journal %s is of revision %s and is brought to %s", place, revision, target)
        keep_copy(revision)
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with connection.begin():
        command.upgrade(config, target)
