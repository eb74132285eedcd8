"""`metrics.json`: the figures of a run for machines, the same bytes for the same run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from trader.engine.result import RunResult
from trader.reports import book
from trader.reports.acts import idle
from trader.reports.digest import Digest
from trader.reports.hedging import Hedging
from trader.reports.hedging_words import compared, of_hedges, verdict
from trader.reports.months import by_month
from trader.reports.refused import Consequences, RuleOutcome
from trader.reports.steps import Step, stream_name


def metrics_json(digest: Digest) -> str:
    """Return the figures as JSON: order fixed, undefined is null; no path, no clock, no version."""
    result = digest.result
    document = {
        **_run(result),
        **digest.values,
        "buy_and_hold": {hold.symbol: hold.last / hold.first - 1 for hold in result.holds if hold.first > 0},
        "refusals": _counts(digest.steps, digest.result),
        "sizes": _counts(digest.sizes, digest.result),
        "acts": _counts(digest.acts, digest.result),
        "never_decided": idle(digest.rules),
        "undefined_correlations": dict(sorted(result.undefined_correlations.items())),
        "hedging": _hedging(digest.hedging, result.settings.QUOTE),
        "counterfactual": _counterfactual(digest.consequences),
        "by_exit_reason": _lines(book.by_exit_reason(result)),
        "by_coin": _lines(book.by_coin(result)),
        "by_timeframe": _lines(book.by_timeframe(result)),
        "by_pattern": _lines(book.by_pattern(result)),
        "by_direction": _lines(book.by_direction(result)),
        "by_month": _lines(by_month(result)),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _run(result: RunResult) -> dict[str, Any]:
    return {
        "market": result.settings.MARKET,
        "strategy": result.settings.STRATEGY,
        "streams": [stream_name(stream) for stream in result.streams],
        "start": result.start,
        "end": result.end,
        "candles": result.candles,
        "instants": result.instants,
    }


def _counts(steps: Sequence[Step], result: RunResult) -> dict[str, Any]:
    streams = {
        stream_name(stream): {_key(step): step.counts[place] for step in steps if step.counts}
        for place, stream in enumerate(result.streams)
    }
    return {"total": {_key(step): step.total for step in steps}, "streams": streams}


def _key(step: Step) -> str:
    # A reason that also drops entries stands twice in the funnel.
    return step.name if step.kind in ("left", "ended") else f"{step.kind}_{step.name}"


def _hedging(found: Hedging | None, quote: str) -> dict[str, Any] | None:
    """Return None where hedging is off; `runs` is None where the run without was not made."""
    if found is None:
        return None
    runs = {
        row.key: {"with": row.hedged, "without": row.without, "difference": row.difference} for row in compared(found)
    }
    return {
        **{row.key: row.hedged for row in of_hedges(found)},
        "why_none": found.why_none or None,
        "runs": {**runs, "shared_trades": found.shared} if runs else None,
        "verdict": " ".join(verdict(found, quote)),
    }


def _counterfactual(found: Consequences | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"taken": book.plain(found.taken), "rules": {rule.total.name: _rule(found, rule) for rule in found.rules}}


def _rule(found: Consequences, rule: RuleOutcome) -> dict[str, Any]:
    return {
        **book.plain(rule.total),
        "against_taken": found.against_taken(rule.total),
        "verdict": rule.total.verdict,
        "streams": {stream.name: book.plain(stream) for stream in rule.streams},
    }


def _lines(lines: Iterable[Any]) -> dict[str, Any]:
    return {line.name: book.plain(line) for line in lines}
