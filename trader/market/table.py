"""A table of candles of one stream: numpy columns, ascending in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.candle import EXTRA_COLUMNS, PRICE_COLUMNS, VALUE_COLUMNS, Candle
from trader.core.timeframe import Timeframe

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Column = TypeVar("Column", bound=NDArray[Any])


def unwritable(column: Column) -> Column:
    """Return a view of `column` that cannot be written, which is how candles come from a store.

    Compiled code is made anew for every mix of arrays that can and cannot be written: whoever hands candles to it makes
    such views of them all, and there is one mix.
    """
    view = column.view()
    view.flags.writeable = False
    return view


class CandleTable(msgspec.Struct, frozen=True, eq=False):
    """Candles of one stream: `open_time` int64[n] ms, strictly ascending; the others float64[n].

    Columns that the source lacks are NaN throughout.
    """

    symbol: str
    timeframe: Timeframe
    open_time: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    quote_volume: Floats
    count: Floats
    taker_buy_volume: Floats
    taker_buy_quote_volume: Floats

    @classmethod
    def build(cls, symbol: str, timeframe: Timeframe, open_time: Times, **columns: Floats) -> CandleTable:
        """Build from the columns at hand; absent optional ones become NaN."""
        missing = [name for name in PRICE_COLUMNS if name not in columns]
        if missing:
            raise ValueError(f"a candle table needs {', '.join(missing)}")
        absent = np.full(len(open_time), np.nan)
        values = [np.ascontiguousarray(columns.get(name, absent), np.float64) for name in VALUE_COLUMNS]
        return cls(symbol, timeframe, np.ascontiguousarray(open_time, np.int64), *values)

    @classmethod
    def empty(cls, symbol: str, timeframe: Timeframe) -> CandleTable:
        """Return a table without rows."""
        nothing = np.empty(0)
        return cls(symbol, timeframe, np.empty(0, np.int64), *([nothing] * len(VALUE_COLUMNS)))

    def __len__(self) -> int:
        return len(self.open_time)

    def rows(self, start: int, stop: int) -> CandleTable:
        """Return rows `start:stop` as views."""
        values = [getattr(self, name)[start:stop] for name in VALUE_COLUMNS]
        return CandleTable(self.symbol, self.timeframe, self.open_time[start:stop], *values)

    def between(self, start_ms: int, end_ms: int) -> CandleTable:
        """Return the candles with `start_ms <= open_time < end_ms`, as views."""
        first, last = np.searchsorted(self.open_time, (start_ms, end_ms))
        return self.rows(int(first), int(last))

    def candles(self) -> Iterator[Candle]:
        """Yield the rows as candles."""
        values = [getattr(self, name).tolist() for name in VALUE_COLUMNS]
        for time, *row in zip(self.open_time.tolist(), *values, strict=True):
            yield Candle(self.symbol, self.timeframe, time, *row)

    def present(self) -> tuple[str, ...]:
        """Return the optional columns that hold values throughout."""
        return tuple(name for name in EXTRA_COLUMNS if len(self) and not np.isnan(getattr(self, name)).any())
