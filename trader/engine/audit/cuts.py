"""Where history is cut: spread over the span, and right behind signals and trades, where leaks show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from trader.engine.prepare import Span
from trader.engine.result import RunResult

SPREAD, SIGNAL, TRADE = "spread over the span", "behind a signal", "behind a trade's entry or exit"

#: One cut in so many is put behind a signal, and one in so many behind a trade.
SHARE = 4


class Cut(NamedTuple):
    """A moment, ms UTC: what closed by then is there, what comes later is not. `why` it was chosen."""

    time: int
    why: str


def choose_cuts(
    span: Span, grid_ms: int, count: int, signals: Iterable[int], trades: Iterable[int], seed: int
) -> list[Cut]:
    """Return `count` cuts inside a span (fewer where it has fewer moments), in the order of time.

    They lie on multiples of `grid_ms`. `signals` and `trades` are times, ms, next to which some of them are put.
    """
    random = np.random.default_rng(seed)
    found: dict[int, str] = {}
    for times, why in ((trades, TRADE), (signals, SIGNAL)):
        near = sorted({-(-time // grid_ms) * grid_ms for time in times} - found.keys())
        inside = [time for time in near if span.start < time < span.end]
        chosen = random.permutation(len(inside))[: count // SHARE]
        found |= {inside[each]: why for each in chosen.tolist()}
    first, last = span.start // grid_ms + 1, -(-span.end // grid_ms)
    free = [time for time in range(first * grid_ms, last * grid_ms, grid_ms) if time not in found]
    parts = np.array_split(np.array(free), max(1, min(count - len(found), len(free)))) if free else []
    found |= {int(random.choice(part)): SPREAD for part in parts if len(part)}
    return [Cut(time, found[time]) for time in sorted(found)][: max(count, 0)]


def trade_times(result: RunResult, grid_ms: int) -> list[int]:
    """Return when a run's trades were decided, opened and closed, and a candle later each, ms."""
    times = [time for each in result.trades for time in (each.signal_time, each.entry_time, each.exit_time) if time]
    return [late for time in times for late in (time, time + grid_ms)]
