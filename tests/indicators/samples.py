"""Candles for the tests of indicators, and their values by name."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from tests.builders import table
from tests.shared import shared_path
from trader.core.candle import CANDLE_COLUMNS
from trader.core.timeframe import Timeframe
from trader.indicators.columns import INDICATORS
from trader.indicators.kernel import Columns, IndicatorKernel, new_state, run
from trader.market.table import CandleTable

Floats = NDArray[np.float64]


def real(name: str, rows: int) -> CandleTable:
    """Return the first `rows` candles of a file of the shared data; skip the test without it."""
    read = parquet.read_table(shared_path("data", f"{name}.parquet"))
    columns = {each: read[each].to_numpy()[:rows] for each in read.column_names if each in CANDLE_COLUMNS}
    times = columns.pop("open_time").astype(np.int64)
    values = {each: column.astype(np.float64) for each, column in columns.items()}
    return CandleTable.build(name.split("/")[-1].split("-")[0], Timeframe.MIN_1, times, **values)


def rough(rows: int, seed: int, *, price: float = 100.0, tick: float = 0.01, quiet: float = 0.2) -> CandleTable:
    """Return candles as thinly traded coins have them: on a coarse grid, with jumps, equal prices and no volume."""
    random = np.random.default_rng(seed)
    moves = random.normal(0, 0.002, rows) * (random.random(rows) > quiet) * random.choice([1, 1, 1, 10], rows)
    close = np.maximum(np.round(price * np.exp(np.cumsum(moves)) / tick), 1) * tick
    open = np.r_[close[:1], close[:-1]]
    top, bottom = np.maximum(open, close), np.minimum(open, close)
    high = top + tick * random.integers(0, 4, rows) * (random.random(rows) > quiet)
    low = np.maximum(bottom - tick * random.integers(0, 4, rows) * (random.random(rows) > quiet), tick / 2)
    volume = np.round(random.lognormal(0, 3, rows), 3) * (random.random(rows) > quiet)
    taker = np.round(volume * random.random(rows), 3)
    return table(close.tolist(), open=open, high=high, low=low, volume=volume, taker_buy_volume=taker)


def columns(candles: CandleTable) -> Columns:
    """Return the columns that the kernel takes."""
    return Columns(*(getattr(candles, name) for name in Columns._fields))


def rows_of(candles: CandleTable) -> Floats:
    """Return the batch values of a new kernel, float64[n, len(INDICATORS)]."""
    out = np.empty((len(candles), len(INDICATORS)))
    run(*new_state(), columns(candles), out)
    return out


def live_rows(candles: CandleTable, kernel: IndicatorKernel | None = None) -> Floats:
    """Return the values that `kernel`, or a new one, gives candle by candle; the shape is that of `rows_of`."""
    kernel = kernel or IndicatorKernel()
    each_candle = zip(*(column.tolist() for column in columns(candles)), strict=True)
    return np.array([kernel.update(*each).copy() for each in each_candle])


def values_of(candles: CandleTable) -> dict[str, Floats]:
    """Return the batch values of a new kernel by name."""
    return dict(zip(INDICATORS, rows_of(candles).T, strict=True))
