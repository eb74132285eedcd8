"""Turns the text of environment and options into values, and the names in it into those of `config.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from trader.core.timeframe import Timeframe


class PlainLoader(yaml.SafeLoader):
    """YAML as people mean it: `1e-3` is a number, `off`, `1min` and `2026-01-05` are text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the base class declares it so


for _tag, _pattern in {
    "null": r"~|null|Null|NULL|None|none|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(0|[1-9][0-9_]*)",
    "float": r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}.items():
    PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), None)


def parse_text(text: str, default: Any) -> Any:
    """Return the value that `text` gives to a setting whose default is `default`.

    A setting that is text takes it as it stands, one that is a list takes a comma list too; the others are read
    as YAML, of which JSON is a part. Raise `ValueError` where it is neither; its message does not quote the text.

    >>> parse_text("BTCUSDT, ETHUSDT", []), parse_text("0.5", ""), parse_text("0.5", 0), parse_text("null", None)
    (['BTCUSDT', 'ETHUSDT'], '0.5', 0.5, None)
    """
    if isinstance(default, str):
        return text
    if isinstance(default, list) and not text.lstrip().startswith("["):
        text = f"[{text}]"
    try:
        return yaml.load(text, PlainLoader)
    except (yaml.YAMLError, ValueError, TypeError):
        raise ValueError("cannot be read; allowed: a number, true, false, null, text, [a, list], {a: table}") from None


def canonical(path: tuple[str, ...], tree: Any) -> tuple[str, ...]:
    """Return `path` with each name as `tree` has it, whatever its case; Binance's timeframes under our names.

    Names that `tree` does not have stay as they are, for the validation to refuse.

    >>> canonical(("STOP", "TICKSIZE"), {"STOP": {"tickSize": "1"}}), canonical(("x", "1m"), {"x": {"1min": 0}})
    (('STOP', 'tickSize'), ('x', '1min'))
    """
    found = []
    for part in path:
        found.append(_name_in(tree, part))
        tree = child(tree, found[-1])
    return tuple(found)


def child(tree: Any, name: str) -> Any:
    """Return what `tree` has under `name`; a table of things of one kind answers with one of them."""
    if not isinstance(tree, Mapping) or not tree:
        return None
    return tree.get(name, next(iter(tree.values())))


def leaves(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and value of everything in `value` that is not a table, or an empty one; lists are whole."""
    if not isinstance(value, Mapping) or not value:
        yield path, value
        return
    for key, inner in value.items():
        yield from leaves((*path, str(key)), inner)


def _name_in(tree: Any, part: str) -> str:
    if not isinstance(tree, Mapping) or part in tree:
        return part
    names = {name.lower(): name for name in tree}
    wire = next((timeframe.value for timeframe in Timeframe if timeframe.wire == part.lower()), part)
    return str(names.get(part.lower()) or names.get(wire, part))
