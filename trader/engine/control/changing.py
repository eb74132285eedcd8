"""Turns the text of `set` into changes that the core will take, or into what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from pydantic import ValidationError

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine.settings import defaults
from trader.engine.settings.faults import Explainer, meant
from trader.engine.settings.layers import Assignment, read_options
from trader.engine.settings.values import leaves
from trader.trading.changes import CHANGEABLE, LARGEST, changed_settings, fault_of_fixed, is_too_large

#: How messages call where a value comes from.
ASKED, RUNNING = "asked for", "in force"
#: A value is no longer than this, and the anchors of YAML, by which a short text becomes a huge value, are none.
LONGEST_TEXT = 1_000
ANCHORS = frozenset("&*")

#: A change as the core takes it: the setting, keys by dots, and its value as JSON.
Change = tuple[str, str]


def planned_changes(running: Settings, texts: Mapping[str, str]) -> list[Change]:
    """Return the changes that `texts` (name by dots -> text, as behind `--set`) ask for, in an order that works.

    `running` are the settings as they will be then. Raise `ConfigError` with every fault.
    """
    if faults := [fault for name, text in texts.items() for fault in _faults_of_text(name, text)]:
        raise ConfigError(faults)
    layer = read_options(texts, dict.fromkeys(texts, ASKED))
    faults = [*layer.faults, *(fault for made in layer.assignments for fault in _faults(running, made))]
    if faults:
        raise ConfigError(faults)
    _validate(running, layer.assignments)
    return _in_order(running, [(".".join(made.path), _json(made.value)) for made in layer.assignments])


def _faults_of_text(name: str, text: str) -> list[str]:
    if not text.strip():
        return [f"{name}: there is no value; to take a change back: unset {name}"]
    if len(name) + len(text) > LONGEST_TEXT or ANCHORS & set(text):
        return [f"{name[:40]}: allowed: a value of {LONGEST_TEXT} characters at most, without & and *"]
    return []


def _faults(running: Settings, made: Assignment) -> list[str]:
    name = ".".join(made.path)
    if made.path[0] not in defaults():
        return [f"{name}: there is no such setting{meant(made.path[0], CHANGEABLE)}"]
    if made.path[0] not in CHANGEABLE:
        return [f"{name} cannot change while running; allowed: {', '.join(CHANGEABLE)}"]
    if made.value == {}:
        return [f"{name}: an empty table changes nothing"]
    if fault := fault_of_fixed(running, made.path, made.value):
        return [fault]
    if is_too_large(made.value):
        return [f"{name}: allowed: numbers of {LARGEST:g} at most"]
    return []


def _validate(running: Settings, asked: Sequence[Assignment]) -> None:
    """Raise `ConfigError` in the words of the settings' own faults where the values together cannot be."""
    values = running.model_dump()
    for made in asked:
        _put(values, made)
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        now = [Assignment(path, value, RUNNING) for path, value in leaves((), running.model_dump(mode="json"))]
        raise ConfigError(Explainer([*now, *asked]).sentences(error)) from None


def _put(values: dict[str, Any], made: Assignment) -> None:
    *groups, last = made.path
    for group in groups:
        if not isinstance(values.get(group), dict):
            values[group] = {}
        values = values[group]
    values[last] = made.value


def _in_order(running: Settings, changes: Sequence[Change]) -> list[Change]:
    """Return the changes in an order in which each is possible when it is made: thresholds rise from the last one."""
    ordered: list[Change] = []
    left = list(changes)
    while left:
        name, value, running = _first_possible(running, left)
        ordered.append((name, value))
        left.remove((name, value))
    return ordered


def _first_possible(running: Settings, changes: Sequence[Change]) -> tuple[str, str, Settings]:
    fault: ConfigError | None = None
    for name, value in changes:
        try:
            return name, value, changed_settings(running, {name: value})
        except ConfigError as error:
            fault = error
    raise fault or ConfigError("there is nothing to change")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
