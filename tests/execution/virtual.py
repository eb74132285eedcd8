"""Time that passes only when everybody waits: hours of waiting in no time, and the same every time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Coroutine
from typing import Any

#: Rounds of the loop in which everything that is ready has run.
SETTLE_ROUNDS = 12


class VirtualTime:
    """A clock in seconds since the epoch, and the sleep that belongs to it."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` have passed."""
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._count), future))
        await future

    async def run(self, *coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run to the end, moving time on whenever all wait; exceptions are among the results."""
        tasks = [asyncio.ensure_future(each) for each in coroutines]
        while not all(task.done() for task in tasks):
            for _ in range(SETTLE_ROUNDS):
                await asyncio.sleep(0)
            self._wake_next()
        return await asyncio.gather(*tasks, return_exceptions=True)

    def _wake_next(self) -> None:
        if not self._sleepers:
            return
        due, _, future = heapq.heappop(self._sleepers)
        self.now = max(self.now, due)
        if not future.done():
            future.set_result(None)
