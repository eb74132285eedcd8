"""How long reports take: `python -m bench.bench_reports`.

The reference, in the same run, is bare write-only openpyxl: 50,000 rows of 20 numbers without formats.
"""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from openpyxl import Workbook

from bench.measure import median_s, seconds, show
from tests.builders import START_MS
from tests.reports.results import CAPITAL, Market, a_run
from trader.core.timeframe import MINUTE_MS
from trader.core.trade import Trade
from trader.engine.result import EquityCurve, RunResult
from trader.reports.digest import Digest
from trader.reports.metrics_json import metrics_json
from trader.reports.page import page
from trader.reports.sheet import Column, Sheet
from trader.reports.trades_log import trades_log
from trader.reports.workbook import write_workbook

ROWS, COLUMNS = 50_000, 20
TRADES = 10_000
MINUTES = 525_600
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def large_run() -> tuple[RunResult, Market]:
    """Return a year of minutes with 10,000 trades: those of a small run, over and over."""
    small, market = a_run(500)
    trades: list[Trade] = []
    parts = 0
    while len(trades) < TRADES:
        for trade in small.trades:
            renumbered = [msgspec.structs.replace(part, sequence=parts + at) for at, part in enumerate(trade.parts)]
            trades.append(msgspec.structs.replace(trade, id=len(trades), parts=renumbered))
            parts += len(renumbered)
    time_ms = START_MS + np.arange(MINUTES, dtype=np.int64) * MINUTE_MS
    equity = CAPITAL * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 1e-4, MINUTES)))
    curve = EquityCurve(time_ms, equity, equity * 0.7, equity * 0.3)
    changes = {"trades": trades, "equity": curve, "final_equity": float(equity[-1]), "stop_moves": {}}
    return msgspec.structs.replace(small, **changes), market


def bare_workbook(path: Path) -> None:
    """Write the reference."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("numbers")
    row = [1.5 + at for at in range(COLUMNS)]
    for _ in range(ROWS):
        sheet.append(row)
    book.save(path)


def typed_workbook(path: Path) -> None:
    """Write as many cells as the reference through our sheet, each with its format."""
    kinds = ("text", "id", "time", "price", "money")
    columns = [Column(f"column {at}", kinds[at % len(kinds)]) for at in range(COLUMNS)]
    book = Workbook(write_only=True)
    sheet = Sheet(book, "typed", "50,000 rows", columns)
    row = ["BTCUSDT", 7, START_MS, 98_765.4321, -12.5] * (COLUMNS // len(kinds))
    for _ in range(ROWS):
        sheet.add(row)
    book.save(path)


def most_mb(work: Callable[[], object]) -> float:
    """Return the most memory that `work` takes at once, MB."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    """Print the time of a large sheet, and of each report of 10,000 trades."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.xlsx"
        least = seconds(lambda: bare_workbook(path))

        def compare(name: str, taken: float) -> None:
            show(name, taken, "s", taken / least, "bare cells")

        show(f"bare cells, {ROWS:,} x {COLUMNS}", least, "s")
        compare(f"typed and formatted cells, {ROWS:,} x {COLUMNS}", seconds(lambda: typed_workbook(path)))
        result, market = large_run()
        digest = Digest.of(result)
        print(f"a run of {MINUTES:,} equity rows and {TRADES:,} trades:")
        compare("figures and funnel", median_s(lambda: Digest.of(result), 3))
        compare("trades_log.csv", median_s(lambda: trades_log(result), 3))
        compare("metrics.json", median_s(lambda: metrics_json(digest), 3))
        compare("report.html", median_s(lambda: page(digest, market.candles, WHEN), 3))
        compare("workbook", seconds(lambda: write_workbook(digest, path)))
        few = Digest.of(a_run(1_000)[0])
        show("memory while writing a workbook of 1,000 trades", most_mb(lambda: write_workbook(few, path)), "MB")


if __name__ == "__main__":
    main()
