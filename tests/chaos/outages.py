"""Stretches of exchange time in which nobody is blamed."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]


def outside(start: int, end: int, outages: Iterable[Span]) -> int:
    """Return how much of `[start, end)` lies in none of `outages`, which may overlap, ms.

    >>> outside(0, 10_000, [(1_000, 3_000), (2_000, 4_000), (9_000, 20_000)])
    6000
    """
    left, reached = 0, start
    for begin, until in sorted(outages):
        if until <= reached:
            continue
        if begin >= end:
            break
        left += max(0, begin - reached)
        reached = until
    return left + max(0, end - reached)
