"""How fast the geometry is: `python -m bench.bench_geometry`.

Batch is held against as many of TA-Lib's candlestick patterns over the same candles, live against a compiled function
that takes the same arguments and does nothing, in the same run.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import talib
from numpy.typing import NDArray

from bench.measure import median_s, show
from tests.builders import walk
from trader.compiled import compiled
from trader.market.table import CandleTable
from trader.patterns.geometry import COLUMNS, batch, new_state, step

Floats = NDArray[np.float64]

MINUTES = 525_600
LIVE_CANDLES = 20_000
CANDLESTICKS = (
    "CDLENGULFING",
    "CDLHAMMER",
    "CDLSHOOTINGSTAR",
    "CDLMORNINGSTAR",
    "CDLEVENINGSTAR",
    "CDL3WHITESOLDIERS",
    "CDL3BLACKCROWS",
    "CDLHARAMI",
    "CDLPIERCING",
    "CDLDARKCLOUDCOVER",
    "CDLRISEFALL3METHODS",
)


@compiled
def nothing(
    state: Floats,
    open: float,
    high: float,
    low: float,
    close: float,
    volume: float,
    atr14: float,
    out: Floats,
) -> None:
    """Take what `step` takes."""


def each(function: Callable[..., None], rows: list[tuple[float, ...]]) -> None:
    """Call a step candle by candle."""
    state, out = new_state(), np.empty(COLUMNS)
    for row in rows:
        function(state, *row, out)


def with_talib(table: CandleTable) -> None:
    """Run eleven candlestick patterns, which look at one to five candles."""
    for name in CANDLESTICKS:
        getattr(talib, name)(table.open, table.high, table.low, table.close)


def main() -> None:
    """Print the figures."""
    table = walk(MINUTES, sigma=0.001)
    high, low, close = table.high, table.low, table.close
    series = (table.open, high, low, close, table.volume, talib.ATR(high, low, close, 14))
    rows = list(zip(*(column[:LIVE_CANDLES].tolist() for column in series), strict=True))
    batch_s = median_s(lambda: batch(*series))
    talib_s = median_s(lambda: with_talib(table))
    live_us = median_s(lambda: each(step, rows)) / LIVE_CANDLES * 1e6
    call_us = median_s(lambda: each(nothing, rows)) / LIVE_CANDLES * 1e6
    rate = MINUTES / batch_s
    show("geometry, batch", rate, "candles/s", talib_s / batch_s, "TA-Lib's candlestick patterns")
    show("geometry, live", live_us, "µs a candle", live_us / call_us, "a compiled call that does nothing")
    show("geometry, state", new_state().nbytes, "bytes a stream")


if __name__ == "__main__":
    main()
