"""Candle columns for the geometry, with the ATR14 that belongs to them."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as parquet
import talib
from numpy.typing import NDArray

from tests.builders import walk
from tests.shared import shared_path

Floats = NDArray[np.float64]
Series = tuple[Floats, ...]

NAMES = ("open", "high", "low", "close", "volume")


def with_atr(open: Floats, high: Floats, low: Floats, close: Floats, volume: Floats) -> Series:
    """Return the columns with ATR14 behind them, NaN for the first 14 candles."""
    return open, high, low, close, volume, talib.ATR(high, low, close, 14)


def random_walk(rows: int, seed: int) -> Series:
    """Return a random walk as the geometry takes it."""
    table = walk(rows, seed=seed)
    return with_atr(table.open, table.high, table.low, table.close, table.volume)


def bitcoin_2025(minutes: int) -> Series:
    """Return BTCUSDT of 2025 in candles of `minutes`; skip the test where the data is not there."""
    path = shared_path("data", "spot", "BTCUSDT-1m-2025.parquet")
    open, high, low, close, volume = (
        column.to_numpy().reshape(-1, minutes) for column in parquet.read_table(path, columns=list(NAMES)).columns
    )
    rows = (open[:, 0], high.max(axis=1), low.min(axis=1), close[:, -1], volume.sum(axis=1))
    return with_atr(*(np.ascontiguousarray(row, np.float64) for row in rows))
