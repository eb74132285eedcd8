"""What `python start.py models` prints of a version, and of two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from trader.core.errors import ModelError
from trader.core.timeframe import utc
from trader.ml.registry.metadata import Description, differences
from trader.ml.registry.store import Registry, Stored


def listed(registry: Registry, name: str) -> Iterator[tuple[str, ...]]:
    """Yield a row for each version; what is damaged must not hide the others."""
    current = None
    try:
        current = registry.current(name)
    except ModelError as error:
        yield "?", name, "", "", "", f"{error}"
    for version in registry.versions(name):
        star = "*" if version == current else ""
        try:
            stored = registry.open(name, version)
        except ModelError as error:
            yield star, f"{name}@{version}", "", "", "", f"{error}"
            continue
        told = stored.metadata.description
        size = sum(file.size for file in stored.metadata.files.values())
        yield star, f"{name}@{version}", utc(told.created), f"{size:,}", f"{told.trials:,}", told.note


def shown(registry: Registry, stored: Stored) -> Iterator[str]:
    """Yield the lines that say what a version is."""
    metadata, told = stored.metadata, stored.metadata.description
    history = registry.pointer(metadata.name).history
    promoted = [utc(each.at) for each in history if each.version == metadata.version]
    state = "current" if history and history[-1].version == metadata.version else "not current"
    yield f"{stored.reference}: {state}{f', promoted {promoted[-1]}' if promoted else ''}"
    yield from ([told.note] if told.note else [])
    yield f"made {utc(told.created)}, {told.trials:,} trials, seed {told.seed}, data {told.data_sha256[:12]}"
    yield f"inputs: {len(told.inputs.names)}, for {', '.join(told.inputs.timeframes)}"
    yield f"  {', '.join(told.inputs.names)}"
    yield f"  made by {', '.join(f'{kernel} {digest[:12]}' for kernel, digest in told.inputs.kernels.items())}"
    yield "candles:"
    for span in told.spans:
        stream = f"{span.market} {span.coin} {span.timeframe}"
        yield f"  {span.use:<9} {stream:<24} {utc(span.start)} to {utc(span.end)} {span.rows:>10,} rows"
    for title, table in (
        ("scores", told.scores),
        ("labels", told.labels),
        ("parameters", told.parameters),
        ("libraries", told.libraries),
    ):
        if table:
            yield f"{title}:"
            yield from table_of([("", name, _number(value)) for name, value in table.items()])
    yield "files:"
    yield from table_of([("", name, f"{file.size:,} bytes", file.sha256) for name, file in metadata.files.items()])


def compared(first: Stored, second: Stored) -> Iterator[str]:
    """Yield the lines that put two versions side by side."""
    one, two = first.metadata.description, second.metadata.description
    same = _tested(one) == _tested(two)
    yield f"tested on the same spans: {'yes' if same else 'no, so the scores say little about which is better'}"
    names = list(dict.fromkeys((*one.scores, *two.scores)))
    rows = [("score", str(first.reference), str(second.reference), "difference")]
    yield from table_of([*rows, *(_score_row(name, one.scores.get(name), two.scores.get(name)) for name in names)])
    for title in ("labels", "parameters", "libraries"):
        yield from _changed(title, getattr(one, title), getattr(two, title))
    yield from _changed("training", _plain(one), _plain(two))
    for difference in differences(one.inputs, two.inputs):
        words = difference.replace("the model", str(first.reference)).replace("the program", str(second.reference))
        yield f"inputs: {words}"


def _tested(told: Description) -> list[tuple[Any, ...]]:
    spans = [msgspec.structs.astuple(span) for span in told.spans if span.use == "test"]
    return sorted(spans)


def _plain(told: Description) -> dict[str, Any]:
    return {"seed": told.seed, "trials": told.trials, "data": told.data_sha256[:12], "made": utc(told.created)}


def _score_row(name: str, one: float | None, two: float | None) -> tuple[str, str, str, str]:
    difference = f"{two - one:+.6g}" if one is not None and two is not None else ""
    return name, _number(one), _number(two), difference


def _changed(title: str, one: dict[str, Any], two: dict[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*one, *two)):
        if one.get(name) != two.get(name):
            yield f"{title}: {name} is {_number(one.get(name))} and {_number(two.get(name))}"


def _number(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else f"{value}"


def table_of(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows with their columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip()
