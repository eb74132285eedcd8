"""What audits found, in lines for a terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from trader.cli.model_words import table_of
from trader.core.timeframe import utc
from trader.engine.audit.findings import Difference
from trader.engine.audit.ground import Ground
from trader.engine.audit.lookahead import LookaheadAudit
from trader.engine.audit.recursive import TOLERANCE, Drift, RecursiveAudit

#: Columns that are listed; of the rest it is said how many there are.
LISTED = 25

#: A distance of 1 or more, of a tenth, a hundredth (the tolerance), a thousandth and less.
BARS = (1.0, "█"), (0.1, "▆"), (TOLERANCE, "▄"), (0.001, "▂"), (0.0, "·")


def lookahead_lines(audit: LookaheadAudit, seed: int) -> Iterator[str]:
    """Yield the verdict, what was compared, and the first place at which each column differs."""
    yield audit.verdict
    kinds = Counter(cut.why for cut in audit.cuts)
    parts = ", ".join(f"{count} {why}" for why, count in sorted(kinds.items(), key=lambda each: -each[1]))
    yield f"{_ground(audit.ground)}, cut {len(audit.cuts)} times (seed {seed}): {parts or 'no moment inside'}"
    yield ""
    rows = [
        (group, f"{len(counts):,}", f"{sum(each.values for each in counts):,}", f"{_differing(counts):,}")
        for group, counts in audit.findings.groups().items()
    ]
    yield from table_of([("compared", "columns", "values", "differing"), *rows])
    firsts = audit.findings.firsts()
    if not firsts:
        return
    yield ""
    yield "The earliest value of each column that later candles change:"
    head = ("column", "stream", "at (UTC)", "with all candles", "cut off", "cut at (UTC)", "differing", "at cuts")
    yield from table_of([head, *(_first_row(audit, each) for each in firsts[:LISTED])])
    if len(firsts) > LISTED:
        yield f"and {len(firsts) - LISTED} more columns"


def recursive_lines(audit: RecursiveAudit, seed: int) -> Iterator[str]:
    """Yield the verdict, the decisions that change by warm-up, and the columns that settle last."""
    yield audit.verdict
    yield f"{_ground(audit.ground)}, {audit.moments} moments (seed {seed}), half of them with something seen"
    for stream in audit.left_out:
        yield f"{stream} is left out: it has nowhere {audit.reference:,} candles in a row before a candle of the span"
    if not audit.moments:
        return
    yield ""
    rows = [
        (f"{length:,}", f"{each.changed}", f"{each.seen}", _share(each.changed, each.seen), _mark(audit, length))
        for length, each in zip(audit.warmups, audit.decisions, strict=True)
    ]
    yield from table_of([("warm-up", "decisions changed", "of", "", ""), *rows])
    yield ""
    yield f"The largest distance from what {audit.reference:,} candles give, in ATR14 for prices, else in the column's"
    yield f"own standard deviation; settled is less than {TOLERANCE:g} from a warm-up on:"
    head = ("column", "", *(f"{length:,}" for length in audit.warmups), "settled from")
    yield from table_of([head, *(_drift_row(each) for each in audit.drifts[:LISTED])])
    rest = Counter(each.settled for each in audit.drifts[LISTED:])
    if rest:
        told = [f"{rest[length]} from {length:,}" for length in sorted(filter(None, rest))]
        told += [f"{rest[None]} never"] if rest[None] else []
        yield f"and {sum(rest.values())} more columns, settled: {', '.join(told)}"


def _ground(ground: Ground) -> str:
    streams = ", ".join(f"{symbol} {timeframe}" for symbol, timeframe in ground.plan.streams)
    return f"{ground.settings.STRATEGY} on {streams}, {utc(ground.span.start)} to {utc(ground.span.end)}"


def _differing(counts: Sequence[Any]) -> int:
    return sum(each.differing for each in counts)


def _first_row(audit: LookaheadAudit, first: Difference) -> tuple[str, ...]:
    count = audit.findings.counts[first.group, first.column]
    values = (_value(first.whole), _value(first.cut))
    place = (f"{first.group}.{first.column}", first.stream, utc(first.time))
    return (*place, *values, utc(first.at_cut), f"{count.differing:,} of {count.values:,}", f"{len(count.cuts)}")


def _value(value: Any) -> str:
    text = repr(value) if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _mark(audit: RecursiveAudit, length: int) -> str:
    return "PRELOAD_CANDLES" if length == audit.in_force else ""


def _drift_row(drift: Drift) -> tuple[str, ...]:
    bars = "".join(next(bar for least, bar in BARS if each >= least) for each in drift.largest)
    return drift.column, bars, *map(_distance, drift.largest), f"{drift.settled:,}" if drift.settled else "never"


def _distance(distance: float) -> str:
    """Say a distance; one that has no number is of a column that is not there yet, or that never varies.

    >>> [_distance(each) for each in (0.0, 0.00004, 0.123, 12.0, math.inf)]
    ['0', '4e-05', '0.12', '12', 'far']
    """
    return "far" if math.isinf(distance) else f"{distance:.2g}"
