"""The sheet of rules: what the signals that each refused would have made."""

from __future__ import annotations

from openpyxl import Workbook

from trader.reports.funnel import rule_named
from trader.reports.refused import HOW, Consequences, Outcome
from trader.reports.sheet import Column, Sheet

_COLUMNS = (
    Column("rule", width=22), Column("stream", width=18), Column("refused", "count"), Column("not filled", "count"),
    Column("won", "count"), Column("lost", "count"), Column("win rate", "percent"), Column("open at end", "count", 13),
    Column("sum of net", "percent", 15), Column("average net", "fine percent", 15),
    Column("standard error", "fine percent", 17), Column("against taken", "fine percent", 16),
    Column("verdict", width=18), Column("what it means", width=58),
)  # fmt: skip


def rules(workbook: Workbook, found: Consequences) -> None:
    """Write a row for each rule over all streams, one for each of its streams, and the trades taken beside them."""
    sheet = Sheet(workbook, "rules", HOW, _COLUMNS, frozen=2)
    for rule in found.rules:
        name, meaning = rule.total.name, rule_named(rule.total.name).meaning
        for stream, outcome in (("all", rule.total), *((own.name, own) for own in rule.streams)):
            sheet.add((name, stream, *_figures(outcome), found.against_taken(outcome), outcome.verdict, meaning))
    meaning = "for comparison: what was traded, funding left out likewise"
    sheet.add((found.taken.name, "all", *_figures(found.taken), None, "", meaning))
    sheet.filter()


def _figures(outcome: Outcome) -> tuple[float | int | None, ...]:
    rate = outcome.won / outcome.ended if outcome.ended else None
    counts = (outcome.signals, outcome.not_filled, outcome.won, outcome.lost, rate, outcome.open_at_end)
    return (*counts, outcome.sum, outcome.average, outcome.error)
