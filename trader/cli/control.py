"""`python start.py pause`, `resume`, `close`, `close-all`, `kill`, `lift`, `set`, `unset`: a person's commands."""

from __future__ import annotations

from typing import Annotated

import typer

from trader.cli.common import ConfigOption, PresetOption, SetOption, parse_pairs
from trader.cli.daemon import PATIENCE_S, Meant, ModeOption, TimeoutOption, WaitOption, YesOption, confirmed, say, send
from trader.core.errors import ConfigError, TraderError
from trader.engine.control.messages import Close, CloseAll, Kill, Lift, Pause, Resume, Set, Unset
from trader.trading.changes import CHANGEABLE, FIXED

PAUSE_EXAMPLES = ("", "--mode paper --set MARKET=futures")
RESUME_EXAMPLES = ("",)
CLOSE_EXAMPLES = ("BTCUSDT", "BTCUSDT --no-wait")
CLOSE_ALL_EXAMPLES = ("", "--yes")
KILL_EXAMPLES = ("", "--yes --timeout 600")
LIFT_EXAMPLES = ("",)
SET_EXAMPLES = (
    "MIN_PROBABILITY=0.7",
    "TRAILING_STOP.trail_pct=0.004 MAX_CONCURRENT_TRADES=2 --wait",
)
UNSET_EXAMPLES = ("MIN_PROBABILITY", "TRAILING_STOP")

_FIXED = ", ".join(".".join(path) for path in FIXED)
PairsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=VALUE...",
        help=f"Settings as behind --set, keys by dots. These may change: {', '.join(CHANGEABLE)}; not {_FIXED}.",
    ),
]
NamesArgument = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="Settings that were changed; a table takes its keys along.")
]
SymbolArgument = Annotated[str, typer.Argument(metavar="SYMBOL", help="The coin, as in BTCUSDT.")]


def pause_command(
    wait: WaitOption = False,
    timeout: TimeoutOption = PATIENCE_S,
    mode: ModeOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
) -> None:
    """Pause entries of the running daemon. Stops, targets and waiting entries go on; a restart stays paused."""
    with Meant(mode, settings, preset, config).speaking() as (_, client):
        send(client, Pause(), wait, timeout)


def resume_command(
    wait: WaitOption = False,
    timeout: TimeoutOption = PATIENCE_S,
    mode: ModeOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
) -> None:
    """Let entries go on, whether a person or the drawdown has paused them.

    After a drawdown the peak starts anew at the present equity.
    """
    with Meant(mode, settings, preset, config).speaking() as (_, client):
        send(client, Resume(), wait, timeout)


def close_command(
    symbol: SymbolArgument,
    wait: WaitOption = True,
    timeout: TimeoutOption = PATIENCE_S,
    mode: ModeOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
) -> None:
    """Close the open trades of one coin at the next open, and drop its waiting entries. New entries are not forbidden.

    It prints what happened, unless --no-wait; a trade closes within two candles.
    """
    with Meant(mode, settings, preset, config).speaking() as (_, client):
        send(client, Close(symbol), wait, timeout)


def close_all_command(
    yes: YesOption = False,
    wait: WaitOption = True,
    timeout: TimeoutOption = PATIENCE_S,
    mode: ModeOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
) -> None:
    """Close every open trade at the next open, and drop every waiting entry. New entries are not forbidden.

    It asks on a terminal.
    """
    with Meant(mode, settings, preset, config).speaking() as (_, client):
        if not confirmed(client, "Close all of it?", yes):
            say("nothing was sent", err=True)
            raise typer.Exit(1)
        send(client, CloseAll(), wait, timeout)


def kill_command(
    yes: YesOption = False,
    wait: WaitOption = True,
    timeout: TimeoutOption = PATIENCE_S,
    mode: ModeOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
) -> None:
    """Throw the kill switch: everything closes at the next open, no entries until lift; also after a restart.

    It asks on a terminal. A file KILL in DATA_DIR does the same without this command, until it is deleted.
    """
    try:
        meant = Meant(mode, settings, preset, config)
    except ConfigError as error:
        raise ConfigError([*error.faults, "the kill switch needs no settings: touch DATA_DIR/KILL"]) from None
    try:
        with meant.speaking() as (_, client):
            if not confirmed(client, "Close all of it, and forbid entries?", yes):
                say("nothing was sent", err=True)
                raise typer.Exit(1)
            send(client, Kill(), wait, timeout)
    except TraderError as error:
        hint = "" if str(meant.kill_file) in str(error) else f". Without this command: touch {meant.kill_file}"
        raise TraderError(f"{error}{hint}") from None


def lift_command(
    wait: WaitOption = False,
    timeout: TimeoutOption = PATIENCE_S,
    mode: ModeOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
) -> None:
    """Lift the kill switch that kill has thrown. One that the file KILL has thrown ends when that is deleted."""
    with Meant(mode, settings, preset, config).speaking() as (_, client):
        send(client, Lift(), wait, timeout)


def set_command(
    changes: PairsArgument,
    wait: WaitOption = False,
    timeout: TimeoutOption = PATIENCE_S,
    mode: ModeOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
) -> None:
    """Change settings of the running daemon. They stay changed over restarts, until unset.

    Decisions to come are made with the new value. Open trades keep their targets; stops follow by the new value from
    the next candle on, and never move away.
    """
    try:
        pairs = parse_pairs(changes, "change")
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    with Meant(mode, settings, preset, config).speaking() as (_, client):
        send(client, Set(pairs), wait, timeout)


def unset_command(
    names: NamesArgument,
    wait: WaitOption = False,
    timeout: TimeoutOption = PATIENCE_S,
    mode: ModeOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
) -> None:
    """Take back what set has changed: the value of the settings at the daemon's start counts again."""
    with Meant(mode, settings, preset, config).speaking() as (_, client):
        send(client, Unset(names), wait, timeout)
