"""Holds a play at its closes until whoever trades has done everything of that instant; for tests of parity."""

from __future__ import annotations

import asyncio


class Lockstep:
    """Off until `on`. `held` is the close at which the play waits, ms, None while it does not."""

    def __init__(self) -> None:
        self.on = False
        self.held: int | None = None
        self._gone = -1
        self._go = asyncio.Event()

    def passed(self, time_ms: int) -> bool:
        """Tell whether nothing keeps the play at `time_ms`."""
        return not self.on or time_ms <= self._gone

    def go(self, time_ms: int) -> None:
        """Let the play go on behind `time_ms`, also when it has not come there yet."""
        self._gone = max(self._gone, time_ms)
        self._go.set()

    def switch(self, on: bool) -> None:
        """Begin or end the lockstep."""
        self.on = on
        self._go.set()

    async def hold(self, time_ms: int) -> None:
        """Wait at `time_ms` until it is passed."""
        self.held = time_ms
        try:
            while not self.passed(time_ms):
                self._go.clear()
                await self._go.wait()
        finally:
            self.held = None
