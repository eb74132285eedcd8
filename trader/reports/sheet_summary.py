"""The sheets that answer first: summary, funnel, settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openpyxl import Workbook
from pydantic import BaseModel, SecretStr

from trader.engine.result import RunResult
from trader.reports.acts import idle_in_words
from trader.reports.digest import Digest
from trader.reports.figures import FIGURES
from trader.reports.headline import first_lines, headline
from trader.reports.sheet import Column, Sheet
from trader.reports.steps import Step, stream_name
from trader.trading.checks import QUIET_RULES

_SUMMARY = (Column("figure", width=24), Column("value", "money", 18), Column("meaning", width=110))


def summary(workbook: Workbook, digest: Digest) -> None:
    """Write what a person must know first, then every figure with its meaning."""
    sheet = Sheet(workbook, "summary", "One run. Money is in quote currency. Times are UTC.", _SUMMARY)
    first = len(first_lines(digest))
    for place, line in enumerate(headline(digest)):
        sheet.add_mixed([("text", line)], bold=place < first)
    sheet.add_mixed([("text", "")])
    for figure in FIGURES:
        value = digest.values[figure.key]
        undefined = [("text", "undefined")] if value is None else [(figure.kind, value)]
        sheet.add_mixed([("text", figure.label), *undefined, ("text", figure.meaning)])


def funnel(workbook: Workbook, digest: Digest) -> None:
    """Write how many candles of each stream ended at each check, what it means, and its setting."""
    words = (Column("step", width=28), Column("what it means", width=58), Column("setting and its value", width=68))
    counts = (Column("all", "count", 13), Column("of patterns", "percent", 13))
    streams = (Column(stream_name(stream), "count", 17) for stream in digest.result.streams)
    note = (
        "Why was something, or nothing, traded? Bold rows are what is left; the others are what ended there. "
        "Below the trades: which of them a rule made smaller, which cap decided their size, and how often each rule "
        f"behind the entry acted. {idle_in_words(digest.rules)}"
    )
    sheet = Sheet(workbook, "funnel", note, [*words, *counts, *streams], frozen=1)
    patterns = next(step.total for step in digest.steps if step.name == "patterns")
    for step in digest.rules:
        _step(sheet, step, patterns)


def _step(sheet: Sheet, step: Step, patterns: int) -> None:
    left = step.kind == "left"
    of_patterns = step.name not in ("candles", *QUIET_RULES) and step.kind in ("left", "ended", "dropped")
    share = step.total / patterns if patterns and of_patterns else None
    texts = [step.name if left else f"   {step.label}", step.meaning, step.governed]
    counts = [("count", count) for count in step.counts]
    cells = [*(("text", text) for text in texts), ("count", step.total), ("percent", share), *counts]
    sheet.add_mixed(cells, bold=left)


def settings(workbook: Workbook, result: RunResult) -> None:
    """Write every setting of the run and where it came from; secrets are not written."""
    columns = (Column("setting", width=46), Column("value", width=60), Column("from", width=40))
    sheet = Sheet(workbook, "settings", "The settings of this run, without keys and secrets.", columns, frozen=1)
    origin = {name: source for name, _, source in result.overrides}
    for name, value in flat(result.settings):
        sheet.add((name, value, _origin(origin, name)))
    sheet.filter()


def flat(values: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield each setting by its dotted name with its value as text."""
    if isinstance(values, SecretStr):
        yield name, "(set, not shown)" if values.get_secret_value() else "(not set)"
        return
    if isinstance(values, BaseModel):
        values = {key: getattr(values, key) for key in type(values).model_fields}
    if not isinstance(values, dict):
        yield name, _text(values)
        return
    for key, value in values.items():
        yield from flat(value, f"{name}.{key}" if name else str(key))


def _text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(_text, value))
    if isinstance(value, BaseModel):
        return " ".join(f"{key}={_text(each)}" for key, each in flat(value))
    return str(value)


def _origin(origin: dict[str, str], name: str) -> str:
    parts = name.split(".")
    known = (origin.get(".".join(parts[:count])) for count in range(len(parts), 0, -1))
    return next((source for source in known if source), "default")
