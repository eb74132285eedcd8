"""What every command shares. A command is a plain function with typed parameters, in a module of its own:

    def download_command(
        coins: Annotated[str | None, typer.Option(help="Coins, parted by commas.")] = None,
        settings: SetOption = None,
        preset: PresetOption = None,
        config: ConfigOption = None,
        debug: DebugOption = None,
    ) -> None:
        \"\"\"Fetch candles into the store.\"\"\"
        loaded = prepare(settings, preset=preset, config=config, debug=debug, own={"--coins": ("COINS", coins)})
        ...

It is entered in the table of `trader.cli.app`, with the module's `EXAMPLES`: what people type behind its name.
Results go to standard output with `typer.echo`, all else is logged. To fail, raise a `TraderError` (exit code 1) or a
`ConfigError` (2), or `typer.Exit(1)` where what is wrong has been said already; `app` prints errors and maps them to
exit codes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer

from trader.core.errors import ConfigError
from trader.engine import logs
from trader.engine.settings import Loaded, Override, cannot_act, load

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting of config.py, keys by dots; may be repeated."),
]
PresetOption = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", help="A way to trade, over config.py and under config.yaml."),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings from this file instead of config.yaml.")
]
DebugOption = Annotated[
    str | None,
    typer.Option(
        "--debug",
        metavar="[STREAM]",
        help="Log every refusal, and show where an error arose: of all streams, or of a symbol, a timeframe, or both "
        "(BTCUSDT,1min).",
    ),
]

#: An option of a command's own that is a setting: the option, as typed, to the setting's name and the text given.
OwnOptions = Mapping[str, tuple[str, object | None]]
NONE_OF_ITS_OWN: OwnOptions = MappingProxyType({})

logger = logging.getLogger(__name__)


def prepare(
    pairs: Sequence[str] | None = None,
    *,
    preset: str | None = None,
    config: Path | None = None,
    debug: str | None = None,
    own: OwnOptions = NONE_OF_ITS_OWN,
    quiet: bool = False,
    trades: bool = False,
) -> Loaded:
    """Read the settings, begin logging, and say each override and where it came from.

    `pairs` are the values of `--set`; `own` the command's options that are settings, those left at None do not count.
    `quiet` keeps the terminal for a progress bar: warnings only; the log file has everything.
    A command that `trades` says which settings cannot act, too. Raise `ConfigError` with every fault.
    """
    loaded = read_settings(pairs, config, own, preset)
    logs.configure(loaded.settings, debug, quiet=quiet)
    lines = [described(override) for override in loaded.overrides]
    lines += [f"cannot act: {finding.line}" for finding in cannot_act(loaded)] if trades else []
    for line in lines:
        logger.info("%s", line)
        if quiet:
            typer.echo(line, err=True)
    return loaded


def read_settings(
    pairs: Sequence[str] | None = None,
    config: Path | None = None,
    own: OwnOptions = NONE_OF_ITS_OWN,
    preset: str | None = None,
) -> Loaded:
    """Read the settings with the values of `--set`, `--preset` and a command's own options over all other layers."""
    own = {**own, "--preset": ("PRESET", preset)}
    given = {option: (name, str(value)) for option, (name, value) in own.items() if value is not None}
    options = parse_pairs(pairs or ()) | {name: text for name, text in given.values()}
    return load(options, origins={name: f"option {option}" for option, (name, _) in given.items()}, config_file=config)


def parse_pairs(pairs: Sequence[str], what: str = "--set") -> dict[str, str]:
    """Return the values of `--set` as setting to text; the last of a name counts. `what` is how faults call a pair.

    >>> parse_pairs(["MODE=paper", "TRAILING_STOP.trail_pct=0.004"])
    {'MODE': 'paper', 'TRAILING_STOP.trail_pct': '0.004'}
    """
    parted = [pair.partition("=") for pair in pairs]
    wrong = [number for number, (name, equals, _) in enumerate(parted, 1) if not (name.strip() and equals)]
    if wrong:
        raise ConfigError([f"{what} number {number}: allowed: NAME=VALUE, or NAME.KEY=VALUE" for number in wrong])
    return {name.strip(): value.strip() for name, _, value in parted}


def described(override: Override) -> str:
    """Say an override in a line."""
    return f"setting {override.name} = {override.value_text} ({override.origin})"
