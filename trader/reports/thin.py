"""Fewer points for a picture, without losing its highs and lows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trader.market.table import CandleTable
from trader.metrics import Floats


def thin(values: Floats, limit: int) -> NDArray[np.int64]:
    """Return at most `limit` ascending row numbers: the first, the last, and the low and high of equal slices.

    >>> thin(np.array([1.0, 9.0, 2.0, 3.0, 0.0, 4.0, 5.0]), 6).tolist()
    [0, 1, 4, 6]
    """
    count = len(values)
    if count <= limit:
        return np.arange(count)
    edges = np.linspace(0, count, max((limit - 2) // 2, 1) + 1).astype(np.int64)
    slices = [(first, values[first:stop]) for first, stop in pairwise(edges.tolist())]
    lows = [first + part.argmin() for first, part in slices]
    highs = [first + part.argmax() for first, part in slices]
    return np.unique(np.array([0, *lows, *highs, count - 1], np.int64))


#: Numbers of candles that are drawn as one, so that the result still begins at round times.
_TOGETHER = (1, 2, 3, 4, 6, 8, 12, *(24 << power for power in range(40)))


def together(table: CandleTable, limit: int) -> tuple[int, CandleTable]:
    """Return how many candles were drawn as one, and at most `limit` candles; optional columns are left out."""
    count = next(count for count in _TOGETHER if len(_starts(table, count)) <= max(limit, 1))
    return count, _joined(table, _starts(table, count), count) if count > 1 else table


def _starts(table: CandleTable, count: int) -> NDArray[np.int64]:
    bucket = table.open_time // (table.timeframe.ms * count)
    return np.flatnonzero(np.diff(bucket, prepend=bucket[:1] - 1))


def _joined(table: CandleTable, starts: NDArray[np.int64], count: int) -> CandleTable:
    ends = np.append(starts[1:], len(table)) - 1
    width = table.timeframe.ms * count
    return CandleTable.build(
        table.symbol,
        table.timeframe,
        table.open_time[starts] // width * width,
        open=table.open[starts],
        high=np.maximum.reduceat(table.high, starts),
        low=np.minimum.reduceat(table.low, starts),
        close=table.close[ends],
        volume=np.add.reduceat(table.volume, starts),
    )
