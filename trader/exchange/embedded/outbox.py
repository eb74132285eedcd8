"""The frames of one connection on their way to its socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

#: Waiting frames at which a play at the highest speed holds on.
CROWDED = 256


class Outbox:
    """Collects frames and writes them together. `drain` waits while the socket takes no more; `limit` is how many
    frames may wait before `overflowed`."""

    def __init__(self, write: Callable[[bytes], None], drain: Callable[[], Awaitable[None]], limit: int) -> None:
        self._write = write
        self._drain = drain
        self._limit = limit
        self._frames: list[bytes] = []
        self._filled = asyncio.Event()
        self._spacious = asyncio.Event()
        self._spacious.set()
        self._stalled_until = 0.0

    @property
    def crowded(self) -> bool:
        """Whether the consumer lags behind."""
        return len(self._frames) >= CROWDED

    @property
    def overflowed(self) -> bool:
        """Whether more waits than the connection may keep."""
        return len(self._frames) > self._limit

    def put(self, frame: bytes) -> None:
        """Queue one frame."""
        self._frames.append(frame)
        self._filled.set()

    def stall(self, seconds: float) -> None:
        """Send nothing for `seconds`."""
        self._stalled_until = asyncio.get_running_loop().time() + seconds

    async def space(self) -> None:
        """Wait until the consumer has caught up, or is gone."""
        if self.crowded:
            self._spacious.clear()
            await self._spacious.wait()

    async def run(self) -> None:
        """Send what is queued, for ever; wake whoever waits for space when this ends."""
        try:
            while True:
                await self._filled.wait()
                await self._wait_out_stall()
                await self._send()
        finally:
            self._frames.clear()
            self._spacious.set()

    async def _send(self) -> None:
        self._filled.clear()
        frames, self._frames = self._frames, []
        self._write(b"".join(frames))
        await self._drain()
        if not self.crowded:
            self._spacious.set()

    async def _wait_out_stall(self) -> None:
        rest = self._stalled_until - asyncio.get_running_loop().time()
        if rest > 0:
            await asyncio.sleep(rest)
            await self._wait_out_stall()  # it may have been prolonged meanwhile
