"""What a daemon needs to go on where it was: written atomically, loaded whole or put aside."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from trader.core.timeframe import Timeframe
from trader.market.durable import write_atomic
from trader.simulation.broker import BrokerState
from trader.trading.book import Book

VERSION = 1


class Snapshot(msgspec.Struct, frozen=True):
    """The pool, the open paper trades and the orders that rest, as they stood at `book.time`.

    `venue` names the market, and when embedded the seed and the play. `anchor` is the start (ms) of the run in which
    the pool began: indicators go on from there.
    """

    version: int
    venue: str
    exits: dict[str, Timeframe]
    anchor: int
    book: Book
    broker: BrokerState


class Snapshots:
    """The snapshot file of one daemon."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, encoded: bytes) -> None:
        """Put `encoded` in place of the snapshot before, at one stroke."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, lambda file: file.write(encoded))

    def load(self) -> Snapshot | str | None:
        """Return the snapshot, None when there is none, or in words why it cannot be used."""
        try:
            snapshot = decode(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            return f"it cannot be read ({error})"
        if snapshot.version != VERSION:
            return f"it is of version {snapshot.version}, this program writes {VERSION}"
        return snapshot

    def put_aside(self, when: datetime | None = None) -> Path:
        """Move the snapshot out of the way, and return where it is now; nothing is deleted."""
        stamp = (when or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S")
        aside = self.path.with_name(f"{self.path.stem}-{stamp}.aside")
        number = 1
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{self.path.stem}-{stamp}-{number}.aside")
        self.path.rename(aside)
        return aside


def encode(snapshot: Snapshot) -> bytes:
    """Return the bytes of a snapshot; what they hold is fixed at this moment."""
    return msgspec.msgpack.encode(snapshot)


def decode(encoded: bytes) -> Snapshot:
    """Return the snapshot in `encoded`; raise `MsgspecError` when it is none."""
    return msgspec.msgpack.decode(encoded, type=Snapshot)
