"""When a connection is pinged, given up, warned and closed; how much a client may say. Wall time, no sockets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from trader.exchange.embedded.options import Limits


class Allowance:
    """At most `limit` messages in any second."""

    def __init__(self, limit: int, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._last: deque[float] = deque(maxlen=limit)

    def take(self) -> bool:
        """Count one message; tell whether it is within the limit."""
        now = self._wall()
        within = len(self._last) < (self._last.maxlen or 0) or now - self._last[0] >= 1.0
        self._last.append(now)
        return within


class Heartbeat:
    """The life of one connection, in seconds of `wall`."""

    def __init__(self, limits: Limits, market: str, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._every = limits.ping_s.of(market)
        self._patience = limits.pong_s.of(market)
        born = wall()
        self._next_ping = born + self._every
        self._warning: float | None = born + max(0.0, limits.life_s - limits.notice_s)
        self._end = born + limits.life_s
        self._unanswered: dict[bytes, float] = {}

    def seconds_until_next(self) -> float:
        """Return how long nothing is to be done."""
        oldest = next(iter(self._unanswered.values()), None)
        times = [self._next_ping, self._end]
        times += [self._warning] if self._warning is not None else []
        times += [oldest + self._patience] if oldest is not None else []
        return max(0.0, min(times) - self._wall())

    def ping(self) -> bytes | None:
        """Return the payload of a ping that is due."""
        now = self._wall()
        if now < self._next_ping:
            return None
        self._next_ping = now + self._every
        payload = str(int(now * 1000)).encode()
        self._unanswered[payload] = now
        return payload

    def pong(self, payload: bytes) -> None:
        """Take an answer; one to a ping answers those before it, any other counts for nothing."""
        if payload not in self._unanswered:
            return
        for each in list(self._unanswered):
            del self._unanswered[each]
            if each == payload:
                return

    def silent(self) -> bool:
        """Tell whether a ping has waited too long for its answer."""
        oldest = next(iter(self._unanswered.values()), None)
        return oldest is not None and self._wall() - oldest >= self._patience

    def ending(self) -> bool:
        """Tell, once, that the end is near."""
        near = self._warning is not None and self._wall() >= self._warning
        if near:
            self._warning = None
        return near

    def over(self) -> bool:
        """Tell whether the connection has lived its time."""
        return self._wall() >= self._end
