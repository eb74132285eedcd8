"""How fast features and opinions are: `python -m bench.bench_features`.

Batch is held against the indicators alone, the live ways against the bare kernel, all in the same run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.bench_indicators import batch
from bench.measure import median_s, show
from tests.builders import walk
from trader.core.candle import Candle
from trader.core.events import Instant
from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable
from trader.ml.candidates import is_candidate
from trader.ml.features import FEATURES, FeatureKernel, columns_of, new_state, run
from trader.ml.inputs import INPUTS, inputs_of
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.opinions import LiveOpinions, stream_opinions

MINUTES = 525_600
LIVE_CANDLES = 5_000
STREAMS = 600
INSTANTS = 50
ROWS = 50_000


def bare_kernel(candles: list[Candle]) -> None:
    """Update the features of one stream candle by candle."""
    kernel = FeatureKernel(Timeframe.MIN_1)
    for candle in candles:
        kernel.update(candle)


def one_stream(candles: list[Candle]) -> None:
    """Read instants of one candle each, from the candle to the reading."""
    opinions = LiveOpinions(GeometryStrategy(), [("BTCUSDT", Timeframe.MIN_1)])
    for candle in candles:
        opinions.read(Instant(candle.close_time, (candle,)))


def many_streams(table: CandleTable) -> tuple[LiveOpinions, list[Instant]]:
    """Return warm opinions on many streams, and instants in which each has a candle."""
    names = [f"C{number}USDT" for number in range(STREAMS)]
    opinions = LiveOpinions(GeometryStrategy(), [(name, Timeframe.MIN_1) for name in names])
    streams = [_renamed(table, name) for name in names]
    for stream in streams:
        opinions.preload(stream.rows(0, 1_000))
    later = [list(stream.rows(1_000, len(table)).candles()) for stream in streams]
    return opinions, [Instant(each[0].close_time, each) for each in zip(*later, strict=True)]


def _renamed(table: CandleTable, symbol: str) -> CandleTable:
    optional = {"quote_volume", "count", "taker_buy_quote_volume"}
    names = [name for name in table.__struct_fields__[3:] if name not in optional]
    return CandleTable.build(symbol, table.timeframe, table.open_time, **{name: getattr(table, name) for name in names})


def seconds_an_instant() -> float:
    """Return the median time of one instant in which all of many streams close."""
    opinions, instants = many_streams(walk(1_000 + INSTANTS, sigma=0.003))
    waiting = iter(instants)
    return median_s(lambda: opinions.read(next(waiting)) and None, INSTANTS - 1)


def rows_of(table: CandleTable) -> NDArray[np.float64]:
    """Return the rows of features of the candles that are ready."""
    rows, kept = np.empty((len(table), len(FEATURES))), np.empty(len(table), np.int64)
    unused = np.empty((2, len(table)))
    _, filled = run(*new_state(table.timeframe), 0, 0, columns_of(table), rows, kept, *unused)
    return rows[:filled]


def one_by_one(rows: NDArray[np.float64]) -> None:
    """Judge each row and make its inputs, as where one stream closes in an instant."""
    for at in range(len(rows)):
        row = rows[at : at + 1]
        is_candidate(row)
        inputs_of(row)


def main() -> None:
    """Print the figures."""
    year = walk(MINUTES, sigma=0.001)
    rate = MINUTES / median_s(lambda: stream_opinions(year, GeometryStrategy(), 0) and None, 5)
    indicators = MINUTES / median_s(lambda: batch(year), 5)
    few = list(year.rows(0, LIVE_CANDLES).candles())
    kernel_us = median_s(lambda: bare_kernel(few)) / LIVE_CANDLES * 1e6
    one_us = median_s(lambda: one_stream(few)) / LIVE_CANDLES * 1e6
    many_us = seconds_an_instant() * 1e6
    name = f"{len(FEATURES)} features and opinions"
    show(f"{name}, batch", rate, "candles/s", rate / indicators, "the indicators alone")
    show("candle to features, live", kernel_us, "µs")
    show("candle to reading, one stream", one_us, "µs", one_us / kernel_us, "the features alone")
    every = many_us / STREAMS / kernel_us
    show(f"candles to readings, {STREAMS} streams", many_us / 1e3, "ms", every, "their features alone")
    rows = rows_of(year.rows(0, ROWS))
    show("rows that are candidates", is_candidate(rows).mean() * 100, "%")
    show("is it a candidate, in batch", median_s(lambda: is_candidate(rows)) / len(rows) * 1e9, "ns a row")
    show(f"{len(INPUTS)} inputs, in batch", median_s(lambda: inputs_of(rows)) / len(rows) * 1e9, "ns a row")
    show("is it a candidate, and its inputs, one row", median_s(lambda: one_by_one(rows[:1_000])) * 1e3, "µs")


if __name__ == "__main__":
    main()
