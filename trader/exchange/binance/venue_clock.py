"""The venue's clock, kept on our monotonic one: a wall clock that is put right in between moves nothing."""

from __future__ import annotations

import time
from collections.abc import Callable


class VenueClock:
    """Ms of the venue. `wall` and `monotonic` give seconds; before the first measurement the wall clock is believed."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._base_ms = (wall() - monotonic()) * 1000
        self._measured_s: float | None = None

    def measured(self, asked_s: float, answered_s: float, server_ms: float) -> None:
        """Take the server's time of a request asked and answered at these monotonic times: it was half-way then."""
        self._base_ms = server_ms - 500 * (asked_s + answered_s)
        self._measured_s = answered_s

    def set_offset(self, offset_ms: float) -> None:
        """Take the venue's clock to be `offset_ms` ahead of the wall clock now."""
        self._base_ms = offset_ms + (self._wall() - self._monotonic()) * 1000

    @property
    def now_ms(self) -> int:
        """The venue's time."""
        return int(self._monotonic() * 1000 + self._base_ms)

    @property
    def offset_ms(self) -> float:
        """The venue's clock minus the wall clock as it stands now."""
        return (self._monotonic() - self._wall()) * 1000 + self._base_ms

    @property
    def age_s(self) -> float:
        """Seconds since it was measured; infinite before."""
        return float("inf") if self._measured_s is None else self._monotonic() - self._measured_s

    def monotonic_s(self) -> float:
        """Return the time that measurements are made in."""
        return self._monotonic()
