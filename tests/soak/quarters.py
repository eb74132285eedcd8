"""From samples of a running daemon to the verdict: does anything grow?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

import msgspec

from trader.engine.live.vitals import quantile

#: How much more memory the last quarter may have than the second: the first warms up.
ALLOWED = 0.05
#: What tasks and queues may have more then, beside a tenth: they follow the open positions.
LOOSE = 5


class Sample(msgspec.Struct, frozen=True):
    """How the daemon was at `time` (market, ms); `counts` of the loop's lag and `worst_ms` are since its start."""

    time: int
    memory_mb: float
    tasks: int
    queues: dict[str, int]
    counts: list[int]
    worst_ms: float
    candles: int
    trades: int


class Quarter(msgspec.Struct, frozen=True):
    """What was measured in a quarter: means of memory, medians of tasks and queues, the lag of that time alone."""

    memory_mb: float
    tasks: float
    queues: dict[str, float]
    median_ms: float
    p99_ms: float
    worst_ms: float
    trades: float


def quarters_of(samples: Sequence[Sample], begin: int, end: int) -> list[Quarter]:
    """Return the four quarters of the market's time from `begin` to `end`; raise `ValueError` where one is empty."""
    edges = [begin + (end - begin) * part // 4 for part in range(5)]
    found = []
    before = samples[0]
    for number, (low, high) in enumerate(pairwise(edges), 1):
        inside = [each for each in samples if low <= each.time < high]
        if not inside:
            raise ValueError(f"nothing was measured in quarter {number}")
        found.append(_quarter(inside, before))
        before = inside[-1]
    return found


def _quarter(inside: Sequence[Sample], before: Sample) -> Quarter:
    last = inside[-1]
    counts = [one - other for one, other in zip(last.counts, before.counts, strict=True)]
    worst = max((each.worst_ms for each in inside if each.worst_ms > before.worst_ms), default=before.worst_ms)
    return Quarter(
        fmean(each.memory_mb for each in inside),
        median(each.tasks for each in inside),
        {name: median(each.queues.get(name, 0) for each in inside) for name in last.queues},
        quantile(counts, 0.5, worst),
        quantile(counts, 0.99, worst),
        worst,
        median(each.trades for each in inside),
    )


def memory_growth(quarters: Sequence[Quarter]) -> float:
    """Return how much more memory the last quarter has than the second, as a fraction."""
    return quarters[3].memory_mb / quarters[1].memory_mb - 1


def growing(quarters: Sequence[Quarter]) -> list[str]:
    """Return what grows, in words."""
    second, last = quarters[1], quarters[3]
    found = []
    if memory_growth(quarters) > ALLOWED:
        found.append(f"memory: {second.memory_mb:.1f} MB in the second quarter, {last.memory_mb:.1f} in the last")
    amounts = {"tasks": (second.tasks, last.tasks)}
    amounts |= {name: (second.queues.get(name, 0), count) for name, count in last.queues.items()}
    found += [
        f"{name}: {one:g} in the second quarter, {other:g} in the last"
        for name, (one, other) in amounts.items()
        if other > one * 1.1 + LOOSE
    ]
    return found
