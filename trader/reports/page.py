"""`report.html`: one page that opens offline, with every byte of what it needs inside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from trader.reports import book
from trader.reports.acts import idle_in_words
from trader.reports.chosen import MAX_WINDOWS, RULE
from trader.reports.digest import Digest
from trader.reports.drawing import Candles, drawing
from trader.reports.figures import FIGURES, signed, written
from trader.reports.headline import first_lines, headline
from trader.reports.hedging import Hedging
from trader.reports.hedging_words import compared, of_hedges
from trader.reports.html import document, row, table
from trader.reports.months import by_month
from trader.reports.refused import HOW, Consequences, Outcome, share
from trader.reports.steps import stream_name

_MAX_STREAM_COLUMNS = 12


def page(digest: Digest, candles: Candles, when: datetime) -> str:
    """Return the page as HTML; `candles` gives what is drawn around trades, `when` is the time of the report."""
    data = drawing(digest.result, candles)
    title = f"Report of {when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    body = "\n".join([*_head(digest, title), *_charts(digest, data), *_tables(digest)])
    return document(title, body, data, Path(__file__).with_name("page.js"))


def _head(digest: Digest, title: str) -> list[str]:
    first, *verdict = first_lines(digest)
    rest = headline(digest)[1 + len(verdict) :]
    notes = digest.result.notes
    return [
        f"<h1>{escape(title)}</h1>",
        f'<p class="result">{escape(first)}</p>',
        *(f'<p class="verdict">{escape(line)}</p>' for line in verdict),
        *(f'<p class="note">{escape(note)}</p>' for note in rest[: len(notes)]),
        *(f"<p>{escape(line)}</p>" for line in rest[len(notes) :]),
        '<p class="soft">Times are UTC. The charts need JavaScript, and no network.</p>',
        '<h2>Figures</h2><dl class="figures">',
        *(_figure(figure.label, written(digest.values[figure.key], figure.kind), figure.meaning) for figure in FIGURES),
        "</dl>",
    ]


def _figure(label: str, value: str, meaning: str) -> str:
    return f'<div><dt title="{escape(meaning)}">{escape(label)}</dt><dd>{escape(value)}</dd></div>'


def _charts(digest: Digest, data: dict[str, Any]) -> list[str]:
    parts = ['<h2>Equity, buy-and-hold and drawdown</h2><div id="equity" class="chart tall"></div>']
    if data["unhedged"] is not None:
        parts.append('<h2>With hedges, and without</h2><div id="hedging" class="chart tall"></div>')
    parts += _hedging(digest.hedging)
    if data["coins"]:
        parts.append(
            "<h2>Candles and trades</h2>"
            '<div class="bar"><select id="coin" aria-label="Coin"></select>'
            '<span id="coin-text" class="soft"></span></div>'
            '<div id="coin-chart" class="chart tall"></div>'
        )
    if data["trades"]:
        rule = f"At most {MAX_WINDOWS} trades have a window: {RULE}." if data["trades"][0]["why"] else "Every trade."
        parts.append(
            f'<h2>One trade</h2><p class="soft">{escape(rule)}</p>'
            '<div class="bar"><button id="before" type="button">← earlier</button>'
            '<button id="after" type="button">later →</button><select id="trade" aria-label="Trade"></select></div>'
            '<p id="trade-text" class="soft"></p><div id="trade-chart" class="chart"></div>'
            '<div class="scroll"><table id="trade-facts"></table></div>'
        )
    return parts


def _hedging(found: Hedging | None) -> list[str]:
    """Return the run with hedges beside the same run without, then what the hedges did themselves."""
    if found is None or not found.hedges.opened:
        return []
    heads = ("", "with hedges", "without", "difference", "what it means")
    rows = [
        row([each.label, written(each.hedged, each.kind), written(each.without, each.kind),
             signed(each.difference, each.kind), each.meaning], range(1, 4))
        for each in compared(found)
    ]  # fmt: skip
    own = [
        row([each.label, written(each.hedged, each.kind), "", "", each.meaning], range(1, 4))
        for each in of_hedges(found)
    ]
    return [table(heads, [*rows, *own], range(1, 4))]


def _tables(digest: Digest) -> list[str]:
    result = digest.result
    groups = (
        ("By coin", book.by_coin(result)),
        ("By timeframe", book.by_timeframe(result)),
        ("By pattern", book.by_pattern(result)),
        ("By exit reason (closed parts)", book.by_exit_reason(result)),
        ("By month", by_month(result)),
    )
    return [
        "<h2>Why was something, or nothing, traded?</h2>",
        f"<p>{escape(idle_in_words(digest.rules))}</p>",
        _funnel(digest),
        *_refused(digest.consequences),
        *(_group(*each) for each in groups if each[1]),
    ]


def _funnel(digest: Digest) -> str:
    streams = digest.result.streams
    own = range(len(streams)) if len(streams) <= _MAX_STREAM_COLUMNS else range(0)
    numbers = range(2, 3 + len(own))
    heads = ["step", "what it means, and its setting", "all", *(stream_name(streams[place]) for place in own)]
    rows = []
    for step in digest.rules:
        counts = [f"{step.total:,}", *(f"{step.counts[place]:,}" if step.counts else "" for place in own)]
        words = f"{step.meaning} ({step.governed})" if step.governed else step.meaning
        rows.append(row([step.label, words, *counts], numbers, step.kind if step.on else "off"))
    return table(heads, rows, numbers)


def _refused(found: Consequences | None) -> list[str]:
    if found is None:
        return []
    heads = ("rule", "refused", "not filled", "won", "lost", "open at end", "sum of net", "average", "standard error",
             "against taken", "verdict")  # fmt: skip
    numbers = range(1, 10)
    totals = [rule.total for rule in found.rules]
    rows = [row([*_outcome(each), share(found.against_taken(each)), each.verdict], numbers) for each in totals]
    rows.append(row([*_outcome(found.taken), "", "for comparison"], numbers, "left"))
    title = "<h2>What would the refused signals have made?</h2>"
    return [title, f'<p class="soft">{escape(HOW)}</p>', table(heads, rows, numbers)]


def _outcome(outcome: Outcome) -> list[str]:
    counts = (outcome.signals, outcome.not_filled, outcome.won, outcome.lost, outcome.open_at_end)
    shares = (share(outcome.sum), share(outcome.average), share(outcome.error).removeprefix("+"))
    return [outcome.name, *(f"{count:,}" for count in counts), *shares]


#: How the fields of groups, reasons and months are written.
_KINDS: dict[str, Any] = {
    "trades": "count", "won": "count", "parts": "count", "win_rate": "percent", "share": "percent",
    "change": "percent", "max_drawdown": "percent", "average_r": "ratio", "profit_factor": "ratio",
    "average_holding_ms": "duration",
}  # fmt: skip


def _group(title: str, lines: Sequence[Any]) -> str:
    fields = list(book.plain(lines[0]))
    heads = ["", *(field.removesuffix("_ms").replace("_", " ") for field in fields)]
    rows = [
        row([line.name, *(written(getattr(line, name), _KINDS.get(name, "money")) for name in fields)], range(1, 99))
        for line in lines
    ]
    return f"<h2>{escape(title)}</h2>" + table(heads, rows, range(1, 99))
