"""What a stream shows in candles that a strategy has passed over at a glance, worked out once somebody must know.

A backtest looks at candidates before it runs; on which streams trades will be open it cannot know then.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from trader.core.signal import Signal
from trader.indicators import kernel
from trader.market.table import CandleTable
from trader.ml.chunks import State
from trader.ml.features import FEATURES, columns_of, run
from trader.strategy.base import signals_of
from trader.strategy.schedule import Schedule

#: Candles that are worked out at once: a trade that is open is open for some.
BLOCK_ROWS = 32


class Later:
    """The candles of `table` from row `first` on; `states` are those of the kernel on the way, in the order of time."""

    def __init__(self, table: CandleTable, schedule: Schedule, first: int, states: list[State]) -> None:
        self._candles = columns_of(table)
        self._times = table.open_time + table.timeframe.ms
        self._schedule = schedule
        self._first = first
        self._states = states
        self._starts = [state.at for state in states]
        self._rows = np.empty((BLOCK_ROWS, len(FEATURES)))
        self._kept = np.empty(BLOCK_ROWS, np.int64)
        self._known: dict[int, Signal | None] = {}

    def signal(self, row: int) -> Signal | None:
        """Return what is seen in a row, counted from `first`, if it is looked at whatever it shows."""
        if row not in self._known:
            self._known = self._looked_at(row)
        return self._known[row]

    def _looked_at(self, row: int) -> dict[int, Signal | None]:
        begin = self._first + row
        end = min(begin + BLOCK_ROWS, len(self._times))
        state = self._states[bisect_right(self._starts, begin) - 1]
        candles = kernel.Columns._make(column[:end] for column in self._candles)
        f, i, unused = state.f.copy(), state.i.copy(), np.empty(BLOCK_ROWS)
        _, filled = run(f, i, state.at, begin, candles, self._rows, self._kept, unused, unused)
        found: dict[int, Signal | None] = dict.fromkeys(range(row, row + end - begin))
        where = self._kept[:filled]
        for part, strategy in self._schedule.parts(self._times[begin + where]):
            seen = strategy.evaluate(self._rows[:filled][part], np.ones(part.stop - part.start, np.bool_))
            found.update(zip((row + where[part]).tolist(), signals_of(seen), strict=True))
        return found
