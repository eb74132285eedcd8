"""Turns what the validation found into sentences: setting, value, origin, what is allowed, what was meant."""

from __future__ import annotations

import difflib
import functools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trader.core.settings import Settings
from trader.engine.redaction import HIDDEN, hide_tokens, redactor
from trader.engine.settings.layers import Assignment, default_origins, defaults
from trader.engine.settings.values import child

#: Settings whose values are never shown.
SECRETS = frozenset({"BINANCE_API_KEY", "BINANCE_API_SECRET", "KEYSTORE_PASSPHRASE", "JOURNAL_URL"})

#: Settings that are paths.
PATHS = frozenset({"DATA_DIR", "STAT_DIR", "MODELS_DIR", "LOG_FILE", "KEY_FILE", "KEYSTORE_PASSPHRASE_FILE"})

#: Marks that the validation puts into a place where a value may be of two kinds.
BRANCHES = frozenset({"number", "table", "word"})

#: How the kinds of values are called.
PLAIN_KINDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a table of name: value",
}

#: Values are shown up to this length.
LONGEST_SHOWN = 120

Path = tuple[str | int, ...]


def shown(path: Path, value: Any, longest: int | None = LONGEST_SHOWN) -> str:
    """Return `value` of the setting at `path` as a person would write it, without anything secret.

    Of a text beyond `longest` the rest is left out.
    """
    if path and path[0] in SECRETS:
        return HIDDEN
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{value}"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) and value.strip() else json.dumps(value, default=str, ensure_ascii=False)
    # A path is no token: its parts may be.
    parts = text.split("/") if path and path[0] in PATHS else [text]
    text = redactor.hide("/".join(map(hide_tokens, parts)))
    return text if longest is None or len(text) <= longest else f"{text[:longest]}…"


class Explainer:
    """Explains the faults of one validation; `assignments` are all that were made, in rising order."""

    def __init__(self, assignments: Sequence[Assignment]) -> None:
        self._assignments = assignments

    def sentences(self, error: ValidationError) -> list[str]:
        """Return one sentence for each fault, in the order of the settings."""
        errors = error.errors()
        unknown = [_path(each) for each in errors if _is_unknown(each)]
        told = [each for each in errors if _is_unknown(each) or not _lies_within(_path(each), unknown)]
        return [self._sentence(each) for each in told]

    def _sentence(self, error: ErrorDetails) -> str:
        path = _path(error)
        name, origin = _dotted(path), self._origin(path)
        if _is_unknown(error):
            return f"{name} ({origin}): there is no such setting{meant(str(path[-1]), _names_near(path))}"
        if error["type"] == "missing":
            return f"{name} ({origin}): is missing; allowed: {allowed(path)}"
        value = _input(error)
        is_group = isinstance(value, Mapping | BaseModel)
        given = name if is_group else f"{name} = {shown(path, value)}"
        return f"{given} ({origin}): {self._reason(path, error)}{meant(value, _choices(path, error))}"

    def _reason(self, path: Path, error: ErrorDetails) -> str:
        if error["type"] != "contradiction":
            return f"allowed: {allowed(path)}"
        context = error.get("ctx", {})
        others = [(*_place(error)[:-1], other) for other in context.get("others", ())]
        return "; ".join([context["text"], *(self._stated(other) for other in others)])

    def _stated(self, path: Path) -> str:
        """Say what another setting is, and where that was given."""
        made = self._made_at(path)
        name = made.path if made else path
        value = made.value if made else functools.reduce(child, map(str, path), defaults())
        return f"{_dotted(name)} = {shown(path, value)} ({self._origin(path)})"

    def _origin(self, path: Path) -> str:
        made = self._made_at(path)
        return made.origin if made else default_origins().get(str(path[0]), "config.py")

    def _made_at(self, path: Path) -> Assignment | None:
        """Return the strongest assignment of the setting at `path`, of what holds it, or of something within it."""
        related = (made for made in reversed(self._assignments) if _related(made.path, path))
        return next(related, None)


def allowed(path: Path) -> str:
    """Say which values the setting at `path` may have.

    >>> allowed(("TRAILING_STOP", "trail_pct")), allowed(("EXIT_TIMEFRAME",))[:24], allowed(("REVERSAL", "enable"))
    ('a number above 0 and below 1', '1s, 15s, 30s, 1min, 5min', 'true or false')
    """
    node: dict[str, Any] = _schema()
    for part in path:
        node = _inside(_resolved(node), part)
    return _described(_resolved(node))


