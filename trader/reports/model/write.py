"""`report.html` and `report.json` of a model: what stands beside it in the registry."""

from __future__ import annotations

from html import escape
from pathlib import Path

import msgspec

from trader.core.timeframe import utc
from trader.engine.train.proof.facts import Evidence
from trader.engine.train.verdict import Verdict, verdict
from trader.ml.pattern_model import RECOGNISER, SUCCESS
from trader.reports.model import charts, tables

#: The browser may load and run nothing: the page is text, tables and drawings.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'"
_STYLES = (Path(__file__).parents[1] / "page.css", Path(__file__).with_name("model.css"))


class Report(msgspec.Struct, frozen=True):
    """What `report.json` holds; what is undefined is null."""

    title: str
    verdict: Verdict
    evidence: Evidence


def report_files(evidence: Evidence, title: str) -> dict[str, bytes]:
    """Return the files of a model's report by name; equal evidence gives equal bytes."""
    found = verdict(evidence)
    return {
        "report.html": page(evidence, found, title).encode(),
        "report.json": msgspec.json.format(msgspec.json.encode(Report(title, found, evidence)), indent=1),
    }


def page(evidence: Evidence, found: Verdict, title: str) -> str:
    """Return the page as HTML; the first line of it is the verdict."""
    body = "\n".join([*_head(evidence, found, title), *_trading(evidence), *_answers(evidence), *_parts(evidence)])
    style = "".join(path.read_text(encoding="utf-8") for path in _STYLES)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _head(evidence: Evidence, found: Verdict, title: str) -> list[str]:
    what = f"{evidence.market}: {', '.join(evidence.coins)}; {', '.join(evidence.timeframes)}"
    least = ", ".join(f"{name} {value:g}" for name, value in evidence.rules.items())
    return [
        f'<p class="result {"edge" if found.edge else "none"}">{escape(found.words)}</p>',
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(what)}. {utc(evidence.start)} to {utc(evidence.end)} UTC, {len(evidence.folds)} folds, "
        f"each judged on a span behind all that it learned from. {_tried(evidence)} Entries: {escape(least)}.</p>",
        *(f'<p class="note">Missing for an edge: {escape(words)}.</p>' for words in found.missing),
        '<p class="soft">A net return is a fraction of the notional, after fees and slippage. ± is one standard error, '
        "with days as what is drawn. All of it is out of sample, and of the past: what had an edge need not have one. "
        "How to read it: docs/verdict.md.</p>",
    ]


def _tried(evidence: Evidence) -> str:
    tried = f"{evidence.trials:,} trial{'' if evidence.trials == 1 else 's'} made"
    return f"{tried}; deflated Sharpe {tables.number(evidence.deflated, 3)}."


def _trading(evidence: Evidence) -> list[str]:
    chance = evidence.chance
    followed = (
        f"Each entry is followed to its exit alone, one open per stream. Random ones have the same number, sides, "
        f"patterns, coins, timeframes and exits; {chance.followed:,} were followed, {tables.percent(chance.placed, 1)} "
        "of a draw found room."
    )
    return [
        "<h2>What the signals brought</h2>",
        f'<p class="soft">{escape(followed)}</p>',
        tables.signals(evidence),
        charts.draws(chance, evidence.signals.net),
        "<h2>The whole program, with one pool of capital</h2>",
        tables.pooled(evidence),
        charts.equity(evidence.curves),
    ]


def _answers(evidence: Evidence) -> list[str]:
    curves = (("one", "likeliest pattern", evidence.likeliest), ("two", "class that is called", evidence.called))
    weights = evidence.weights
    return [
        "<h2>How well it recognises patterns</h2>",
        tables.recognised(evidence),
        '<div class="charts">',
        charts.reliability(curves),
        charts.lift(evidence.lift, "likeliest pattern was right, by its probability", "right"),
        "</div>",
        tables.by_class(evidence),
        "<h3>Which class was called which</h3>",
        tables.confusion(evidence),
        "<h2>How well it knows which entries win</h2>",
        tables.chances(evidence),
        '<div class="charts">',
        charts.reliability((("one", "chance of a win", evidence.reliability_won),)),
        charts.lift(evidence.lift_won, "won, by the chance given", "won"),
        charts.lift(evidence.net_by_expected, "net return, by the one expected", "mean net"),
        "</div>",
        "<h2>What it looks at</h2>",
        '<div class="charts">',
        f"<div><h3>Recogniser</h3>{charts.importance(weights[RECOGNISER], 'Inputs of the recogniser')}</div>",
        f"<div><h3>Success model</h3>{charts.importance(weights[SUCCESS], 'Inputs of the success model')}</div>",
        "</div>",
    ]


def _parts(evidence: Evidence) -> list[str]:
    return [
        "<h2>Does it last?</h2>",
        '<div class="charts">',
        charts.nets(evidence.by_month, "mean net by month"),
        charts.losses(evidence.by_month, "log loss by month"),
        "</div>",
        tables.groups(evidence.by_month, "month"),
        "<h3>Folds</h3>",
        tables.folds(evidence.folds),
        "<h3>Coins</h3>",
        tables.groups(evidence.by_coin, "coin"),
        "<h3>Timeframes</h3>",
        tables.groups(evidence.by_timeframe, "timeframe"),
        "<h3>Patterns (candidates by hindsight, trades by what was called)</h3>",
        tables.groups(evidence.by_pattern, "pattern"),
    ]
