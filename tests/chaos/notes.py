"""What the exchange of a chaos run writes down for its judge: one line of JSON for each thing that happened.

`at` is the exchange's server time (its wall clock), ms: the clock by which it takes and refuses requests. That is the
exchange time of this package; the market's passes faster beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import msgspec

#: Parameters that name an order, a list or a stop by a client id.
NAMES = (
    "newClientOrderId",
    "origClientOrderId",
    "listClientOrderId",
    "aboveClientOrderId",
    "belowClientOrderId",
    "clientAlgoId",
)


class Happened(msgspec.Struct, frozen=True, tag_field="is", tag="event"):
    """An event of the account as it was made, before any fault."""

    at: int
    market: str
    event: dict[str, Any]


class Asked(msgspec.Struct, frozen=True, tag_field="is", tag="request"):
    """A request of the account: `at` it came, `until` it was answered or cut (status 0); `faults` that it met."""

    at: int
    until: int
    method: str
    path: str
    names: tuple[str, ...]
    status: int
    faults: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it met a fault, as its sender sees it."""
        return bool(self.faults) or self.status in (0, 408, 418, 429) or self.status >= 500


class Struck(msgspec.Struct, frozen=True, tag_field="is", tag="fault"):
    """A fault, with its amount; `name` is the client id of the order that a lost event was about."""

    at: int
    kind: str
    amount: float = 0.0
    name: str = ""


Note = Happened | Asked | Struck


def now_ms() -> int:
    """Return the server time, ms."""
    return time.time_ns() // 1_000_000


class Notebook:
    """Writes notes to a file, each at once."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w")

    def note(self, note: Note) -> None:
        """Write a line."""
        self._file.write(msgspec.json.encode(note).decode() + "\n")
        self._file.flush()

    def close(self) -> None:
        """End it."""
        self._file.close()


def read_notes(path: Path) -> Iterator[Note]:
    """Yield the notes of a file, as far as they are whole."""
    decoder = msgspec.json.Decoder(Note)
    with path.open() as file:
        for line in file:
            if line.endswith("\n"):
                yield decoder.decode(line)
