"""A ring of candles on numpy columns: what is appended is at once part of a contiguous view.

The columns have room for an eighth more than the ring is long. Candles are written behind each other; where the room
ends, the newest are moved to the front. So a view never needs a copy, and moving costs each candle a few nanoseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from trader.core.candle import EXTRA_COLUMNS, PRICE_COLUMNS, VALUE_COLUMNS, Candle
from trader.market.table import Floats, Times


class Ring:
    """The last `length` candles that were added, with the optional columns `extra`; it judges nothing.

    Views are read-only and hold until the next change: copy what must last.
    """

    def __init__(self, length: int, extra: Sequence[str]) -> None:
        self.length = length
        self.columns = (*PRICE_COLUMNS, *(name for name in EXTRA_COLUMNS if name in extra))
        self._size = length + max(8, length // 8)
        self._end = 0
        times, data = np.empty(self._size, np.int64), np.empty((len(self.columns), self._size))
        held = {name: _writer(row) for name, row in zip(self.columns, data, strict=True)}
        self._held = (_writer(times), *held.values())
        self._writers = (self._held[0], *(held.get(name, _scratch(self._size)) for name in VALUE_COLUMNS))
        times.flags.writeable = data.flags.writeable = False
        self._times, self._views = times, dict(zip(self.columns, data, strict=True))

    def __len__(self) -> int:
        return min(self._end, self.length)

    def add(self, candle: Candle) -> None:
        """Append `candle`; the oldest one goes when the ring is full."""
        end = self._end
        if end == self._size:
            end = self._slide()
        times, open, high, low, close, volume, quote_volume, count, taker_buy, taker_buy_quote = self._writers
        times[end] = candle.open_time
        open[end] = candle.open
        high[end] = candle.high
        low[end] = candle.low
        close[end] = candle.close
        volume[end] = candle.volume
        quote_volume[end] = candle.quote_volume
        count[end] = candle.count
        taker_buy[end] = candle.taker_buy_volume
        taker_buy_quote[end] = candle.taker_buy_quote_volume
        self._end = end + 1

    def rewrite(self, times: Times, values: Floats) -> None:
        """Hold the last `length` of these candles instead; `values` is float64[columns, n], both ascend in time."""
        times, values = times[-self.length :], values[:, -self.length :]
        for column, row in zip(self._held, (times, *values), strict=True):
            column[: len(times)] = _writer(np.ascontiguousarray(row))
        self._end = len(times)

    @property
    def open_time(self) -> Times:
        """View of the open times, int64, ms."""
        return self._times[max(0, self._end - self.length) : self._end]

    def column(self, name: str) -> Floats:
        """Return a view of one column; NaN throughout where it is not kept."""
        if name not in self._views:
            return _absent(self.length)[: len(self)]
        return self._views[name][max(0, self._end - self.length) : self._end]

    @property
    def nbytes(self) -> int:
        """Memory of the columns, bytes."""
        return self._size * 8 * len(self._held)

    def _slide(self) -> int:
        """Move all but the oldest candle to the front, and return where the next one goes."""
        keep = self.length - 1
        for column in self._held:
            column[:keep] = column[self._end - keep : self._end]
        return keep


def _writer(column: np.ndarray[Any, Any]) -> Any:
    """Return the column as a memoryview: setting an item of it takes half the time of numpy's."""
    return memoryview(column)  # type: ignore[arg-type]


@cache
def _absent(length: int) -> Floats:
    """Return the NaN that stands for columns which are not kept; one for all rings of a length."""
    nothing = np.full(length, np.nan)
    nothing.flags.writeable = False
    return nothing


@cache
def _scratch(size: int) -> Any:
    """Return where `add` writes values that are not kept, so that it need not ask; nobody reads it."""
    return _writer(np.empty(size))
