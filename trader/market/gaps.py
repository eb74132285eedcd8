"""Missing candles of one stream: remembered until they are repaired or given up."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.market.table import Times


class Gap(msgspec.Struct, frozen=True, order=True):
    """Missing candles: those with open times `start_ms <= t < end_ms`."""

    start_ms: int
    end_ms: int


class Gaps:
    """The gaps among the candles of a frame: `waiting` for repair, oldest first, and `lost`, which were given up."""

    def __init__(self, interval_ms: int) -> None:
        self.interval_ms = interval_ms
        self.waiting: list[Gap] = []
        self.lost: list[Gap] = []

    def add(self, start_ms: int, end_ms: int) -> None:
        """Remember that the candles of a span behind all others are missing."""
        self.waiting.append(Gap(start_ms, end_ms))

    def give_up(self, gap: Gap) -> None:
        """Declare a waiting gap final."""
        self.waiting.remove(gap)
        self.lost.append(gap)

    def find(self, times: Times) -> None:
        """Look for what is missing among `times`, the open times as they are now."""
        rows = np.flatnonzero(np.diff(times) > self.interval_ms)
        spans = [Gap(int(times[row]) + self.interval_ms, int(times[row + 1])) for row in rows]
        self.waiting = [span for span in spans if span not in self.lost]

    def cover(self, times: Times) -> NDArray[np.bool_]:
        """Tell which of `times` are in a waiting gap."""
        inside = np.zeros(len(times), np.bool_)
        for gap in self.waiting:
            inside |= (times >= gap.start_ms) & (times < gap.end_ms)
        return inside

    def forget(self, before_ms: int) -> None:
        """Drop the gaps that end at or before `before_ms`, the first candle that is kept."""
        self.waiting = [gap for gap in self.waiting if gap.end_ms > before_ms]
        self.lost = [gap for gap in self.lost if gap.end_ms > before_ms]

    @property
    def last_end_ms(self) -> int:
        """Where the last gap ends, whether it waits or was given up; 0 where there is none."""
        return max((gap.end_ms for gap in (*self.waiting, *self.lost)), default=0)
