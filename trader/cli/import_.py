"""`python start.py import`: market data that others wrote, into the store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from trader.cli.common import ConfigOption, DebugOption, SetOption, prepare
from trader.core.settings import Market
from trader.core.timeframe import Timeframe
from trader.market.importing.files import FoundFile
from trader.market.importing.names import tidy_symbol
from trader.market.importing.run import ImportOptions, import_paths
from trader.market.store import Store

#: Files from this size on are worth a line of their own where there is no terminal, bytes.
LARGE_FILE = 2_000_000

#: What people type behind `import`, for the table of commands.
EXAMPLES = (
    "~/Downloads/BTCUSDT-1m-2025-01.zip",
    "../shared/data --data data",
    "candles.csv --coin BTCUSDT --timeframe 5min --market futures",
)


def import_command(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", exists=True, help="Files and folders to read.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the store; DATA_DIR by default.")] = None,
    market: Annotated[Market | None, typer.Option(help="Market of all files; by default their names tell.")] = None,
    coin: Annotated[str | None, typer.Option(help="Coin of files that do not name it, e.g. BTCUSDT.")] = None,
    timeframe: Annotated[str | None, typer.Option(help="Timeframe of files that do not name it, e.g. 1min.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let imported candles replace stored ones that they contradict.")
    ] = False,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Import candles, trades, funding rates, exchangeInfo and leverage brackets, and say what became of every row.

    Reads Binance's archives (zip or CSV), CSV and Parquet with headings, exchangeInfo and leverageBracket as JSON.
    A folder is read with all that is below it. docs/data.md has the rules.
    Ends with 1 when a file is broken: it leaves the store as it was, the others are imported.
    """
    loaded = prepare(settings, config=config, debug=debug, own={"--data": ("DATA_DIR", data)})
    options = ImportOptions(
        default_market=loaded.settings.MARKET,
        market=market,
        symbol=tidy_symbol(coin) if coin else None,
        timeframe=Timeframe.parse(timeframe) if timeframe else None,
        replace=replace,
    )
    with _progress() as on_file:
        report = import_paths(Store(loaded.settings.DATA_DIR), paths, options, on_file)
    for line in report.lines():
        typer.echo(line)
    if report.failed:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[FoundFile, int], None]]:
    """Show a bar on a terminal, a line for each large file elsewhere."""
    if not sys.stderr.isatty():
        yield _say_large
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("importing", total=None)
        read = 0

        def show(file: FoundFile, total_bytes: int) -> None:
            nonlocal read
            bar.update(task, description=file.path.name, completed=read, total=total_bytes)
            read += file.size

        yield show


def _say_large(file: FoundFile, _: int) -> None:
    if file.size > LARGE_FILE:
        typer.echo(f"reading {file.path}")
