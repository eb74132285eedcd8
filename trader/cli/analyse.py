"""`python start.py analyse`: does anything look ahead, and does it matter where a stream begins?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from trader.cli.audit_words import lookahead_lines, recursive_lines
from trader.cli.backtest import require_data, run_progress
from trader.cli.common import ConfigOption, DebugOption, PresetOption, SetOption, prepare
from trader.core.errors import ConfigError
from trader.engine.audit.ground import Ground, ground_of
from trader.engine.audit.lookahead import LookaheadAudit, audit_lookahead
from trader.engine.audit.recursive import WARMUPS, audit_recursive
from trader.engine.audit.subject import subject_of
from trader.exchange.embedded.options import parse_time
from trader.market.store import Store
from trader.strategy.registry import schedule_of

EXAMPLES = ("lookahead --from 2025-03-01 --to 2025-04-01", "recursive --from 2025-03-01 --to 2025-04-01")

CoinsOption = Annotated[str | None, typer.Option("--coins", help="Coins, parted by commas.")]
TimeframesOption = Annotated[str | None, typer.Option("--timeframes", help="Timeframes, parted by commas.")]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="First day or moment (UTC); all that is stored.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="The day or moment (UTC) at which it ends, not included.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Folder of the store; DATA_DIR by default.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Chooses the moments; equal seeds, equal audits.")]


def commands() -> typer.Typer:
    """Return the group of commands."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="rich",
        help="Audit what trades: does it look ahead, and does it matter where a stream begins?",
    )
    every: tuple[tuple[str, Callable[..., Any], tuple[str, ...]], ...] = (
        ("lookahead", lookahead_command, ("", "--coins BTCUSDT --from 2025-03-01 --to 2025-04-01 --cuts 100")),
        ("recursive", recursive_command, ("", "--from 2025-03-01 --to 2025-04-01 --warmups 250,500,1500,3000")),
    )
    for name, function, examples in every:
        lines = [f"python start.py analyse {name} {example}".rstrip() for example in examples]
        group.command(name, epilog="\n\n".join(["Examples:", *lines]))(function)
    return group


def lookahead_command(
    coins: CoinsOption = None,
    timeframes: TimeframesOption = None,
    start: FromOption = None,
    end: ToOption = None,
    cuts: Annotated[int, typer.Option("--cuts", min=1, help="How often history is cut.")] = 50,
    seed: SeedOption = 1,
    data: DataOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Cut history at many moments: whatever was decided before must be the same without what came later.

    Features, inputs and opinions of every candle, trades, exits and equity are compared, bit for bit. Ends with 1
    when anything differs; then the first value of each column that does is named.
    """
    ground = _ground((coins, timeframes, data), (start, end), settings, preset, config, debug)
    subject = subject_of(ground, schedule_of(ground.settings))
    with run_progress() as report:
        audit = audit_lookahead(ground, subject, cuts, seed, report)
    tell_lookahead(audit, seed)


def tell_lookahead(audit: LookaheadAudit, seed: int) -> None:
    """Print what was found, and end with 1 where anything looks ahead."""
    for line in lookahead_lines(audit, seed):
        typer.echo(line)
    if audit.leaks:
        raise typer.Exit(1)


def recursive_command(
    coins: CoinsOption = None,
    timeframes: TimeframesOption = None,
    start: FromOption = None,
    end: ToOption = None,
    warmups: Annotated[
        str, typer.Option(help="Warm-ups in candles, parted by commas; PRELOAD_CANDLES is always among them.")
    ] = ",".join(map(str, WARMUPS)),
    cuts: Annotated[int, typer.Option("--cuts", min=1, help="At how many moments of each stream to look.")] = 50,
    seed: SeedOption = 1,
    data: DataOption = None,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Begin streams at different warm-ups: how far are features, inputs and opinions from where they settle?

    Averages fade out what came before and never forget it, so this measures and does not judge: it ends with 0.
    """
    ground = _ground((coins, timeframes, data), (start, end), settings, preset, config, debug)
    subject = subject_of(ground, schedule_of(ground.settings))
    with run_progress() as report:
        audit = audit_recursive(ground, subject, _lengths(warmups), cuts, seed, report)
    for line in recursive_lines(audit, seed):
        typer.echo(line)


def _ground(
    own: tuple[str | None, str | None, Path | None],
    span: tuple[str | None, str | None],
    pairs: list[str] | None,
    preset: str | None,
    config: Path | None,
    debug: str | None,
) -> Ground:
    names = (("--coins", "COINS"), ("--timeframes", "TIMEFRAMES"), ("--data", "DATA_DIR"))
    options = {option: (setting, value) for (option, setting), value in zip(names, own, strict=True)}
    loaded = prepare(pairs, preset=preset, config=config, debug=debug, own=options, quiet=True)
    store = Store(Path(loaded.settings.DATA_DIR))
    require_data(store, loaded.settings)
    start, end = (parse_time(each) if each else None for each in span)
    return ground_of(loaded.settings, store, start, end)


def _lengths(text: str) -> tuple[int, ...]:
    """Return the warm-ups that were typed.

    >>> _lengths("500, 60")
    (500, 60)
    """
    lengths = [each.strip() for each in text.split(",")]
    if not all(each.isdigit() and int(each) >= 60 for each in lengths):
        raise ConfigError(f"--warmups {text}; allowed: numbers of candles, 60 or more, parted by commas")
    return tuple(map(int, lengths))
