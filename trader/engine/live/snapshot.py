"""What a daemon needs to go on where it was: written atomically, loaded whole or put aside."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from trader.core.errors import InvariantError
from trader.core.timeframe import Timeframe
from trader.market.durable import write_atomic
from trader.simulation.broker import BrokerState
from trader.trading.book import Book

VERSION = 2


class Snapshot(msgspec.Struct, frozen=True):
    """The pool, the open paper trades and the orders that rest, as they stood at `at` (ms of the market).

    `venue` names the market, and when embedded the seed and the play; `exits` are those of `coins` that had data.
    `anchor` is the start (ms) of the run in which the pool began: indicators go on from there. `missing` are open
    times of candles, by coin, that instants went on without and that were not repaired yet: exits have not been judged
    on them.
    """

    version: int
    venue: str
    coins: tuple[str, ...]
    exits: dict[str, Timeframe]
    anchor: int
    at: int
    missing: dict[str, list[int]]
    book: Book
    broker: BrokerState


_decode = msgspec.msgpack.Decoder(Snapshot).decode


class Snapshots:
    """The snapshot file of one daemon."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, encoded: bytes) -> None:
        """Put `encoded` in place of the snapshot before, at one stroke; raise `DataError` when that cannot be."""
        write_atomic(self.path, lambda file: file.write(encoded))

    def load(self) -> Snapshot | str | None:
        """Return the snapshot, None when there is none, or in words why it cannot be used."""
        try:
            encoded = self.path.read_bytes()
            version = msgspec.msgpack.decode(encoded, type=_Version).version
            if version != VERSION:
                return f"it is of version {version}, this program writes {VERSION}"
            snapshot = decode(encoded)
            snapshot.book.check()
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            return f"it cannot be read ({error})"
        except InvariantError as error:
            return f"its books contradict themselves ({error})"
        return snapshot

    def put_aside(self, when: datetime | None = None) -> Path:
        """Move the snapshot out of the way, and return where it is now; nothing is deleted."""
        return put_aside(self.path, when)


class _Version(msgspec.Struct):
    version: int


def put_aside(path: Path, when: datetime | None = None) -> Path:
    """Rename a file to `<name>-<time>.aside`, and return that."""
    stamp = (when or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}-{stamp}.aside")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}-{stamp}-{number}.aside")
    path.rename(aside)
    return aside


def encode(snapshot: Snapshot) -> bytes:
    """Return the bytes of a snapshot; what they hold is fixed at this moment."""
    return msgspec.msgpack.encode(snapshot)


def decode(encoded: bytes) -> Snapshot:
    """Return the snapshot in `encoded`; raise `MsgspecError` when it is none."""
    return _decode(encoded)
