"""A backtest end to end, store to result: `python -m bench.bench_backtest`.

A coin-year of minutes on four timeframes with the default settings (but for the drawdown, which would end trading in
spring), each run in a process of its own, as a person starts it. The reference, in the same process: reading the same
candles from the store and doing nothing with them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import msgspec

from bench.data import year
from bench.measure import peak_mb, seconds, show
from tests.builders import settings
from trader.core.timeframe import Timeframe
from trader.engine.backtest import run_backtest
from trader.market.history import history
from trader.market.store import Store

ROUNDS = 3


class Round(msgspec.Struct):
    """What one process measured: seconds of the run and of reading alone, memory at its peak, what it did."""

    run_s: float
    read_s: float
    peak_mb: float
    idle_mb: float
    candles: int
    instants: int
    trades: int


def one_round(root: Path) -> Round:
    """Run once and measure."""
    values = settings(COINS=["BTCUSDT"], DRAWDOWN_PROTECTION={"enable": False})
    store, idle = Store(root), peak_mb()
    result = run_backtest(values, store)
    peak = peak_mb()
    read_s = seconds(lambda: history(store, "spot", "BTCUSDT", Timeframe.MIN_1, result.start, result.end))
    return Round(result.elapsed_s, read_s, peak, idle, result.candles, result.instants, len(result.trades))


def main() -> None:
    """Print the figures."""
    table, what = year()
    with tempfile.TemporaryDirectory() as folder:
        Store(folder).merge("spot", table)
        command = [sys.executable, "-m", "bench.bench_backtest", folder]
        answers = [subprocess.run(command, capture_output=True, check=True).stdout for _ in range(ROUNDS + 1)]
    rounds = [msgspec.json.decode(answer, type=Round) for answer in answers[1:]]
    first = rounds[0]
    print(f"{what}: {first.instants:,} minutes, {first.candles:,} candles in 4 streams, {first.trades:,} trades")
    run_s, ratio = median(each.run_s for each in rounds), median(each.run_s / each.read_s for each in rounds)
    show("backtest end to end", run_s, "s", ratio, "reading the candles alone")
    show("backtest end to end", first.candles / run_s, "candles/s")
    peak, idle = median(each.peak_mb for each in rounds), median(each.idle_mb for each in rounds)
    show("backtest, memory at its peak", peak, "MB", peak / idle, "the program before it began")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(msgspec.json.encode(one_round(Path(sys.argv[1]))).decode())
    else:
        main()