@functools.cache
def _schema() -> dict[str, Any]:
    return Settings.model_json_schema()


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = _schema()["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node


def _inside(node: dict[str, Any], part: str | int) -> dict[str, Any]:
    for option in node.get("oneOf", node.get("anyOf", ())):
        if found := _inside(_resolved(option), part):
            return found
    if isinstance(part, int):
        return dict(node.get("items", {}))
    return dict(node.get("properties", {}).get(part) or node.get("additionalProperties") or {})


def _described(node: dict[str, Any]) -> str:
    if options := node.get("oneOf", node.get("anyOf")):
        return " or ".join(_described(_resolved(option)) for option in options)
    if "enum" in node:
        return ", ".join(node["enum"])
    if node.get("type") == "array":
        return f"a list of {_described(_resolved(node['items']))}"
    if node.get("type") == "string":
        return str(node.get("const", node.get("description", "text")))
    return PLAIN_KINDS[node["type"]] + _range(node)


def _range(node: dict[str, Any]) -> str:
    words = {"minimum": "of at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    bounds = [f"{word} {node[key]:g}" for key, word in words.items() if key in node]
    return f" {' and '.join(bounds)}" if bounds else ""


def _place(error: ErrorDetails) -> Path:
    """Return the setting that the validation names."""
    return tuple(part for part in error["loc"] if part not in BRANCHES and part != "[key]")


def _path(error: ErrorDetails) -> Path:
    """Return the setting that an error is about: the one named, or a key within it."""
    within = error.get("ctx", {}).get("within")
    return (*_place(error), within) if within else _place(error)


def _input(error: ErrorDetails) -> Any:
    within = error.get("ctx", {}).get("within")
    return child(error["input"], within) if within else error["input"]


def _is_unknown(error: ErrorDetails) -> bool:
    return error["type"] == "extra_forbidden" or "[key]" in error["loc"]


def _lies_within(path: Path, others: Sequence[Path]) -> bool:
    return any(path[: len(other)] == other for other in others)


def _related(made: tuple[str, ...], path: Path) -> bool:
    shorter = min(len(made), len(path))
    return made[:shorter] == path[:shorter]


def _dotted(path: Iterable[str | int]) -> str:
    return hide_tokens(".".join(map(str, path)))


def _choices(path: Path, error: ErrorDetails) -> list[str]:
    """Return the words that the setting may be, where it is one of some words."""
    context = error.get("ctx", {})
    if error["type"] == "contradiction":
        return list(context.get("choices", ()))
    return allowed(path).split(", ") if error["type"] in ("literal_error", "enum") else []


def _names_near(path: Path) -> list[str]:
    """Return the names that could be meant by the unknown last part of `path`: its siblings, then all others."""
    tree: Any = defaults()
    for part in path[:-1]:
        tree = tree.get(part, {}) if isinstance(tree, Mapping) else {}
    siblings = [".".join(map(str, (*path[:-1], name))) for name in tree] if isinstance(tree, Mapping) else []
    return siblings + [name for name in _all_names(defaults(), ()) if name not in siblings]


def _all_names(tree: Any, path: tuple[str, ...]) -> Iterator[str]:
    for name, value in tree.items() if isinstance(tree, Mapping) else ():
        yield ".".join((*path, name))
        yield from _all_names(value, (*path, name))


def meant(word: Any, choices: Sequence[str]) -> str:
    """Return "; did you mean …?" with the choice whose last name is like `word`, or nothing."""
    if not isinstance(word, str):
        return ""
    endings: dict[str, str] = {}
    for choice in choices:
        endings.setdefault(choice.rsplit(".", 1)[-1].lower(), choice)
    near = _shortened(word.lower(), endings) or difflib.get_close_matches(word.lower(), endings, n=1, cutoff=0.6)
    return f"; did you mean {endings[near[0]]}?" if near else ""


def _shortened(word: str, names: Iterable[str]) -> list[str]:
    """Return the names of which `word` is some of the parts, as MAX_TRADES is of MAX_CONCURRENT_TRADES."""
    parts = set(word.split("_"))
    return [name for name in names if len(parts) > 1 and parts < set(name.split("_"))]
