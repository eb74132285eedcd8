"""Stretches of time in which nobody is blamed."""

from __future__ import annotations

#: After an outage there is so long to put things right, ms.
AFTERMATH_MS = 5_000


class Outages:
    """Declared stretches, which may overlap."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []

    def declare(self, start_ms: int, end_ms: int) -> None:
        """Add a stretch, with what it takes to put things right behind it."""
        end = end_ms + AFTERMATH_MS
        while self._spans and self._spans[-1][1] >= start_ms:
            before = self._spans.pop()
            start_ms, end = min(start_ms, before[0]), max(end, before[1])
        self._spans.append((start_ms, end))

    def outside(self, start_ms: int, end_ms: int) -> int:
        """Return how much of a stretch lies outside.

        >>> outages = Outages()
        >>> outages.declare(1_000, 2_000)
        >>> outages.outside(0, 10_000), outages.outside(1_500, 8_000)
        (4000, 1000)
        """
        inside = 0
        for start, end in reversed(self._spans):
            if end <= start_ms:
                break
            inside += max(0, min(end, end_ms) - max(start, start_ms))
        return end_ms - start_ms - inside
