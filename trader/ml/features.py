"""The features of a candle: indicators, geometry and context in one compiled step, live and in batch.

A stream's features depend on where they begin, its anchor. A missing candle is a new anchor: the step notices it by
the open time and begins anew, in a daemon and in a backtest alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled, compiled_for_threads
from trader.core.candle import Candle
from trader.core.timeframe import Timeframe
from trader.indicators import kernel
from trader.indicators.columns import INDICATORS, column
from trader.market.table import CandleTable
from trader.ml import context
from trader.patterns import geometry

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: The columns of a row, in order: what a strategy is given and a model is trained on.
FEATURES: tuple[str, ...] = (*INDICATORS, *geometry.GEOMETRY, *context.CONTEXT)

ATR14, EMA50 = column("atr14"), column("ema50")

#: Where the columns of the geometry and those of the context begin.
FIRST_GEOMETRY = len(INDICATORS)
FIRST_CONTEXT = FIRST_GEOMETRY + geometry.COLUMNS

#: What `step` says of a candle: it is older than the stream's last; the stream is warming up; its row is ready.
OLD, WARMING_UP, READY = -1, 0, 1

#: State in integers, after the kernel's: whether the last row is ready, the open time of the next candle, the interval.
_READY = kernel.INTEGERS
_DUE = _READY + 1
_INTERVAL = _DUE + 1
_INTEGERS = _INTERVAL + 1

_COLUMNS = kernel.Columns._fields

#: State in floats: the kernel's, the context's, the geometry's.
_CONTEXT = kernel.FLOATS
_GEOMETRY = _CONTEXT + context.SIZE
_FRESH = np.concatenate((np.zeros(_GEOMETRY), geometry.new_state()))

_indicators = kernel.step
_geometry = geometry.step
_context = context.step


def new_state(timeframe: Timeframe) -> tuple[Floats, Integers]:
    """Return the state of a stream before its first candle, floats and integers."""
    integers = np.zeros(_INTEGERS, np.int64)
    integers[_DUE] = -1
    integers[_INTERVAL] = timeframe.ms
    return _FRESH.copy(), integers


@compiled
def restart(f: Floats, i: Integers) -> None:
    """Forget all candles, as behind a gap."""
    f[:] = _FRESH
    i[:_DUE] = 0


@compiled
def step(
    f: Floats,
    i: Integers,
    open_time: int,
    open: float,
    high: float,
    low: float,
    close: float,
    volume: float,
    taker_buy_volume: float,
    rows: Floats,
    at: int,
) -> int:
    """Take one closed candle into the state, write its features to `rows[at]`; return `READY`, `WARMING_UP` or `OLD`.

    A candle that is not newer than the last changes nothing. One that does not follow upon the last restarts.
    """
    if open_time < i[_DUE]:
        return OLD
    if open_time != i[_DUE]:
        restart(f, i)
    i[_DUE] = open_time + i[_INTERVAL]
    row = rows[at]
    i[_READY] = _indicators(f, i, open_time, open, high, low, close, volume, taker_buy_volume, row)
    _geometry(f[_GEOMETRY:], open, high, low, close, volume, row[ATR14], row[FIRST_GEOMETRY:FIRST_CONTEXT])
    _context(f, _CONTEXT, open_time, i[_INTERVAL], high, low, close, row[ATR14], row, FIRST_CONTEXT)
    return READY if i[_READY] else WARMING_UP


@compiled_for_threads
def run(
    f: Floats,
    i: Integers,
    start: int,
    first: int,
    candles: kernel.Columns,
    rows: Floats,
    kept: Integers,
    ema50: Floats,
    atr14: Floats,
) -> tuple[int, int]:
    """Take the candles from `start` on until `rows` is full or no candle is left; return where to go on, rows filled.

    Rows are those of ready candles from index `first` on; `kept` gets their indices, less `first`. `ema50` and
    `atr14` get the values of all candles from `first` on.
    """
    filled = 0
    for k in range(start, len(candles.open_time)):
        said = step(
            f,
            i,
            candles.open_time[k],
            candles.open[k],
            candles.high[k],
            candles.low[k],
            candles.close[k],
            candles.volume[k],
            candles.taker_buy_volume[k],
            rows,
            filled,
        )
        if k < first:
            continue
        ema50[k - first] = rows[filled, EMA50]
        atr14[k - first] = rows[filled, ATR14]
        if said == READY:
            kept[filled] = k - first
            filled += 1
        if filled == len(rows):
            return k + 1, filled
    return len(candles.open_time), filled


def columns_of(table: CandleTable) -> kernel.Columns:
    """Return the columns that the step takes, as the one kind of array for which it is compiled.

    Columns that worker processes share, or that a file backs, are read-only: another type, to numba.
    """
    return kernel.Columns(*(np.require(getattr(table, name), requirements=("C", "W", "E")) for name in _COLUMNS))


class FeatureKernel:
    """The features of one stream, candle by candle.

    >>> kernel = FeatureKernel(Timeframe.MIN_1)
    >>> row = kernel.update(Candle("BTCUSDT", Timeframe.MIN_1, 0, 10.0, 12.0, 9.0, 11.0, 5.0))
    >>> len(row) == len(FEATURES), kernel.count, kernel.ready
    (True, 1, False)
    """

    def __init__(self, timeframe: Timeframe) -> None:
        self._f, self._i = new_state(timeframe)
        self._rows = np.full((1, len(FEATURES)), np.nan)
        self._row: Floats = self._rows[0]

    @property
    def ready(self) -> bool:
        """Whether the last row is that of at least 60 candles, with all but optional features finite."""
        return bool(self._i[_READY])

    @property
    def count(self) -> int:
        """The candles since the anchor: the first one, or the one behind the last gap."""
        return int(self._i[kernel.SEEN])

    def update(self, candle: Candle) -> Floats:
        """Take one closed candle and return its features; the row is reused by the next call.

        An older candle or the same again changes nothing. One behind a gap restarts the kernel.
        """
        self.write(candle, self._rows, 0)
        return self._row

    def write(self, candle: Candle, rows: Floats, at: int) -> int:
        """Take one closed candle, write its features to `rows[at]`; return `READY`, `WARMING_UP` or `OLD`."""
        said: int = step(
            self._f,
            self._i,
            candle.open_time,
            candle.open,
            candle.high,
            candle.low,
            candle.close,
            candle.volume,
            candle.taker_buy_volume,
            rows,
            at,
        )
        return said

    def feed(self, table: CandleTable) -> None:
        """Take a table of history; candles that are not newer than the last change nothing."""
        nothing, no_index = np.empty(0), np.empty(0, np.int64)
        run(self._f, self._i, 0, len(table), columns_of(table), self._rows, no_index, nothing, nothing)

    def reset(self) -> None:
        """Forget all candles; the next one is the anchor."""
        restart(self._f, self._i)
        self._i[_DUE] = -1
        self._row[:] = np.nan
