"""When the market passed each time, on our own clock: an instant's wait begins when it fell due, not when we looked."""

from __future__ import annotations

from collections import deque

import msgspec


class Mark(msgspec.Struct, frozen=True):
    """By `wall_s` the market had shown `until_ms`. `spread`: we heard nothing of it since the mark before."""

    until_ms: int
    wall_s: float
    spread: bool


class DueTimes:
    """Marks of the market's progress, the newest last; those that no instant needs any more are forgotten."""

    def __init__(self, until_ms: int) -> None:
        self.until_ms = until_ms
        self._past = Mark(until_ms, 0.0, False)
        self._marks: deque[Mark] = deque()
        self._interrupted = False

    def begin(self, wall_s: float) -> None:
        """Say that the market stood at the first time when our clock said `wall_s`."""
        self._past = Mark(self.until_ms, wall_s, False)

    def interrupt(self) -> None:
        """Say that we may hear nothing for a while: what falls due until the next mark did so in the meantime."""
        self._interrupted = True

    def show(self, until_ms: int, wall_s: float) -> None:
        """Mark that the market has shown `until_ms`."""
        if until_ms > self.until_ms:
            self._marks.append(Mark(until_ms, wall_s, self._interrupted))
            self.until_ms = until_ms
            self._interrupted = False

    def due_s(self, time_ms: int) -> float:
        """Return when `time_ms`, which has been shown, fell due; times asked for ascend.

        >>> times = DueTimes(0)
        >>> times.begin(10.0)
        >>> times.interrupt()
        >>> times.show(4_000, 30.0)
        >>> times.due_s(1_000), times.due_s(4_000)
        (15.0, 30.0)
        """
        while self._marks[0].until_ms < time_ms:
            self._past = self._marks.popleft()
        mark, past = self._marks[0], self._past
        if not mark.spread:
            return mark.wall_s
        share = (time_ms - past.until_ms) / (mark.until_ms - past.until_ms)
        return past.wall_s + share * (mark.wall_s - past.wall_s)
