"""Which strategy is asked from when on: models change while a run goes on, live as in a backtest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trader.core.errors import ConfigError
from trader.core.timeframe import utc
from trader.strategy.base import Strategy

#: Before every candle.
ALWAYS = 0


class Turn(NamedTuple):
    """From the instant `time` (ms) on `strategy` is asked, or nobody; `model` is what it was made from, or empty."""

    time: int
    strategy: Strategy | None
    model: str = ""


class Schedule:
    """Turns in the order of time, one at least. Before the first of them nobody is asked: nothing is seen."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        times = [turn.time for turn in turns]
        if not turns or times != sorted(set(times)):
            told = ", ".join(map(utc, times)) or "none"
            raise ConfigError(f"a schedule of turns at {told}; allowed: one or more, each later than the one before")
        self.turns = tuple(turns)
        self._times = times

    @classmethod
    def of(cls, strategy: Strategy, model: str = "") -> Schedule:
        """Return the schedule of who is asked always."""
        return cls([Turn(ALWAYS, strategy, model)])

    @property
    def passes_over(self) -> bool:
        """Whether somebody passes over candles at a glance."""
        return any(turn.strategy is not None and turn.strategy.passes_over for turn in self.turns)

    def at(self, time: int) -> Turn | None:
        """Return the turn in force at an instant, ms; None before the first."""
        place = bisect_right(self._times, time)
        return self.turns[place - 1] if place else None

    def parts(self, times: NDArray[np.int64]) -> Iterator[tuple[slice, Strategy]]:
        """Yield who is asked about which of `times`, int64[n] ms ascending; those about which nobody is are left out.

        >>> from trader.strategy.geometry import GeometryStrategy
        >>> early, late = GeometryStrategy(), GeometryStrategy()
        >>> schedule = Schedule([Turn(10, early), Turn(20, late)])
        >>> [(part, who is late) for part, who in schedule.parts(np.array([5, 10, 15, 20, 25]))]
        [(slice(1, 3, None), False), (slice(3, 5, None), True)]
        """
        edges = [*np.searchsorted(times, self._times).tolist(), len(times)]
        for turn, first, end in zip(self.turns, edges, edges[1:], strict=False):
            if first < end and turn.strategy is not None:
                yield slice(first, end), turn.strategy
