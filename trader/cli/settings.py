"""`python start.py settings`: what is in force, where each value came from, and what cannot act."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from trader.cli.common import ConfigOption, PresetOption, SetOption, read_settings
from trader.engine.redaction import redactor
from trader.engine.settings import (
    Effective,
    Finding,
    Loaded,
    cannot_act,
    described,
    differences,
    effective,
    load_preset,
)

EXAMPLES = (
    "",
    "--preset ladder --explain",
    "--diff pattern_futures",
    "--diff pattern_futures,ladder",
    "| grep TRAILING",
)

#: What is shown: as plain data, and as lines.
View = tuple[Any, Iterable[str]]

#: What is said where nothing is found.
ALL_ACT = "every setting can act"


def settings_command(
    diff: Annotated[
        str | None,
        typer.Option(metavar="PRESET", help="Only what differs from a preset, or between two, parted by a comma."),
    ] = None,
    only_dead: Annotated[
        bool, typer.Option("--explain", help="Only the settings that cannot act, with the numbers and what to change.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    settings: SetOption = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
) -> None:
    """Print every setting in force with where it came from: a line for each value, secrets hidden.

    The layers, rising: config.py, a preset, config.yaml, .env, the environment, options.
    """
    loaded = read_settings(settings, config, preset=preset)
    data, lines = _view(loaded, diff, only_dead)
    text = json.dumps(data, indent=1, ensure_ascii=False) if as_json else "\n".join(lines).lstrip()
    typer.echo(redactor.hide(text))


def _view(loaded: Loaded, diff: str | None, only_dead: bool) -> View:
    if diff is not None:
        return _difference(loaded, diff)
    if only_dead:
        return _dead(cannot_act(loaded))
    return _everything(loaded), _listing(loaded)


def _everything(loaded: Loaded) -> dict[str, Any]:
    return {
        "settings": {name: _plain(each) for name, each in effective(loaded).items()},
        "cannot_act": _dead(cannot_act(loaded))[0],
    }


def _listing(loaded: Loaded) -> Iterator[str]:
    """Yield the values by group, below the comments of `config.py`."""
    values = effective(loaded).values()
    group = ""
    for setting in described():
        if setting.group != group:
            group = setting.group
            yield f"\n# --- {group} ---"
        yield ""
        yield from (f"# {line}" for line in setting.comment)
        yield from (_line(each) for each in values if each.name.split(".")[0] == setting.name)


def _dead(findings: list[Finding]) -> View:
    data = [{"settings": finding.names, "text": finding.text} for finding in findings]
    return data, [finding.line for finding in findings] or [ALL_ACT]


def _difference(loaded: Loaded, names: str) -> View:
    """Compare what is in force with a preset, or two presets with each other."""
    first, comma, second = (part.strip() for part in names.partition(","))
    there = load_preset(second if comma else first, "option --diff")
    here = load_preset(first, "option --diff") if comma else loaded
    titles = (f"preset {first}" if comma else "in force", f"preset {there.settings.PRESET}")
    pairs = list(differences(effective(here), effective(there)))
    data = {"sides": titles, "differences": {_name(*pair): [each and _plain(each) for each in pair] for pair in pairs}}
    return data, [f"# {titles[0]} | {titles[1]}", *(_both(*pair) for pair in pairs)]


def _both(here: Effective | None, there: Effective | None) -> str:
    return f"{_name(here, there)} = {_side(here)} | {_side(there)}"


def _name(here: Effective | None, there: Effective | None) -> str:
    return here.name if here else there.name if there else ""


def _side(each: Effective | None) -> str:
    return f"{each.text} ({each.origin})" if each else "absent"


def _line(each: Effective) -> str:
    return f"{each.name} = {each.text} ({each.origin})"


def _plain(each: Effective) -> dict[str, Any]:
    return {"value": each.value, "origin": each.origin}
