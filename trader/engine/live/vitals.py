"""What a daemon's body does: memory, tasks, what waits in its queues, and how late its loop comes."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import msgspec

#: How often the loop's lag is measured.
EVERY_S = 0.05
#: Upper bounds of the classes of lag, ms; the last class has none.
BOUNDS_MS = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0, 500.0, 1_000.0)
STATM = Path("/proc/self/statm")


class Lag(msgspec.Struct, frozen=True):
    """How late the loop came since the start, ms; `counts` by the upper bounds of `BOUNDS_MS`, the last without one."""

    median_ms: float
    p99_ms: float
    worst_ms: float
    counts: list[int]


class Vitals(msgspec.Struct, frozen=True):
    """`queues` by name: how much waits in each; what only grows there would in the end be the end."""

    memory_mb: float
    tasks: int
    queues: dict[str, int]
    lag: Lag


class LagMeter:
    """Measures how late a sleep ends; `run` it beside whatever is to be judged."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_MS) + 1)
        self._worst_ms = 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = time.monotonic() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self.take(max(0.0, time.monotonic() - due) * 1000)

    def take(self, lag_ms: float) -> None:
        """Count one measurement."""
        self._counts[bisect_left(BOUNDS_MS, lag_ms)] += 1
        self._worst_ms = max(self._worst_ms, lag_ms)

    @property
    def lag(self) -> Lag:
        """What was measured so far."""
        counts = list(self._counts)
        worst = self._worst_ms
        return Lag(quantile(counts, 0.5, worst), quantile(counts, 0.99, worst), worst, counts)


def quantile(counts: Sequence[int], share: float, worst_ms: float) -> float:
    """Return the lag below which `share` of what `counts` has lies, straight between the bounds of its class.

    >>> quantile([0, 0, 100, *[0] * 16], 0.5, 0.4), quantile([0] * 19, 0.99, 0.0)
    (0.35, 0.0)
    """
    wanted = share * sum(counts)
    for at, (count, below) in enumerate(zip(counts, accumulate(counts, initial=0), strict=False)):
        if count and below + count >= wanted:
            low = BOUNDS_MS[at - 1] if at else 0.0
            high = BOUNDS_MS[at] if at < len(BOUNDS_MS) else worst_ms
            return min(worst_ms, low + (high - low) * (wanted - below) / count) if worst_ms else low
    return 0.0


def vitals(lag: Lag, queues: Mapping[str, int]) -> Vitals:
    """Return how this process is; to be called in its loop."""
    return Vitals(memory_mb(), len(asyncio.all_tasks()), dict(queues), lag)


def memory_mb() -> float:
    """Return the memory of this process that is in use, MB; where the system does not say, the most it has used."""
    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def vitals_line(found: Vitals) -> str:
    """Return it as a person reads it."""
    waiting = ", ".join(f"{count:,} {name}" for name, count in found.queues.items() if count) or "nothing"
    lag = found.lag
    return (
        f"memory {found.memory_mb:.0f} MB, {found.tasks} tasks, waiting: {waiting}; loop lag {lag.median_ms:.1f} ms, "
        f"99th percentile {lag.p99_ms:.1f}, worst {lag.worst_ms:.1f}"
    )
