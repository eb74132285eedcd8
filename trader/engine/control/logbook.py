"""Writes down who commanded what, a line each, so that it is there after a crash."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from trader.engine.control.address import Peer
from trader.engine.control.messages import Accepted, Command

LOGBOOK_NAME = "commands.jsonl"


class Entry(msgspec.Struct, frozen=True):
    """One accepted command. `market_ms` is the market's time, `wall` ours."""

    market_ms: int
    wall: datetime
    uid: int | None
    pid: int | None
    command: Command
    answer: Accepted


class Logbook:
    """The file of accepted commands in a daemon's home."""

    def __init__(self, home: Path) -> None:
        self.path = home / LOGBOOK_NAME

    def append(self, market_ms: int, who: Peer, command: Command, answer: Accepted) -> None:
        """Write one line; it is on the disk when this returns. Raise `OSError` when it cannot be."""
        entry = Entry(market_ms, datetime.now(UTC), who.uid, who.pid, command, answer)
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")
            file.flush()
            os.fsync(file.fileno())
