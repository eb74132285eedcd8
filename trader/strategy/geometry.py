"""The strategy that trades the geometry itself: it needs no model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader.ml.features import FEATURES
from trader.strategy.base import NO_PATTERN, PATTERNS, OpinionArrays

#: The columns of the scores in a row of features, in the order of `Pattern`.
SCORES = np.array([FEATURES.index(f"score_{pattern}") for pattern in PATTERNS])


class GeometryStrategy:
    """Sees the pattern with the best score of the candle; probability and strength are that score.

    Of equal scores the first in the order of `Pattern` counts; where all are 0 nothing is seen.
    """

    name = "geometry"
    passes_over = False

    def evaluate(self, rows: NDArray[np.float64], everywhere: NDArray[np.bool_] | None = None) -> OpinionArrays:
        """Return the best pattern of each row of `rows`, float64[n, len(FEATURES)]."""
        scores = rows[:, SCORES]
        best = scores.max(axis=1)
        pattern = np.where(best > 0.0, scores.argmax(axis=1), NO_PATTERN).astype(np.int8)
        return OpinionArrays.of(pattern, best, best.copy())
