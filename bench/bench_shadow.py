"""What following refused signals costs a backtest: `python -m bench.bench_shadow [FOLDER OF A STORE]`.

A year of two coins on four timeframes, with and without, in turns, all in one process. Without a store, the year is
generated. The aim: less than 1.30 times the run without.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.builders import START_MS, settings
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.backtest import run_backtest
from trader.engine.result import RunResult
from trader.market.store import Store
from trader.market.synthetic import SyntheticMarket

COINS = ("BTCUSDT", "ETHUSDT")
END = START_MS + 365 * DAY_MS
RUNS = 3


def generated(root: Path) -> Store:
    """Return a store of generated minutes at `root`."""
    store, market = Store(root), SyntheticMarket(1, COINS, START_MS)
    for coin in COINS:
        store.merge("spot", market.candles(coin, Timeframe.MIN_1, START_MS, END))
    return store


def timed(chosen: Settings, store: Store, counterfactual: bool) -> tuple[float, RunResult]:
    """Return how long a run takes, s, and its result."""
    began = time.perf_counter()
    result = run_backtest(chosen, store, START_MS, END, counterfactual=counterfactual)
    return time.perf_counter() - began, result


def measure(store: Store) -> None:
    """Print the figures of the year in `store`."""
    resumed = {"DRAWDOWN_PROTECTION": {"resume_after_hours": 24}}
    chosen = settings(COINS=list(COINS), NUM_WORKERS=1, **resumed)
    _, result = timed(chosen, store, True)  # compiles what is not compiled yet
    pairs = [(timed(chosen, store, False)[0], timed(chosen, store, True)[0]) for _ in range(RUNS)]
    plain, extra = median(pair[0] for pair in pairs), median(pair[1] - pair[0] for pair in pairs)
    signals = len(result.followed or ())
    print(f"a year of two coins without following: {plain:.2f} s (1.00 x itself), {len(result.trades):,} trades")
    print(f"with {signals:,} refused signals followed: {plain + extra:.2f} s ({1 + extra / plain:.2f} x without)")
    each = extra / max(signals, 1)
    print(f"a followed signal: {each * 1e6:.0f} us ({each / plain:.1e} x the run without)")


def main() -> None:
    """Print the figures."""
    if len(sys.argv) > 1:
        measure(Store(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(generated(Path(folder)))


if __name__ == "__main__":
    main()
