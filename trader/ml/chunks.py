"""The features of a whole table, a chunk of rows at a time: a year of minutes would be half a gigabyte of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trader.market.table import CandleTable
from trader.ml.features import FEATURES, columns_of, new_state, run

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def feature_chunks(
    table: CandleTable, first: int, size: int, ema50: Floats, atr14: Floats
) -> Iterator[tuple[Integers, Floats]]:
    """Yield the candles from row `first` on that are ready, as where[m] (counted from `first`) and their rows.

    The kernel starts with the first candle of the table and restarts behind every gap. Rows are float64[m,
    len(FEATURES)] with m up to `size`; they and `where` are reused by the next chunk. `ema50` and `atr14`, float64 of
    all candles from `first` on, are filled on the way, NaN while warming up.
    """
    f, i = new_state(table.timeframe)
    candles = columns_of(table)
    rows, kept = np.empty((size, len(FEATURES))), np.empty(size, np.int64)
    at = 0
    while at < len(table):
        at, filled = run(f, i, at, first, candles, rows, kept, ema50, atr14)
        if filled:
            yield kept[:filled], rows[:filled]
