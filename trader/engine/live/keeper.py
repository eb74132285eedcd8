"""Keeps candles and snapshots on disk, off the decision path: files are written by a thread, one at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from trader.core.candle import Candle
from trader.core.errors import DataError
from trader.core.settings import Market
from trader.core.timeframe import Timeframe
from trader.engine.live.snapshot import VERSION, Snapshot, Snapshots, encode
from trader.market.store import Store
from trader.simulation.broker import BrokerState
from trader.trading.book import Book

log = logging.getLogger(__name__)

SNAPSHOT_NAME = "snapshot.msgpack"


class Keeper:
    """Buffers closed candles for the store and writes the newest snapshot."""

    def __init__(self, store: Store, market: Market, home: Path) -> None:
        self._store = store
        self._market = market
        self._candles: list[Candle] = []
        self._snapshots = Snapshots(home / SNAPSHOT_NAME)
        self._saved = b""
        self._turn = asyncio.Lock()

    def keep(self, candles: Sequence[Candle]) -> None:
        """Take closed candles; they are on disk after the next `flush`."""
        self._candles += candles

    async def flush(self) -> None:
        """Write the candles taken so far."""
        async with self._turn:
            candles, self._candles = self._candles, []
            if candles:
                await asyncio.to_thread(self._append, candles)

    def _append(self, candles: list[Candle]) -> None:
        try:
            self._store.append(self._market, candles)
        except (OSError, DataError) as error:
            log.error("candles could not be stored, they will be fetched again when needed: %s", error)

    def encode(self, venue: str, exits: Mapping[str, Timeframe], anchor: int, book: Book, broker: BrokerState) -> bytes:
        """Return the snapshot of this moment."""
        return encode(Snapshot(VERSION, venue, dict(exits), anchor, book, broker))

    async def save(self, encoded: bytes) -> None:
        """Write a snapshot, unless it is the one that is there."""
        async with self._turn:
            if encoded != self._saved:
                await asyncio.to_thread(self._snapshots.save, encoded)
                self._saved = encoded

    async def close(self, encoded: bytes) -> None:
        """Write all that is not written yet."""
        await self.flush()
        await self.save(encoded)
