"""How fast the indicators are: `python -m bench.bench_indicators`.

Live is held against TA-Lib over the last 200 candles, batch against TA-Lib over all of them, each computing the same
values as far as it has them (31 of 40), in the same run.
"""

from __future__ import annotations

import numpy as np
import talib

from bench.measure import median_s, show
from tests.builders import walk
from trader.indicators.columns import INDICATORS
from trader.indicators.kernel import Columns, IndicatorKernel, new_state, run
from trader.market.table import CandleTable

MINUTES = 525_600
LIVE_CANDLES = 20_000
WINDOW = 200
#: Rows written before they are written over, as a backtest does: they stay in the processor's cache.
CHUNK = 1024


def live(candles: CandleTable) -> None:
    """Update one stream candle by candle."""
    kernel = IndicatorKernel()
    columns = (getattr(candles, name).tolist() for name in Columns._fields)
    for each in zip(*columns, strict=True):
        kernel.update(*each)


def batch(candles: CandleTable) -> None:
    """Compute all values of all candles, a chunk of rows at a time."""
    state = new_state()
    rows = np.empty((CHUNK, len(INDICATORS)))
    for start in range(0, len(candles), CHUNK):
        part = candles.rows(start, start + CHUNK)
        run(*state, Columns(*(getattr(part, name) for name in Columns._fields)), rows)


def with_talib(candles: CandleTable) -> None:
    """Compute the same values with TA-Lib, as far as it has them."""
    high, low, close, volume = candles.high, candles.low, candles.close, candles.volume
    for n in (10, 20, 50):
        talib.SMA(close, n)
    for n in (12, 20, 26, 50):
        talib.EMA(close, n)
    for n in (1, 5, 10):
        talib.ROCP(close, n)
    for function in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI, talib.ATR):
        function(high, low, close, 14)
    talib.ATR(high, low, close, 10)
    talib.RSI(close, 14)
    talib.STOCH(high, low, close, 14, 3, 0, 3, 0)
    talib.CCI(high, low, close, 20)
    talib.MACD(close, 12, 26, 9)
    talib.SAR(high, low, 0.02, 0.2)
    talib.BBANDS(close, 20, 2, 2, 0)
    talib.OBV(close, volume)
    talib.SMA(volume, 20)
    talib.MAX(high, 20)
    talib.MIN(low, 20)


def windows_with_talib(candles: CandleTable) -> None:
    """Do what a bot does that keeps a window of candles: compute all of it for each new one; 200 times."""
    for end in range(WINDOW, 2 * WINDOW):
        with_talib(candles.rows(end - WINDOW, end))


def main() -> None:
    """Print the figures."""
    candles = walk(MINUTES, taker_buy_volume=0.5)
    few = candles.rows(0, LIVE_CANDLES)
    live_us = median_s(lambda: live(few)) / LIVE_CANDLES * 1e6
    window_us = median_s(lambda: windows_with_talib(candles)) / WINDOW * 1e6
    batch_rate = MINUTES / median_s(lambda: batch(candles))
    talib_rate = MINUTES / median_s(lambda: with_talib(candles), 3)
    name = f"{len(INDICATORS)} indicators"
    show(f"{name}, live", live_us, "µs a candle", live_us / window_us, f"TA-Lib over {WINDOW} candles")
    show(f"{name}, batch", batch_rate, "candles/s", batch_rate / talib_rate, "TA-Lib")


if __name__ == "__main__":
    main()
