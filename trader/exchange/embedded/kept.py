"""Keeps what the accounts of an exchange hold in a file of its own, and goes on from it.

The file is written before anybody is told of a change: whoever reads it after a crash finds nothing missing that was
answered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from trader.core.errors import ConfigError, DataError
from trader.market.durable import write_atomic

log = logging.getLogger(__name__)

VERSION = 1


class Keep(Protocol):
    """One market's part: its state as bytes."""

    def state(self) -> bytes:
        """Return all that is to be kept."""
        ...

    def take_up(self, encoded: bytes) -> None:
        """Go on with what was kept."""
        ...


class Kept(msgspec.Struct, frozen=True):
    """The file: which play it is of, its time (ms), and each market's state."""

    version: int
    play: str
    time: int
    markets: dict[str, bytes]


class KeptAccounts:
    """The accounts of the play called `play`, in the file at `path`; `now` is its time, ms."""

    def __init__(self, path: Path, play: str, markets: Mapping[str, Keep], now: Callable[[], int]) -> None:
        self._path = path
        self._play = play
        self._markets = markets
        self._now = now
        self._said = ""

    def take_up(self) -> None:
        """Go on with what the file has, if it is there; raise `ConfigError` where it is not of this play."""
        kept = read_kept(self._path)
        if kept is None:
            return
        if kept.play != self._play:
            raise ConfigError(
                f"{self._path} has accounts of: {kept.play}; this is: {self._play}; allowed: the same, or another file"
            )
        try:
            for market, keep in self._markets.items():
                keep.take_up(kept.markets[market])
        except (msgspec.MsgspecError, LookupError) as error:
            raise ConfigError(f"{self._path} cannot be used: {error}; move it away to begin anew") from None

    def write(self) -> None:
        """Write what the accounts hold now; where that cannot be, say so once and go on."""
        states = {market: keep.state() for market, keep in self._markets.items()}
        encoded = msgspec.msgpack.encode(Kept(VERSION, self._play, self._now(), states))
        try:
            write_atomic(self._path, lambda file: file.write(encoded))
            self._said = ""
        except DataError as error:
            if str(error) != self._said:
                log.error("accounts are not kept: %s", error)
            self._said = str(error)


def read_kept(path: Path) -> Kept | None:
    """Return what a file has, None where there is none; raise `ConfigError` where it cannot be used."""
    try:
        kept = msgspec.msgpack.decode(path.read_bytes(), type=Kept)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; move it away to begin anew") from None
    if kept.version != VERSION:
        raise ConfigError(f"{path} is of version {kept.version}, this program writes {VERSION}; move it away")
    return kept
