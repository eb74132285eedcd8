"""A coin-year of minutes: real candles where the shared data is, a random walk elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.parquet as pq

from tests.builders import walk
from trader.core.candle import PRICE_COLUMNS
from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable

MINUTES = 525_600
ROOT = Path(__file__).resolve().parent.parent


def year() -> tuple[CandleTable, str]:
    """Return 525,600 one-minute candles of BTCUSDT, and what they are in words."""
    shared = Path(os.environ.get("TRADER_SHARED") or ROOT.parent / "shared")
    path = shared / "data" / "spot" / "BTCUSDT-1m-2025.parquet"
    if not path.exists():
        return walk(MINUTES, price=60_000.0, sigma=0.0006), "a random walk"
    columns = pq.read_table(path)
    values = {name: columns[name].to_numpy() for name in PRICE_COLUMNS}
    return CandleTable.build("BTCUSDT", Timeframe.MIN_1, columns["open_time"].to_numpy(), **values), "BTCUSDT of 2025"
