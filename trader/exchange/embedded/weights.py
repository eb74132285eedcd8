"""Request weights: fixed windows on the wall clock's minute, 429, and a ban for those who go on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from trader.exchange.embedded.api_error import Limited


class WeightMeter:
    """Counts what one address uses of one market's budget; `wall` in seconds since the epoch."""

    def __init__(
        self,
        limit: int,
        window_s: float,
        ban_after: int,
        ban_s: float,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.limit = limit
        self._window_s = window_s
        self._ban_after = ban_after
        self._ban_s = ban_s
        self._wall = wall
        self._window = -1
        self._used = 0
        self._ignored = 0
        self._bans = 0
        self._limited_until = 0.0
        self._banned_until = 0.0

    @property
    def used(self) -> int:
        """The weight used in the present window."""
        return self._used if self._window == self._present() else 0

    def charge(self, weight: int) -> None:
        """Count a request; raise `Limited` with 429 past the limit, with 418 during a ban."""
        self._turn()
        now = self._wall()
        if now < self._banned_until:
            raise self._banned(now)
        self._used += weight
        if self._used > self.limit:
            self._limited_until = max(self._limited_until, (self._window + 1) * self._window_s)
        if now < self._limited_until:
            raise self._refused(now)

    def refund(self, weight: int) -> None:
        """Take a weight out again: orders that are accepted cost none."""
        self._turn()
        self._used = max(0, self._used - weight)

    def limit_for(self, seconds: float) -> None:
        """Answer 429 for `seconds` from now, whatever was used."""
        self._limited_until = self._wall() + seconds

    def ban_for(self, seconds: float) -> None:
        """Answer 418 for `seconds` from now."""
        self._banned_until = self._wall() + seconds

    def _present(self) -> int:
        return int(self._wall() // self._window_s)

    def _turn(self) -> None:
        if self._window != self._present():
            self._window, self._used, self._ignored = self._present(), 0, 0

    def _refused(self, now: float) -> Limited:
        self._ignored += 1
        if self._ignored > self._ban_after:
            self._banned_until = now + self._ban_s * 2**self._bans
            self._bans += 1
            return self._banned(now)
        text = (
            f"Too much request weight used; current limit is {self.limit} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return Limited(-1003, text, 429, math.ceil(self._limited_until - now))

    def _banned(self, now: float) -> Limited:
        text = (
            f"Way too much request weight used; IP banned until {int(self._banned_until * 1000)}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        return Limited(-1003, text, 418, math.ceil(self._banned_until - now))
