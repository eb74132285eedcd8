"""The seam behind which strategies stand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from trader.core.signal import Pattern, Signal

#: The patterns by the index that opinions carry.
PATTERNS = tuple(Pattern)

#: The index that says "nothing is seen".
NO_PATTERN = -1


class OpinionArrays(NamedTuple):
    """What a strategy sees in n rows, one entry a row.

    `pattern` int8[n]: index in the order of `Pattern`, -1 where nothing is seen;
    `probability`, `strength` float64[n] in 0…1, and 0 where nothing is seen; `success` float64[n] (that a trade nets
    more than 0) and `expected` float64[n] (its net return, a fraction of the notional), NaN where it is not known;
    `held_only` bool[n]: it is seen only because the row was to be looked at `everywhere`.
    """

    pattern: NDArray[np.int8]
    probability: NDArray[np.float64]
    strength: NDArray[np.float64]
    success: NDArray[np.float64]
    expected: NDArray[np.float64]
    held_only: NDArray[np.bool_]

    @classmethod
    def of(
        cls, pattern: NDArray[np.int8], probability: NDArray[np.float64], strength: NDArray[np.float64]
    ) -> OpinionArrays:
        """Return opinions of who cannot tell what a trade would bring, and looks at every row."""
        unknown = np.full(len(pattern), np.nan)
        return cls(pattern, probability, strength, unknown, unknown.copy(), np.zeros(len(pattern), np.bool_))

    @classmethod
    def nothing(cls, count: int) -> OpinionArrays:
        """Return `count` opinions that see nothing."""
        return cls.of(np.full(count, NO_PATTERN, np.int8), np.zeros(count), np.zeros(count))


class Strategy(Protocol):
    """Turns rows of features into opinions; knows nothing of money, streams or time."""

    name: str
    #: Whether it passes over rows at a glance, so that `everywhere` makes a difference.
    passes_over: bool

    def evaluate(self, rows: NDArray[np.float64], everywhere: NDArray[np.bool_] | None = None) -> OpinionArrays:
        """Return what is seen in each row of `rows`, float64[n, len(FEATURES)], which is left as it was.

        `everywhere` bool[n]: the rows that must be looked at even where the strategy would pass them over at a glance:
        a trade is open on their stream, and a rule would act on what is seen. None: no row.

        The columns are `trader.ml.features.FEATURES`. Live, the rows are the streams that closed in one
        instant; in a backtest, a chunk of one stream's candles. The answer for a row must not depend on the
        others: the same arithmetic, row by row. Rows come warmed up; only optional features may be NaN.
        The arrays returned are the caller's to keep.
        """
        ...


def signal_of(
    pattern: int,
    probability: float,
    strength: float,
    success: float = math.nan,
    expected: float = math.nan,
    held_only: bool = False,
) -> Signal | None:
    """Return the opinion on one row as a signal, None where nothing is seen.

    >>> signal_of(-1, 0.0, 0.0) is None, signal_of(3, 0.7, 0.6).pattern.value
    (True, 'double_top')
    """
    if pattern < 0:
        return None
    if math.isnan(success):  # as a value it would not even be equal to itself
        return Signal(PATTERNS[pattern], probability, strength, held_only=held_only)
    return Signal(PATTERNS[pattern], probability, strength, 0, success, expected, held_only)


def signals_of(seen: OpinionArrays) -> Iterator[Signal | None]:
    """Return the opinions row by row, each made when it is asked for."""
    return map(signal_of, *(column.tolist() for column in seen))
