"""The features of a whole table, a chunk of rows at a time: a year of minutes would be half a gigabyte of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trader.market.table import CandleTable
from trader.ml.features import FEATURES, columns_of, new_state, run

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class State(NamedTuple):
    """The kernel before row `at` of a table: from here features can be worked out again."""

    at: int
    f: Floats
    i: Integers


def feature_chunks(
    table: CandleTable, first: int, size: int, ema50: Floats, atr14: Floats, states: list[State] | None = None
) -> Iterator[tuple[Integers, Floats]]:
    """Yield the candles from row `first` on that are ready, as where[m] (counted from `first`) and their rows.

    The kernel starts with the first candle of the table and restarts behind every gap. Rows are float64[m,
    len(FEATURES)] with m up to `size`; they and `where` are reused by the next chunk. `ema50` and `atr14`, float64 of
    all candles from `first` on, are filled on the way, NaN while warming up. `states` gets the kernel before each
    chunk.
    """
    f, i = new_state(table.timeframe)
    candles = columns_of(table)
    rows, kept = np.empty((size, len(FEATURES))), np.empty(size, np.int64)
    at = 0
    while at < len(table):
        if states is not None:
            states.append(State(at, f.copy(), i.copy()))
        at, filled = run(f, i, at, first, candles, rows, kept, ema50, atr14)
        if filled:
            yield kept[:filled], rows[:filled]
