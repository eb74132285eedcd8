"""Checksums: a chain over the groups of rows that never change, and one of its own on each row that may.

They find bytes that a disk, a copy or a careless hand has changed. They do not stop somebody who computes them anew,
and the loss of the newest whole groups leaves a chain that is shorter and still fits.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from trader.journal.schema import BOOKS, DIGESTED, LOG

#: The chain before the first group.
FIRST_LINK = bytes(16)
#: What the chain covers of a group's row.
CHAINED = ("id", "first_seq", "last_seq", "entries", "wall", "log_digest", "books_digest")
_PLACES = {table.name: place for place, table in enumerate((*LOG, *BOOKS))}
_LOG_NAMES = frozenset(table.name for table in LOG)
_encode = msgspec.msgpack.Encoder().encode


class GroupDigest:
    """Digests of one group's rows, given table by table in the order of the schema, each by seq and ordinal."""

    def __init__(self) -> None:
        self._log, self._books = blake2b(digest_size=16), blake2b(digest_size=16)

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Take one row of a table that never changes."""
        content = _encode([_PLACES[table], *[row[name] for name in DIGESTED[table]]])
        (self._log if table in _LOG_NAMES else self._books).update(content)

    @property
    def log(self) -> bytes:
        """The digest of events and commands."""
        return self._log.digest()

    @property
    def books(self) -> bytes:
        """The digest of all other rows."""
        return self._books.digest()


def link(before: bytes, group: Mapping[str, Any]) -> bytes:
    """Return the chain after a group, a row of the table `groups`, given the chain `before` it."""
    return blake2b(_encode([before, *[group[name] for name in CHAINED]]), digest_size=16).digest()


def checksum(row: Mapping[str, Any]) -> int:
    """Return the checksum of a row, whatever its column `crc` says."""
    return zlib.crc32(_encode([value for name, value in sorted(row.items()) if name != "crc"]))
