"""`python start.py check`: what would happen, without trading."""

from __future__ import annotations

import asyncio

import typer

from trader.cli.common import ConfigOption, DebugOption, SetOption, read_settings
from trader.core.settings import Settings
from trader.engine import logs
from trader.engine.check import FAIL, Found, check
from trader.engine.redaction import redactor

EXAMPLES = ("", "--set MODE=paper --set MARKET=futures")


def check_command(settings: SetOption = None, config: ConfigOption = None, debug: DebugOption = None) -> None:
    """Test settings, disk, data, clock and connection, and say what `run` and `backtest` would do.

    Exit code 0 when nothing fails, 1 when something would, 2 for settings that cannot be. It takes some seconds.
    """
    loaded = read_settings(settings, config)
    logs.configure(loaded.settings.model_copy(update={"LOG_FILE": ""}), debug, quiet=True)
    _say(Found("ok", "settings", f"they can be: {len(loaded.overrides)} differ from config.py"))
    if asyncio.run(_failures(loaded.settings)):
        raise typer.Exit(1)


async def _failures(settings: Settings) -> int:
    failures = 0
    async for found in check(settings):
        _say(found)
        failures += found.state == FAIL
    return failures


def _say(found: Found) -> None:
    typer.echo(redactor.hide(f"{found.state:<4}  {found.about:<10}  {found.text}"))
