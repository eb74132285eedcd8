"""`python start.py report`: what a day of real orders was worse by than its backtest, and why."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trader.cli.common import ConfigOption, DebugOption, PresetOption, SetOption, read_settings
from trader.cli.journal import FileOption, showing_progress
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine import logs
from trader.engine.live.homes import home_of, store_of
from trader.engine.redaction import redactor
from trader.exchange.embedded.options import parse_time
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.market.store import Store
from trader.reports.divergence.make import diverge
from trader.reports.divergence.terminal import plain_divergence, terminal_divergence
from trader.reports.divergence.write import write_divergence

EXAMPLES = ("--divergence 2025-03-10", "--divergence 2025-03-10 --data data --file journal-copy.sqlite")


def report_command(
    divergence: Annotated[
        str, typer.Option("--divergence", metavar="DAY", help="The UTC day, of the market: YYYY-MM-DD.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of a store with final candles; by default the daemon's own."),
    ] = None,
    file: FileOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Put the report right there; by default below STAT_DIR.")
    ] = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Compare a day of real orders with a backtest of it, trade by trade: each difference with its cause and cost.

    The backtest begins with the books as they stood when the day began, is given what people commanded, and trades on
    final candles under the run's own settings. The daemon may run; it makes this report itself when a day is over.
    """
    chosen = read_settings(settings, config, preset=preset).settings
    logs.configure(chosen.model_copy(update={"LOG_FILE": ""}), debug, quiet=True)
    day = _day(divergence)
    home = home_of(chosen)
    place = Place.at(home, file) if file else Place(home, chosen.JOURNAL_URL.get_secret_value())
    redactor.remember(place.password)
    with Reader(place) as reader, showing_progress("simulating the day") as progress:
        found = diverge(reader, _store(chosen, reader, data), day, progress)
    directory = out or Path(chosen.STAT_DIR) / f"divergence-{found.day}-{chosen.MODE}-{chosen.MARKET}"
    files = write_divergence(found, directory, datetime.now(UTC))
    if sys.stdout.isatty():
        Console().print(terminal_divergence(found, files))
    else:
        typer.echo(plain_divergence(found, files), nl=False)


def _day(text: str) -> int:
    day = parse_time(text)
    if day % DAY_MS:
        raise ConfigError(f"--divergence {text} is no day; allowed: YYYY-MM-DD, a day of the market in UTC")
    return day


def _store(settings: Settings, reader: Reader, data: Path | None) -> Store:
    """Return the store that was named, else that of the daemon whose journal it is."""
    if data is not None:
        return Store(data)
    runs = reader.runs()
    newest = runs[-1] if runs else None
    return store_of(settings, newest.venue if newest else "", newest is not None and newest.mode == "embedded")
