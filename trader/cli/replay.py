"""`python start.py replay`: the journal through the core again; its commands must be those that were recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from trader.cli.common import ConfigOption, DebugOption, SetOption
from trader.cli.journal import FileOption, prepared, showing_progress
from trader.engine.redaction import redactor
from trader.engine.replay import Parted, replay
from trader.exchange.embedded.options import parse_time
from trader.journal.codec import encode
from trader.journal.reader import Reader

EXAMPLES = ("", "--until 2025-03-12T10:00", "--file journal-copy.sqlite")
#: How much of an event is printed.
MOST_CHARACTERS = 2_000


def replay_command(
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="The day or moment (UTC, the market's) behind which it ends.")
    ] = None,
    file: FileOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Feed the journal's events through the decision core, and compare its commands with those recorded, byte by byte.

    It goes from checkpoint to checkpoint, as far back as the journal has them, and compares the books there too. The
    first difference of each stretch is printed; then it ends with 1. Nothing is sent anywhere, and the daemon may run.
    """
    _, place = prepared(settings, config, debug, file)
    until_ms = parse_time(until) if until else None
    with Reader(place) as reader, showing_progress("replaying") as progress:
        end = reader.end()
        found = replay(reader, until_ms, lambda seq: progress(seq, end))
    for parted in found.parted:
        _print(parted)
    counts = f"{found.entries:,} entries, {found.commands:,} commands, {found.stretches:,} checkpoints"
    at = datetime.fromtimestamp(found.until_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    typer.echo(
        f"{place}, until {at} of the market: {counts}: {f'{len(found.parted)} differ' if found.parted else 'equal'}"
    )
    if found.parted:
        raise typer.Exit(1)


def _print(parted: Parted) -> None:
    typer.echo(redactor.hide(f"entry {parted.seq}: {parted.words}"))
    if parted.entry is not None:
        text = repr(parted.entry.event)
        size = len(encode(parted.entry.event))
        typer.echo(redactor.hide(f"  its event ({size:,} bytes): {text[:MOST_CHARACTERS]}"))
