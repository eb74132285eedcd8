"""The play: it lets the market's time pass and publishes what closes, in order, until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.clock import PlayClock
from trader.exchange.embedded.hub import Hub
from trader.exchange.embedded.lockstep import Lockstep

#: The longest that the play sleeps, wall seconds: a new stream or speed takes effect within it.
NAP_S = 0.25


class Play:
    """Moves `clock` to `end_ms` (never, when that is None) and lets `hub` speak at each due time.

    `muffled` tells that listeners may be deaf (silent streams): then it is looked whether anybody hears at all.
    `match` fills orders up to a time, before anything is said of it.
    """

    def __init__(
        self,
        clock: PlayClock,
        hub: Hub,
        end_ms: int | None,
        muffled: Callable[[], bool],
        match: Callable[[int], None] = lambda now: None,
    ) -> None:
        self.clock = clock
        self.end_ms = end_ms
        self.ended = False
        self.lockstep = Lockstep()
        self._hub = hub
        self._muffled = muffled
        self._match = match
        self._released = asyncio.Event()

    @property
    def started(self) -> bool:
        """Whether time passes."""
        return self.clock.started

    def start(self) -> None:
        """Let time pass from now on; doing it again changes nothing."""
        if not self.clock.started:
            self.clock.start()
            self._released.set()

    async def run(self) -> None:
        """Play to the end."""
        await self._released.wait()
        due = self._next_due(self.clock.position)
        while not self.ended:
            self.clock.due(due)
            if self.clock.fastest:
                due = await self._hurry()
            elif (wait := self.clock.seconds_until(due)) > 0:
                await asyncio.sleep(min(wait, NAP_S))
                due = self._update(due)
            else:
                due = await self._close(due)

    def _update(self, due: int) -> int:
        """Show what has changed, unless `due` has been reached: what closes then comes first. Return what is due."""
        with self.clock.still() as now:
            if now < due:
                self._match(now)
                self._hub.update(now, self.clock.speed)
        return min(due, self._next_due(now))

    async def _hurry(self) -> int:
        """Take one step at the highest speed: when somebody hears it, and as soon as all have room."""
        if not self._hub.listened.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(NAP_S):
                    await self._hub.listened.wait()
        elif self._muffled() and not self._hub.heard():
            await asyncio.sleep(NAP_S)
        else:
            return await self._close(self._next_due(self.clock.position))
        return self._next_due(self.clock.position)

    async def _close(self, due: int) -> int:
        """Publish what closes at `due`, unless it had happened before the play began; return what is due next."""
        if due > self.clock.position:
            self.clock.reach(due)
            self._match(due)
            await self._hold(due, self._hub.close_at(due))
        if due == self.end_ms:
            self.ended = True
            self._hub.end(f'{{"e":"play","E":{due},"state":"ended"}}')
        await (self._hub.space() if self.clock.fastest else asyncio.sleep(0))
        return self._next_due(due)

    async def _hold(self, due: int, closed: int) -> None:
        """In lockstep, wait at a close that was told until all orders of that instant are in."""
        if closed and not self.lockstep.passed(due):
            await self.lockstep.hold(due)
            self.clock.set_speed(self.clock.speed)  # the time that was waited does not count

    def _next_due(self, after_ms: int) -> int:
        step = self._hub.finest_ms or MINUTE_MS
        due = after_ms - after_ms % step + step
        return due if self.end_ms is None else min(due, max(self.end_ms, after_ms))
