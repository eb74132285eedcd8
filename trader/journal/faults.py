"""What went wrong with a database, in the words and kinds of this program: one table per database."""

from __future__ import annotations

import errno
import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from trader.core.errors import JournalError

#: The kinds of a `JournalError` that may pass by themselves: what waits is written then.
FULL, READ_ONLY, LOCKED, UNREACHABLE, DISK = "full", "read_only", "locked", "unreachable", "disk"
#: Those that do not pass, and what nobody foresaw.
DAMAGED, REFUSED, FOREIGN, UNUSABLE = "damaged", "refused", "foreign_owner", "unusable"
#: Those of a journal that is not there, or of other tables than this program's.
ABSENT, NEWER, OLDER = "absent", "newer", "older"

#: What a person reads of each kind.
WORDS = {
    FULL: "there is no room left: free some, or move DATA_DIR to a larger disk",
    READ_ONLY: "it cannot be written: mount its disk for writing and let this user write file and folder",
    LOCKED: "another program has locked it for too long: close what has it open",
    UNREACHABLE: "its server cannot be reached or refuses: see that it runs and that JOURNAL_URL is right",
    DISK: "its disk fails, or a limit on file sizes is reached: look at the system's log",
    DAMAGED: "it is damaged: put it aside and go on with a backup (journal backup makes them)",
    REFUSED: "a value does not fit into its tables",
    UNUSABLE: "its database failed",
}

#: SQLite's primary result codes.
SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_IOERR: DISK,
    sqlite3.SQLITE_NOLFS: DISK,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_FORMAT: DAMAGED,
    sqlite3.SQLITE_CONSTRAINT: REFUSED,
    sqlite3.SQLITE_MISMATCH: REFUSED,
    sqlite3.SQLITE_TOOBIG: REFUSED,
    sqlite3.SQLITE_RANGE: REFUSED,
}

#: PostgreSQL's SQLSTATE, whole or its class of two characters.
POSTGRES = {
    "53100": FULL,
    "53": UNREACHABLE,
    "25006": READ_ONLY,
    "42501": READ_ONLY,
    "55": LOCKED,
    "40": LOCKED,
    "57014": LOCKED,
    "08": UNREACHABLE,
    "28": UNREACHABLE,
    "3D": UNREACHABLE,
    "57": UNREACHABLE,
    "58": DISK,
    "XX001": DAMAGED,
    "XX002": DAMAGED,
    "22": REFUSED,
    "23": REFUSED,
}

#: What the system says of files.
SYSTEM = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: READ_ONLY,
    errno.EACCES: READ_ONLY,
    errno.EPERM: READ_ONLY,
    errno.EIO: DISK,
    errno.EFBIG: DISK,
}


def translated(error: SQLAlchemyError | sqlite3.Error | OSError | OverflowError, where: str) -> JournalError:
    """Return what to raise for `error` of the journal at `where`; never SQL, parameters or passwords in it."""
    origin = getattr(error, "orig", None) or error
    kind = _kind(origin)
    said = str(origin).strip().splitlines()
    detail = f" ({said[0]})" if said and kind != REFUSED else ""
    return JournalError(f"journal {where}: {WORDS[kind]}{detail}", kind)


def _kind(origin: BaseException) -> str:
    if isinstance(origin, sqlite3.Error):
        code = getattr(origin, "sqlite_errorcode", None)
        if code is not None:
            return SQLITE.get(code & 0xFF, UNUSABLE)
        return REFUSED if isinstance(origin, sqlite3.InterfaceError | sqlite3.DataError) else UNUSABLE
    if isinstance(origin, OverflowError):
        return REFUSED
    if isinstance(origin, OSError):
        return SYSTEM.get(origin.errno or 0, UNUSABLE)
    state = getattr(origin, "sqlstate", None)
    if state is None:
        # A driver that found no server, or lost it, has no state to tell.
        return UNREACHABLE if type(origin).__module__.startswith("psycopg") else UNUSABLE
    return POSTGRES.get(state) or POSTGRES.get(state[:2]) or UNUSABLE
