"""Labels for a recogniser: the geometry read with hindsight.

A formation is seen by the geometry when its last swing is confirmed, and scores when its line is broken. Whoever knows
the candles behind can say more: from the candle at which that last swing really happened up to the break, the pattern
is being completed. Those candles carry its class, all others `NONE`. What the label of a candle depends on ends a fixed
number of candles later, so a training span can be kept apart from what it is tested on. `docs/labels.md` shows it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled, compiled_for_threads
from trader.core.errors import ConfigError
from trader.market.table import CandleTable
from trader.patterns import layout as at
from trader.patterns.geometry import COLUMNS, new_state, step
from trader.patterns.maths import Floats

Integers = NDArray[np.int64]
Bytes = NDArray[np.int8]

#: The classes by their number: the patterns in their order, then "none".
CLASSES: tuple[str, ...] = (*at.ORDER, "none")
#: The class of a candle at which no pattern is being completed.
NONE = at.PATTERNS
#: Not a class: the candles that would tell are not there.
UNKNOWN = -1


class Columns(NamedTuple):
    """What the geometry takes, float64[n] each."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    atr14: Floats


class LabelRules(msgspec.Struct, frozen=True):
    """What counts as completed: the line broken at most `horizon` candles later, with a score of `min_score` or more.

    30 candles hold 99 of 100 last legs, and 0.5 is the better half of what completes (`docs/labels.md`).

    >>> LabelRules().horizon
    30
    """

    horizon: int = 30
    min_score: float = 0.5

    def __post_init__(self) -> None:
        if self.horizon < 0:
            raise ConfigError(f"labels: a horizon of {self.horizon} candles; it must be 0 or more")
        if not 0.0 <= self.min_score <= 1.0:
            raise ConfigError(f"labels: a least score of {self.min_score}; it must be in 0…1")


class PatternLabels(msgspec.Struct, frozen=True, eq=False):
    """What is being completed at each of n candles, and what became known when.

    `label` int8: the class, or `UNKNOWN`. `label_end` int64: the index of the last candle on which the label depends.
    `lead` int64: candles from here to the break, 0 at the break itself, -1 where the class is `NONE` or unknown.
    `score` float64: that of the formation at its break, 0 without one.
    """

    label: Bytes
    label_end: Integers
    lead: Integers
    score: Floats

    def __len__(self) -> int:
        return len(self.label)


def pattern_labels(table: CandleTable, atr14: Floats, rules: LabelRules | None = None) -> PatternLabels:
    """Label every candle of `table`; `atr14` float64[n] in quote currency, as the features of the same table have it.

    The geometry starts with the first candle and anew behind every gap, as the features do. Where formations overlap,
    the better score counts, then the nearer break, then the order of `Pattern`. The last `rules.horizon` candles of the
    table, and before a gap, are `UNKNOWN`: a formation that would claim them may still complete.
    """
    rules = LabelRules() if rules is None else rules
    begins = _begins(table)
    label, lead, score = np.full(len(table), NONE, np.int8), np.full(len(table), -1, np.int64), np.zeros(len(table))
    columns = Columns(*map(_writable, (table.open, table.high, table.low, table.close, table.volume, atr14)))
    _mark(new_state(), begins, columns, rules.horizon, rules.min_score, label, lead, score)
    end, known = _ends(begins, rules.horizon)
    label[~known], lead[~known], score[~known] = UNKNOWN, -1, 0.0
    return PatternLabels(label, end, lead, score)


def _writable(column: Floats) -> Floats:
    """Return the one kind of array for which the pass is compiled; shared columns are read-only, another type."""
    return np.require(column, np.float64, ("C", "W", "E"))


def _begins(table: CandleTable) -> Integers:
    """Return for each candle the index at which its stretch without a gap begins."""
    rows = np.arange(len(table))
    follows = np.diff(table.open_time, prepend=table.open_time[:1]) == table.timeframe.ms
    return np.maximum.accumulate(np.where(follows, 0, rows))


def _ends(begins: Integers, horizon: int) -> tuple[Integers, NDArray[np.bool_]]:
    """Return the index of the candle `horizon` later, the last one at most, and whether it is of the same stretch."""
    last = len(begins) - 1
    wanted = np.arange(len(begins)) + horizon
    end = np.minimum(wanted, last)
    return end, (wanted <= last) & (begins[end] == begins)


@compiled_for_threads
def _mark(
    fresh: Floats,
    begins: Integers,
    candles: Columns,
    horizon: int,
    min_score: float,
    label: Bytes,
    lead: Integers,
    score: Floats,
) -> None:
    """Replay the candles; at each break go back over the formation's last leg. `fresh` is the state of a start."""
    open, high, low, close, volume, atr14 = candles
    state, out = fresh.copy(), np.empty(COLUMNS)
    for i in range(len(close)):
        if begins[i] == i:
            state[:] = fresh
        step(state, open[i], high[i], low[i], close[i], volume[i], atr14[i], out)
        for pattern in range(at.PATTERNS):
            slot = state[at.SLOTS_AT + pattern * at.SLOT : at.SLOTS_AT + (pattern + 1) * at.SLOT]
            broken = slot[at.STATUS] == at.FRESH and slot[at.BROKEN_AT] == i - begins[i]
            if broken and slot[at.SCORE] >= min_score:
                first = max(begins[i] + int(slot[at.POINT]), i - horizon)
                _claim(first, i, pattern, slot[at.SCORE], label, lead, score)


@compiled
def _claim(first: int, broken_at: int, pattern: int, value: float, label: Bytes, lead: Integers, score: Floats) -> None:
    """Give the candles from `first` to the break the class, where no better formation has them.

    Breaks come in the order of time, so of equal scores the nearer break was there before.
    """
    for i in range(first, broken_at + 1):
        if value > score[i]:
            label[i] = pattern
            lead[i] = broken_at - i
            score[i] = value
