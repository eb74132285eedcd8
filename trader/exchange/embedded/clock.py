"""The time of the play: it passes at a chosen speed, and never runs ahead of what has been sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from trader.exchange.embedded.options import MAX_SPEED


class PlayClock:
    """Ms UTC of the market. `wall` counts seconds; until `start` the time stands at `at`."""

    def __init__(self, at: int, speed: float, wall: Callable[[], float] = time.monotonic) -> None:
        self.position = at
        self.started = False
        self.speed = speed
        self._wall = wall
        self._cap = at
        self._anchor = (float(at), 0.0)
        self._still: int | None = None

    @property
    def fastest(self) -> bool:
        """Whether time passes as fast as the consumers take it."""
        return self.speed == MAX_SPEED

    def start(self) -> None:
        """Let time pass."""
        self.started = True
        self._anchor = (float(self.position), self._wall())

    def now(self) -> int:
        """Return the time of the play, between the last position reached and the next one due."""
        if self._still is not None:
            return self._still
        if self.fastest or not self.started:
            return self.position
        return max(self.position, min(self._cap, int(self._running())))

    @contextmanager
    def still(self) -> Iterator[int]:
        """Let time stand while an answer is made, so that all of it is of one moment; give that moment."""
        before, self._still = self._still, self.now()
        try:
            yield self._still
        finally:
            self._still = before

    def due(self, time_ms: int) -> None:
        """Say what is due next: time does not pass beyond it before `reach`."""
        self._cap = time_ms

    def reach(self, time_ms: int) -> None:
        """Stand at `time_ms`: what closes there has happened."""
        self.position = max(self.position, time_ms)

    def seconds_until(self, time_ms: int) -> float:
        """Return the wall seconds until `time_ms`; 0 or less when it is due, always at the highest speed."""
        return 0.0 if self.fastest else (time_ms - self._running()) / 1000 / self.speed

    def set_speed(self, speed: float) -> None:
        """Go on at another speed from now."""
        self.position = self.now()
        self._anchor = (float(self.position), self._wall())
        self.speed = speed

    def _running(self) -> float:
        began_at, began = self._anchor
        return began_at + (self._wall() - began) * 1000 * self.speed
