"""`python start.py backtest`: the program over stored history, with its reports."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from trader.cli.common import ConfigOption, DebugOption, PresetOption, SetOption, prepare
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.backtest import run_backtest
from trader.engine.prepare import Progress as Report
from trader.exchange.embedded.options import parse_time
from trader.market.store import Store
from trader.reports.candles import RunCandles
from trader.reports.files import point_latest, run_directory
from trader.reports.terminal import plain_summary, terminal_summary
from trader.reports.write import write_reports

EXAMPLES = (
    "",
    "--coins BTCUSDT,ETHUSDT --timeframes 1min,5min,15min,30min --from 2025-01-01 --to 2026-01-01",
    "--capital 5000 --set MAX_CONCURRENT_TRADES=5 --set TRAILING_STOP.trail_pct=0.004",
)


def backtest_command(
    coins: Annotated[str | None, typer.Option(help="Coins, parted by commas, in the order of service.")] = None,
    timeframes: Annotated[str | None, typer.Option(help="Timeframes, parted by commas.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="First day or moment (UTC); all that is stored."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="The day or moment (UTC) at which it ends, not included.")
    ] = None,
    capital: Annotated[float | None, typer.Option(help="Capital to begin with, in quote currency.")] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the store; DATA_DIR by default.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Put the reports right there; by default a new folder in STAT_DIR."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that prepare data; 0: one per CPU.")] = None,
    counterfactual: Annotated[
        bool, typer.Option("--counterfactual", help="Follow refused signals too: which rule earned its place?")
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare/--no-compare", help="Where hedges open: run again without, what were they worth?")
    ] = True,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Run all coins and timeframes over history on one pool, and write workbook, logs and chart.

    The decisions are those of the daemon: the same core, the same order, the same fills.
    """
    own = {
        "--coins": ("COINS", coins),
        "--timeframes": ("TIMEFRAMES", timeframes),
        "--capital": ("BACKTEST_INITIAL_CAPITAL", capital),
        "--data": ("DATA_DIR", data),
        "--workers": ("NUM_WORKERS", workers),
    }
    loaded = prepare(settings, preset=preset, config=config, debug=debug, own=own, quiet=True, trades=True)
    store = Store(Path(loaded.settings.DATA_DIR))
    if out is not None and out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; allowed: a folder, which is made when it is not there")
    require_data(store, loaded.settings)
    overrides = [(override.name, override.value_text, override.origin) for override in loaded.overrides]
    span = (parse_time(start) if start else None, parse_time(end) if end else None)
    with run_progress() as report:
        result = run_backtest(loaded.settings, store, *span, overrides, report, counterfactual, compare)
    when = datetime.now(UTC)
    directory = out or run_directory(Path(loaded.settings.STAT_DIR), when)
    files = write_reports(result, directory, RunCandles(result, store), when)
    if out is None:
        point_latest(Path(loaded.settings.STAT_DIR), directory)
    if sys.stdout.isatty():
        Console().print(terminal_summary(result, files))
    else:
        typer.echo(plain_summary(result, files), nl=False)


def require_data(store: Store, settings: Settings) -> None:
    """Raise `ConfigError` where the store has candles of none of the settings' coins."""
    stored = store.symbols(settings.MARKET)
    absent = [symbol for symbol in settings.COINS if symbol not in stored]
    if len(absent) < len(settings.COINS):
        return
    have = f"it has {', '.join(stored)}" if stored else "it is empty"
    raise ConfigError(
        f"the store {store.root}/{settings.MARKET} has no candles of {', '.join(absent)}: {have}. Bring some with "
        "`python start.py import PATH...` or `python start.py download`, or name another store with --data"
    )


@contextmanager
def run_progress() -> Iterator[Report]:
    """Show how far the run is: a bar on a terminal, a plain line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _PlainProgress().report
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        tasks = {}
        began = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what], began[what] = bar.add_task(what, total=total, rate=""), time.monotonic()
            bar.update(tasks[what], completed=done, total=total, rate=_rate(done, time.monotonic() - began[what]))

        yield report


class _PlainProgress:
    """Says how far a run is in lines, one in some seconds."""

    EVERY_S = 5.0

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def report(self, what: str, done: int, total: int) -> None:
        """Print a line when something begins, and when the last one is old enough."""
        now = time.monotonic()
        if done == 0 or now - self._last >= self.EVERY_S:
            self._last = now
            typer.echo(f"{what}: {done:,} of {total:,}, {now - self._began:.0f} s", err=True)


def _rate(done: int, elapsed_s: float) -> str:
    return f"{done / elapsed_s:,.0f}/s" if elapsed_s > 0 else ""
