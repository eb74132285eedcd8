"""Does it matter where a stream begins? Each moment is looked at behind warm-ups of several lengths.

Averages by Wilder and exponential ones never forget where they began, they only let it fade. So nothing is the same bit
for bit here; how far each column is from what the longest warm-up gives is measured on a natural scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.engine.audit.findings import unequal
from trader.engine.audit.ground import Ground, words
from trader.engine.audit.subject import Subject
from trader.engine.audit.views import Columns, View
from trader.engine.prepare import Progress
from trader.market.table import CandleTable

Floats = NDArray[np.float64]

#: Usual warm-ups in candles; that in force comes to them. A day of minutes has 1,440.
WARMUPS = (60, 125, 250, 500, 1_500)

#: The warm-up against which all others are measured is so many times the longest of them.
REFERENCE = 2

#: A column is settled from the warm-up on with which it is never farther than this from the reference, in its scale.
TOLERANCE = 0.01

#: Features in quote currency: their scale is ATR14, for a price that is off by a hundredth of it is a good price.
PRICES = (
    *("sma10", "sma20", "sma50", "ema12", "ema26", "ema50", "macd", "macd_signal", "macd_histogram", "psar"),
    *("bb_upper", "bb_lower", "keltner_upper", "keltner_lower", "vwap_day", "high20", "low20", "atr14", "close"),
)

ATR14, PATTERN = "features.atr14", "opinions.pattern"
#: These say what is decided, which is no distance: they are counted, not measured.
DECIDED = frozenset((PATTERN, "opinions.ready", "opinions.held_only"))
#: Opinions that are prices, or say how something is seen rather than what.
OPINION_PRICES = frozenset(("close", "ema50", "atr14"))

LOOKING = "streams behind each warm-up"


class Drift(msgspec.Struct, frozen=True):
    """How far one column is from the reference, by warm-up: the largest distance of all moments, in its scale.

    `settled`: the shortest warm-up from which on all distances are below the tolerance; None where none is.
    """

    column: str
    largest: tuple[float, ...]
    settled: int | None


class Changed(NamedTuple):
    """Of the moments at which anything is seen behind either warm-up, those at which something else is."""

    changed: int
    seen: int


class RecursiveAudit(msgspec.Struct, frozen=True, eq=False):
    """Drifts of all columns, the one farthest off at the warm-up in force first, and decisions by warm-up.

    `in_force` is `PRELOAD_CANDLES`, and one of `warmups`; `left_out` are streams with too little history before.
    """

    ground: Ground
    warmups: tuple[int, ...]
    reference: int
    in_force: int
    moments: int
    drifts: list[Drift]
    decisions: tuple[Changed, ...]
    left_out: list[str]

    @property
    def unsettled(self) -> list[Drift]:
        """The columns that are not settled with the warm-up in force."""
        return [each for each in self.drifts if each.settled is None or each.settled > self.in_force]

    @property
    def verdict(self) -> str:
        """The result in a line: what is decided on, inputs and opinions, not every feature, makes it."""
        changed, seen = self.decisions[self.warmups.index(self.in_force)]
        decisive = [each for each in self.unsettled if not each.column.startswith("features.")]
        with_it = f"with PRELOAD_CANDLES={self.in_force:,}"
        said = f"{changed} of {seen} decisions are others than behind {self.reference:,} candles"
        if not self.moments:
            return "nothing was compared: no stream has enough history before the span"
        if not decisive:
            return f"settled: {with_it} every input and opinion is within {TOLERANCE:.0%} of its scale; {said}"
        worst = decisive[0]
        off = worst.largest[self.warmups.index(self.in_force)]
        more = f" and {len(decisive) - 1} more of the inputs and opinions" if len(decisive) > 1 else ""
        return f"NOT SETTLED: {with_it} {worst.column} (by up to {off:.2g}){more} are off; {said}"


class _Look(NamedTuple):
    """What one stream shows at its moments, behind each warm-up and the reference (the last row): by column."""

    values: dict[str, Floats]
    patterns: NDArray[np.float64]


def audit_recursive(
    ground: Ground, subject: Subject, warmups: Sequence[int], moments: int, seed: int, progress: Progress
) -> RecursiveAudit:
    """Look at `moments` moments of every stream behind each of `warmups` candles; equal arguments, equal audits.

    Half of the moments are such at which something is seen. The warm-up in force is looked at in any case.
    """
    in_force = ground.settings.PRELOAD_CANDLES
    lengths = tuple(sorted({*warmups, in_force}))
    reference = REFERENCE * lengths[-1]
    every = [look.view for look in subject.looks]
    random = np.random.default_rng(seed)
    found, left_out = [], []
    for done, stream in enumerate(ground.plan.streams):
        progress(LOOKING, done, len(ground.plan.streams))
        table = ground.table(stream, ground.span.end, reference)
        rows = _moments(table, ground, subject, reference, moments, random)
        if not len(rows):
            left_out.append(words(stream))
            continue
        found.append(_look(table, every, rows, (*lengths, reference)))
    progress(LOOKING, len(ground.plan.streams), len(ground.plan.streams))
    return RecursiveAudit(
        ground,
        lengths,
        reference,
        in_force,
        sum(each.patterns.shape[1] for each in found),
        _drifts(found, lengths, lengths.index(in_force)),
        tuple(_changed(found, number) for number in range(len(lengths))),
        left_out,
    )


def _moments(
    table: CandleTable, ground: Ground, subject: Subject, reference: int, count: int, random: np.random.Generator
) -> NDArray[np.intp]:
    """Choose candles of the span that have the whole reference before them without a gap; half of them with signals."""
    rows = np.arange(reference, len(table))
    unbroken = table.open_time[rows] - table.open_time[rows - reference] == reference * table.timeframe.ms
    free = rows[unbroken & (table.open_time[rows] + table.timeframe.ms > ground.span.start)]
    seen = subject.ask(table, int(table.open_time[0])) if len(free) else None
    signals = free[seen.pattern[free] >= 0] if seen is not None else free
    chosen = random.permutation(signals)[: count // 2]
    others = random.permutation(np.setdiff1d(free, chosen))[: count - len(chosen)]
    return np.sort(np.concatenate((chosen, others)))


def _look(table: CandleTable, views: Sequence[View], rows: NDArray[np.intp], lengths: Sequence[int]) -> _Look:
    shown = [[_last(table.rows(int(row) - length, int(row) + 1), views) for row in rows] for length in lengths]
    names = shown[0][0].keys()
    values = {name: np.array([[each[name] for each in line] for line in shown], np.float64) for name in names}
    return _Look(values, values[PATTERN])


def _last(table: CandleTable, views: Sequence[View]) -> dict[str, float]:
    """Return all columns of the last candle of a table."""
    wanted = np.zeros(len(table), np.bool_)
    wanted[-1] = True
    shown: list[Columns] = [view(table, wanted) for view in views]
    return {name: float(column[0]) for each in shown for name, column in each.values.items()}


def _drifts(found: Sequence[_Look], lengths: Sequence[int], in_force: int) -> list[Drift]:
    if not found:
        return []
    drifts = []
    for name in [each for each in found[0].values if each not in DECIDED]:
        overall = _spread(np.concatenate([each.values[name][-1] for each in found]))
        largest = np.max([_largest(name, each, overall) for each in found], axis=0)
        below = [bool((largest[number:] < TOLERANCE).all()) for number in range(len(lengths))]
        settled = lengths[below.index(True)] if True in below else None
        drifts.append(Drift(name, tuple(largest.tolist()), settled))
    return sorted(drifts, key=lambda each: (*(-round(each.largest[at], 9) for at in (in_force, 0)), each.column))


def _largest(name: str, look: _Look, overall: float) -> Floats:
    """Return the largest distance from the reference for each warm-up, in the column's scale.

    `overall` is its standard deviation over all streams: the scale where it stands still in this one.
    """
    values = look.values[name]
    short, long = values[:-1], values[-1]
    apart: Floats = np.where(unequal(short, np.broadcast_to(long, short.shape).copy()), np.abs(short - long), 0.0)
    apart[np.isnan(short) != np.isnan(long)] = math.inf
    apart[np.isnan(short) & np.isnan(long)] = 0.0
    scale = _scale(name, look, overall)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(apart > 0.0, apart / scale, 0.0)
    worst: Floats = relative.max(axis=1)
    return worst


def _scale(name: str, look: _Look, overall: float) -> Floats:
    """Return what a column is measured by at each moment: ATR14 for a price, else how much it varies over them all."""
    group, _, own = name.partition(".")
    if (group == "features" and own in PRICES) or (group == "opinions" and own in OPINION_PRICES):
        atr14: Floats = look.values[ATR14][-1]
        return atr14
    long = look.values[name][-1]
    return np.full(len(long), _spread(long) or overall)


def _spread(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.std()) if len(known) else 0.0


def _changed(found: Sequence[_Look], number: int) -> Changed:
    changed = seen = 0
    for each in found:
        short, long = each.patterns[number], each.patterns[-1]
        seen += int(((short >= 0) | (long >= 0)).sum())
        changed += int((short != long).sum())
    return Changed(changed, seen)
