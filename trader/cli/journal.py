"""`python start.py journal`: the daemon's journal as files, smaller, checked, copied; also while the daemon runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from trader.cli.common import ConfigOption, DebugOption, SetOption, read_settings
from trader.core.settings import Settings
from trader.engine import logs
from trader.engine.live.homes import home_of
from trader.engine.redaction import redactor
from trader.journal.backup import backup
from trader.journal.compact import compact
from trader.journal.export import SINKS, Format, export
from trader.journal.place import Place
from trader.journal.verify import verify

EXAMPLES = ("verify", "backup journal-copy.sqlite", "export --format parquet", "compact --days 30")

#: Where nobody sees a bar, how often a line says how far it is, seconds.
SAY_EVERY_S = 5.0

FileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="A SQLite journal, e.g. a backup; by default the daemon's own."),
]


def commands() -> typer.Typer:
    """Return the group of commands."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="rich",
        help="Export, check, back up or compact the daemon's journal: that of the MODE and MARKET in force.",
    )
    every: tuple[tuple[str, Callable[..., Any], tuple[str, ...]], ...] = (
        ("export", export_command, ("", "results --format parquet")),
        ("compact", compact_command, ("", "--days 7 --events 90")),
        ("verify", verify_command, ("", "--file journal-copy.sqlite")),
        ("backup", backup_command, ("", "/mnt/backup/journal.sqlite")),
    )
    for name, function, examples in every:
        lines = [f"python start.py journal {name} {example}".rstrip() for example in examples]
        group.command(name, epilog="\n\n".join(["Examples:", *lines]))(function)
    return group


def export_command(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A folder that is not there yet; by default below STAT_DIR.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help=f"{', '.join(SINKS)}.")] = "csv",
    file: FileOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Write every table to a folder, as of one moment: orders, fills, trades, equity, decisions, events, commands.

    The folder appears when it is complete. Times are ms UTC; what is nested is JSON text. The daemon may run.
    """
    chosen, place = prepared(settings, config, debug, file)
    target = folder or Path(chosen.STAT_DIR) / f"journal-{_stamp()}"
    with showing_progress("exporting") as progress:
        rows = export(place, target, _format(form), progress)
    for name, number in rows.items():
        typer.echo(f"{name:<12} {number:>10,}")
    typer.echo(f"written to {target}")


def compact_command(
    days: Annotated[float, typer.Option(min=0, help="Drop decisions older than so many days.")] = 30.0,
    events: Annotated[
        float | None,
        typer.Option(min=0, help="Drop events and commands older than so many days, too: no replay of them then."),
    ] = None,
    file: FileOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Make the journal smaller: old decisions go, on demand old events; orders, fills, trades and equity stay.

    Days count back from the newest event. What a restart, an open order or an open trade needs stays, too.
    The daemon may run: then it goes in small steps.
    """
    _, place = prepared(settings, config, debug, file)
    with showing_progress("compacting") as progress:
        done = compact(place, days, events, progress)
    typer.echo(f"dropped: {done.decisions:,} decisions, {done.events:,} events")
    typer.echo(f"bytes: {done.before_bytes:,} before, {done.after_bytes:,} after")
    if done.writer is not None:
        typer.echo(f"process {done.writer.removeprefix('process ')} runs on it: the rest is given back as it goes on")


def verify_command(
    file: FileOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Check the journal: structure, order without holes, digests of every row, sums of fills, orders and trades.

    Finds bytes that changed and rows that are missing, except the loss of the newest groups as a whole, and the work
    of somebody who computes the digests anew. Ends with 1 when anything is wrong. The daemon may run.
    """
    _, place = prepared(settings, config, debug, file)
    with showing_progress("verifying") as progress:
        found = verify(place, progress)
    for fault in found.faults:
        typer.echo(redactor.hide(fault))
    pruned = f", of {found.pruned:,} groups the events were dropped" if found.pruned else ""
    looked_at = f"{found.rows:,} rows, {found.entries:,} entries in {found.groups:,} groups{pruned}"
    typer.echo(f"{place}: {looked_at}: {f'{len(found.faults)} faults' if found.faults else 'nothing is wrong'}")
    if found.faults:
        raise typer.Exit(1)


def backup_command(
    target: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A file that is not there; by default beside the journal."),
    ] = None,
    file: FileOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Copy the journal as it stands to one SQLite file, verify the copy, and say how large it is. The daemon may run.

    To go back to it, stop the daemon and put the file in the journal's place.
    """
    _, place = prepared(settings, config, debug, file)
    path = target or place.path.with_name(f"journal-{_stamp()}.sqlite")
    with showing_progress("copying") as progress:
        found = backup(place, path, progress)
    typer.echo(f"{path}: {path.stat().st_size:,} bytes, {found.entries:,} entries, verified")


def prepared(
    pairs: list[str] | None, config: Path | None, debug: str | None, file: Path | None
) -> tuple[Settings, Place]:
    """Return the settings in force, and where their journal is: at `file` if that is given."""
    chosen = read_settings(pairs, config).settings
    logs.configure(chosen.model_copy(update={"LOG_FILE": ""}), debug, quiet=True)
    home = home_of(chosen)
    place = Place.at(home, file) if file else Place(home, chosen.JOURNAL_URL.get_secret_value())
    redactor.remember(place.password)
    return chosen, place


def _format(name: str) -> Format:
    for form in SINKS:
        if form == name:
            return form
    raise typer.BadParameter(f"{name!r} is no format; allowed: {', '.join(SINKS)}", param_hint="--format")


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}"


@contextmanager
def showing_progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _Sayer(what).say
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Sayer:
    def __init__(self, what: str) -> None:
        self._what = what
        self._next_s = time.monotonic() + SAY_EVERY_S

    def say(self, done: int, total: int) -> None:
        if time.monotonic() >= self._next_s and total:
            self._next_s = time.monotonic() + SAY_EVERY_S
            typer.echo(f"{self._what}: {done / total:.0%}", err=True)
