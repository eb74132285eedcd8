"""Bans that outlive the process: a restart stays silent until the venue listens again."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from trader.market.durable import locked, write_atomic

_LOG = logging.getLogger(__name__)


class BanFile:
    """A small JSON file: name of a venue's address -> until when it is not to be asked, ms UTC."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def until_ms(self, key: str) -> int:
        """Return until when `key` must not be asked; 0 when it may."""
        return self._read().get(key, 0)

    def save(self, key: str, until_ms: int, now_ms: int) -> None:
        """Remember a ban, and forget those that are over; the file changes at one stroke."""
        with locked(self.path.parent):
            bans = {name: until for name, until in self._read().items() if until > now_ms} | {key: until_ms}
            write_atomic(self.path, lambda file: file.write(msgspec.json.encode(bans)))

    def _read(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, int])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            _LOG.warning("%s cannot be read (%s): bans before this start are forgotten", self.path, error)
            return {}
