"""How fast the store writes, reads, appends, and imports: `python -m bench.bench_store`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from bench.measure import median_s, show
from trader.core.timeframe import Timeframe
from trader.market.importing.run import import_paths
from trader.market.store import Store
from trader.market.table import CandleTable

START_MS = 1_735_689_600_000
YEAR_ROWS = 525_600
STREAMS = 300
M1 = Timeframe.MIN_1


def year(symbol: str = "BTCUSDT") -> CandleTable:
    """Return a year of 1min candles, a random walk on ticks of 0.01 like a coin's."""
    random = np.random.default_rng(0)
    close = np.round(60_000 * np.exp(np.cumsum(random.normal(0, 0.0005, YEAR_ROWS))), 2)
    open = np.concatenate((close[:1], close[:-1]))
    volume = np.round(random.lognormal(2, 1, YEAR_ROWS), 5)
    times = START_MS + np.arange(YEAR_ROWS, dtype=np.int64) * M1.ms
    high, low = np.maximum(open, close) + 0.01, np.minimum(open, close) - 0.01
    return CandleTable.build(symbol, M1, times, open=open, high=high, low=low, close=close, volume=volume)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        table, store = year(), Store(root / "store")
        bare = root / "BTCUSDT-1m-2025.parquet"
        columns = ("open_time", "open", "high", "low", "close", "volume")
        frame = pd.DataFrame({name: getattr(table, name) for name in columns})
        frame.to_parquet(bare, compression="zstd", index=False)
        write_ref = median_s(lambda: frame.to_parquet(bare, compression="zstd", index=False), 3)
        read_ref = median_s(lambda: [column.to_numpy() for column in pq.read_table(bare).columns])

        fresh = iter(range(100))
        write = median_s(lambda: Store(root / f"w{next(fresh)}").merge("spot", table), 3)
        show("store: merge a year of 1min", write * 1000, "ms", write / write_ref, "one pandas to_parquet")
        store.merge("spot", table)
        again = median_s(lambda: store.merge("spot", table))
        show("store: merge it again", again * 1000, "ms", again / write, "the first merge")
        read = median_s(lambda: store.read("spot", "BTCUSDT", M1))
        show("store: read a year of 1min", read * 1000, "ms", read / read_ref, "one bare Parquet file")
        day = median_s(lambda: store.read("spot", "BTCUSDT", M1, START_MS, START_MS + 86_400_000))
        show("store: read its first day", day * 1000, "ms", day / read, "the year")
        manifest = median_s(lambda: store.manifest("spot", "BTCUSDT", M1))
        show("store: manifest", manifest * 1e6, "µs", manifest / read, "reading the year")

        append = median_s(appending(Store(root / "tail"), table), 20) / STREAMS
        show(f"store: append to {STREAMS} streams, each", append * 1e6, "µs", append / write, "a merge")
        brought = median_s(lambda: import_paths(Store(root / f"i{next(fresh)}"), [bare]), 3)
        show("import: a year of 1min as Parquet", brought * 1000, "ms", brought / write, "a merge")
        text = root / "ETHUSDT-1m-2025.csv"
        frame.to_csv(text, index=False)
        parsed = median_s(lambda: import_paths(Store(root / f"i{next(fresh)}"), [text]), 3)
        show("import: a year of 1min as CSV", parsed * 1000, "ms", parsed / write, "a merge")


def appending(store: Store, table: CandleTable) -> Callable[[], object]:
    """Return what a daemon does once a minute: one candle to each of many streams."""
    minute = iter(range(YEAR_ROWS))

    def one_minute() -> None:
        (one,) = table.rows(at := next(minute), at + 1).candles()
        store.append("spot", [msgspec.structs.replace(one, symbol=f"COIN{coin}USDT") for coin in range(STREAMS)])

    return one_minute


if __name__ == "__main__":
    main()
