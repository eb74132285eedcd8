"""The settings as a person reads them: in the groups and with the comments of `config.py`, each with its origin."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from trader.engine.redaction import HIDDEN
from trader.engine.settings.faults import SECRETS, shown
from trader.engine.settings.layers import CONFIG, default_origins
from trader.engine.settings.load import Loaded
from trader.engine.settings.values import leaves

#: How `config.py` begins a group.
HEADING = re.compile(r"# --- (.+?) -+$")


class Described(NamedTuple):
    """A setting in `config.py`: its group, its name, the lines of its comment."""

    group: str
    name: str
    comment: tuple[str, ...]


class Effective(NamedTuple):
    """A setting in force, or a key within one: its name by dots, value, value as text, and where it was given."""

    name: str
    value: Any
    text: str
    origin: str


def described() -> list[Described]:
    """Return the settings in the order of `config.py`."""
    source = CONFIG.read_text("utf-8")
    lines = source.splitlines()
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            above = lines[: node.lineno - 1]
            found.append(Described(_group(above), node.targets[0].id, _comment(above)))
    return found


def effective(loaded: Loaded) -> dict[str, Effective]:
    """Return every value in force by its name, in the order of the settings; secrets are hidden."""
    values = loaded.settings.model_dump(mode="json")
    found = [_effective(loaded, path, value) for path, value in leaves((), values)]
    return {each.name: each for each in found}


def differences(
    one: dict[str, Effective], other: dict[str, Effective]
) -> Iterator[tuple[Effective | None, Effective | None]]:
    """Yield both sides of what differs, None where one has no such key; which preset was chosen is no difference."""
    for name in dict.fromkeys((*one, *other)):
        here, there = one.get(name), other.get(name)
        if name != "PRESET" and (here is None or there is None or here.text != there.text):
            yield here, there


def _group(above: list[str]) -> str:
    return next((found[1] for line in reversed(above) if (found := HEADING.match(line))), "")


def _comment(above: list[str]) -> tuple[str, ...]:
    comment: list[str] = []
    while above and above[-1].startswith("#") and not HEADING.match(above[-1]):
        comment.insert(0, above[-1].removeprefix("#").strip())
        above = above[:-1]
    return tuple(comment)


def _effective(loaded: Loaded, path: tuple[str, ...], value: Any) -> Effective:
    name = ".".join(path)
    made = [each.origin for each in loaded.overrides if f"{name}.".startswith(f"{each.name}.")]
    origin = [default_origins().get(path[0], "config.py"), *made][-1]
    if path[0] in SECRETS:
        hidden = HIDDEN if value else ""
        return Effective(name, hidden, hidden or '""', origin)
    return Effective(name, value, shown(path, value, longest=None), origin)
