"""The seam behind which strategies stand."""

from __future__ import annotations

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
    `probability`, `strength` float64[n] in 0…1, and 0 where nothing is seen.
    """

    pattern: NDArray[np.int8]
    probability: NDArray[np.float64]
    strength: NDArray[np.float64]

    @classmethod
    def nothing(cls, count: int) -> OpinionArrays:
        """Return `count` opinions that see nothing."""
        return cls(np.full(count, NO_PATTERN, np.int8), np.zeros(count), np.zeros(count))


class Strategy(Protocol):
    """Turns rows of features into opinions; knows nothing of money, streams or time."""

    name: str

    def evaluate(self, rows: NDArray[np.float64]) -> OpinionArrays:
        """Return what is seen in each row of `rows`, float64[n, len(FEATURES)], which is left as it was.

        The columns are `trader.ml.features.FEATURES`. Live, the rows are the streams that closed in one
        instant; in a backtest, a chunk of one stream's candles. The answer for a row must not depend on the
        others: the same arithmetic, row by row. Rows come warmed up; only optional features may be NaN.
        The arrays returned are the caller's to keep.
        """
        ...


def signal_of(pattern: int, probability: float, strength: float) -> Signal | None:
    """Return the opinion on one row as a signal, None where nothing is seen.

    >>> signal_of(-1, 0.0, 0.0) is None, signal_of(3, 0.7, 0.6).pattern.value
    (True, 'double_top')
    """
    return Signal(PATTERNS[pattern], probability, strength) if pattern >= 0 else None
