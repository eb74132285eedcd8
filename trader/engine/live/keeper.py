"""Keeps candles and snapshots on disk, off the decision path: files are written by one thread, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trader.core.candle import Candle
from trader.core.errors import DataError
from trader.core.settings import Market
from trader.engine.live.snapshot import Snapshots
from trader.market.store import Store

log = logging.getLogger(__name__)

SNAPSHOT_NAME = "snapshot.msgpack"


class Keeper:
    """Buffers closed candles for the store and writes the newest snapshot.

    What cannot be written, as on a full disk, is said once and tried again; `trouble` has the words meanwhile.
    """

    def __init__(self, store: Store, market: Market, home: Path) -> None:
        self.trouble = ""
        self._store = store
        self._market = market
        self._candles: list[Candle] = []
        self._snapshots = Snapshots(home / SNAPSHOT_NAME)
        self._saved = b""
        self._thread = ThreadPoolExecutor(1, "keeper")  # a write that nobody waits for any more is still in turn

    def keep(self, candles: Sequence[Candle]) -> None:
        """Take closed candles; they are on disk after the next `flush`."""
        self._candles += candles

    async def flush(self) -> None:
        """Write the candles taken so far; those that cannot be written are fetched again when they are needed."""
        candles, self._candles = self._candles, []
        if candles:
            await self._write("candles", lambda: self._store.append(self._market, candles))
        else:
            await self._in_turn(lambda: None)  # what is being written is on disk too

    async def save(self, encoded: bytes) -> None:
        """Write a snapshot, unless it is the one that is there."""
        if encoded != self._saved and await self._write("the snapshot", lambda: self._snapshots.save(encoded)):
            self._saved = encoded

    async def close(self, encoded: bytes | None) -> None:
        """Write all that is not written yet, and a last snapshot if there is one; nothing can be written afterwards."""
        await self.flush()
        if encoded is not None:
            await self._write("the snapshot", lambda: self._snapshots.save(encoded))
        self._thread.shutdown(wait=False)

    async def _write(self, what: str, write: Callable[[], object]) -> bool:
        try:
            await self._in_turn(write)
        except (OSError, DataError) as error:
            trouble = f"{what} cannot be written: {error}"
            if trouble != self.trouble:
                log.error("%s", trouble)
            self.trouble = trouble
            return False
        if self.trouble.startswith(what):
            log.info("%s can be written again", what)
            self.trouble = ""
        return True

    async def _in_turn(self, work: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)
