"""What happened, line by line: the last lines for whoever looks for a fault, and a digest that tells two runs apart."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable

#: Lines that a violation shows.
LAST = 40


class Trace:
    """Lines with the time of the market; `shown` prints each as it comes."""

    def __init__(self, now: Callable[[], int], began_ms: int, shown: bool = False) -> None:
        self._now = now
        self._began = began_ms
        self._shown = shown
        self._hash = hashlib.blake2b(digest_size=8)
        self.lines: deque[str] = deque(maxlen=LAST)

    def say(self, text: str) -> None:
        """Add a line."""
        line = f"{self.clock()} {text}"
        self._hash.update(line.encode())
        self.lines.append(line)
        if self._shown:
            print(line)

    def clock(self) -> str:
        """Return the time since the beginning."""
        seconds = (self._now() - self._began) / 1000
        return f"{int(seconds // 60):3d}:{seconds % 60:06.3f}"

    @property
    def digest(self) -> str:
        """A number for all lines so far."""
        return self._hash.hexdigest()
