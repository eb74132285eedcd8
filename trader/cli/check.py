"""`python start.py check`: what would happen, without trading."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trader.cli.common import ConfigOption, DebugOption, SetOption, read_settings
from trader.core.settings import Settings
from trader.engine import logs
from trader.engine.check import check
from trader.engine.redaction import redactor
from trader.engine.safety.found import FAIL, OK, WARN, Found

EXAMPLES = ("", "--set MODE=paper --set MARKET=futures", "--set MODE=live")
COLOURS = {OK: "green", WARN: "yellow", FAIL: "bold red"}


def check_command(settings: SetOption = None, config: ConfigOption = None, debug: DebugOption = None) -> None:
    """Test settings, disk, data, clock and connection, and say what `run` and `backtest` would do.

    Where orders go to an exchange, also the key's rights, the account's modes, leverage, balance, open orders and
    positions, fees, filters and limits, and the journal. It reads, and changes nothing. It takes some seconds.
    Exit code 0 without a fault, 1 with one, 2 for settings that cannot be.
    """
    loaded = read_settings(settings, config)
    logs.configure(loaded.settings.model_copy(update={"LOG_FILE": ""}), debug, quiet=True)
    first = Found(OK, "settings", f"they can be: {len(loaded.overrides)} differ from config.py")
    if asyncio.run(_faults(loaded.settings, first)):
        raise typer.Exit(1)


async def _faults(settings: Settings, first: Found) -> int:
    """Say what is found: a table on a terminal when all is known, lines as they come elsewhere."""
    found = [first]
    shown = sys.stdout.isatty()
    if not shown:
        say_lines(found)
    async for each in check(settings):
        found.append(each)
        if not shown:
            say_lines([each])
    if shown:
        show_table(found)
    counts = {state: sum(each.state == state for each in found) for state in (OK, WARN, FAIL)}
    typer.echo(f"{counts[OK]} ok, {counts[WARN]} warnings, {counts[FAIL]} faults; nothing was changed")
    return counts[FAIL]


def say_lines(found: Iterable[Found]) -> None:
    """Print one line for each finding."""
    for each in found:
        typer.echo(redactor.hide(f"{each.state:<7}  {each.about:<10}  {each.text}"))


def show_table(found: Iterable[Found]) -> None:
    """Print findings for a person on a terminal."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for each in found:
        table.add_row(Text(each.state, COLOURS[each.state]), each.about, Text(redactor.hide(each.text)))
    Console().print(table)
