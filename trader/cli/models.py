"""`python start.py models`: which trained models there are, what they are worth, and which one is current."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from trader.cli.common import ConfigOption, DebugOption, SetOption, read_settings
from trader.cli.model_words import compared, listed, shown, table_of
from trader.core.errors import ConfigError
from trader.engine import logs
from trader.ml.registry.paths import METADATA, parse
from trader.ml.registry.store import Registry
from trader.ml.registry.verify import verify

EXAMPLES = ("list", "show pattern", "compare pattern@v0001 pattern@v0002", "promote pattern@v0002", "rollback pattern")

ModelsOption = Annotated[
    Path | None, typer.Option("--models", metavar="DIR", help="Folder of the models; MODELS_DIR by default.")
]
ReferenceArgument = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="A model, by default its current version.")
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A model.")]


def commands() -> typer.Typer:
    """Return the group of commands."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="rich",
        help="List, show, compare, promote, roll back or check the trained models.",
    )
    every: tuple[tuple[str, Callable[..., Any], tuple[str, ...]], ...] = (
        ("list", list_command, ("", "--models ../other/models")),
        ("show", show_command, ("pattern", "pattern@v0001 --json")),
        ("compare", compare_command, ("pattern pattern@v0002",)),
        ("promote", promote_command, ("pattern@v0002",)),
        ("rollback", rollback_command, ("pattern",)),
        ("verify", verify_command, ("", "pattern")),
    )
    for name, function, examples in every:
        lines = [f"python start.py models {name} {example}".rstrip() for example in examples]
        group.command(name, epilog="\n\n".join(["Examples:", *lines]))(function)
    return group


def list_command(
    models: ModelsOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """List every version of every model, oldest first; a star marks the current one."""
    registry = prepared(models, settings, config, debug)
    rows = [row for name in registry.names() for row in listed(registry, name)]
    if not rows:
        typer.echo(f"there is no model in {registry.folder}")
        return
    for line in table_of([("", "model", "made", "bytes", "trials", "note"), *rows]):
        typer.echo(line)


def show_command(
    reference: ReferenceArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metadata as it is stored.")] = False,
    models: ModelsOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Show what a version was trained on, how it scored, what it is given, and its files."""
    registry = prepared(models, settings, config, debug)
    stored = registry.open(*parse(reference))
    if as_json:
        typer.echo((stored.folder / METADATA).read_text("utf-8"), nl=False)
        return
    for line in shown(registry, stored):
        typer.echo(line)


def compare_command(
    first: Annotated[str, typer.Argument(metavar="A", help="NAME[@VERSION].")],
    second: Annotated[str, typer.Argument(metavar="B", help="NAME[@VERSION].")],
    models: ModelsOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Put two versions side by side: every score with its difference, and whatever else is not the same.

    Scores are comparable only where both were tested on the same spans: the first line says whether they were.
    """
    registry = prepared(models, settings, config, debug)
    for line in compared(*(registry.open(*parse(each)) for each in (first, second))):
        typer.echo(line)


def promote_command(
    reference: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="The version to make current.")],
    models: ModelsOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Make a version the current one, after a check of its files. What was current stays for a rollback."""
    registry = prepared(models, settings, config, debug)
    name, version = parse(reference)
    if version is None:
        there = ", ".join(registry.versions(name)) or "none"
        raise ConfigError(f"promote {name}: name the version, as {name}@VERSION; there are: {there}")
    before = registry.promote(name, version, at=time.time_ns() // 1_000_000)
    was = f", before it was {before}" if before else ""
    typer.echo(f"{name}@{version} is current already" if before == version else f"{name}@{version} is current{was}")


def rollback_command(
    name: NameArgument,
    models: ModelsOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Make that version current which was so before the last promotion. Once more goes one further back."""
    gone, back = prepared(models, settings, config, debug).rollback(name)
    typer.echo(f"{name}@{back} is current again, {gone} is not any more; it stays where it is")


def verify_command(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A model; all of them by default.")] = None,
    models: ModelsOption = None,
    settings: SetOption = None,
    config: ConfigOption = None,
    debug: DebugOption = None,
) -> None:
    """Check the digests of every file of every version, and that the current one is there.

    Ends with 1 when anything was changed or is missing. It finds accidents, not somebody who computes digests anew.
    """
    registry = prepared(models, settings, config, debug)
    found = verify(registry, name)
    for fault in found.faults:
        typer.echo(fault)
    result = f"{len(found.faults)} faults" if found.faults else "nothing is wrong"
    typer.echo(f"{registry.folder}: {found.versions} versions, {found.files} files: {result}")
    if found.faults:
        raise typer.Exit(1)


def prepared(models: Path | None, pairs: list[str] | None, config: Path | None, debug: str | None) -> Registry:
    """Return the registry of the settings in force."""
    chosen = read_settings(pairs, config, {"--models": ("MODELS_DIR", models)}).settings
    logs.configure(chosen.model_copy(update={"LOG_FILE": ""}), debug, quiet=True)
    return Registry(Path(chosen.MODELS_DIR))
