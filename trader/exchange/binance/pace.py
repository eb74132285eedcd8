"""How fast we may go: so many events in a period, and waits that grow while things fail. No clock is read here."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable


class RateWindow:
    """At most `count` events in any `period_s` seconds.

    >>> window = RateWindow(2, 1.0)
    >>> [window.take(now) for now in (0.0, 0.1, 0.2)]
    [0.0, 0.0, 0.8]
    """

    def __init__(self, count: int, period_s: float) -> None:
        self._period_s = period_s
        self._times: deque[float] = deque(maxlen=count)

    def take(self, now: float) -> float:
        """Book the next event and return how many seconds it has to wait."""
        full = len(self._times) == self._times.maxlen
        at = max(now, self._times[0] + self._period_s) if full else now
        self._times.append(at)
        return at - now


class Backoff:
    """Waits that double from `first_s` to `longest_s` while failures follow each other, each a random part of it."""

    def __init__(
        self, first_s: float, longest_s: float, random_part: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._random_part = random_part
        self._failures = 0

    def reset(self) -> None:
        """Forget the failures: things have worked for a while."""
        self._failures = 0

    def next_s(self) -> float:
        """Count a failure and return how long to wait, between a half of the bound and all of it."""
        bound = min(self._longest_s, self._first_s * 2 ** min(self._failures, 30))
        self._failures += 1
        return self._random_part(bound / 2, bound)
