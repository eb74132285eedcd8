"""The one formula of all inputs: a feature, less another, divided by a third."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Inputs are cut to ± this. In a market that stands still ATR14 shrinks towards 0 and what is measured by it grows
#: without end; no tree asks beyond, and a library that gets infinity fails.
LIMIT = 1e6


@compiled
def fill(rows: Floats, feature: Integers, minus: Integers, over: Integers, out: NDArray[np.float32]) -> None:
    """Write `(feature - minus) / over` of each row to `out`, float32[n, k]; 0 where `over` is not positive.

    `feature`, `minus` and `over`, int64[k], are columns of `rows`, float64[n, …]; -1 leaves the operation out.
    """
    for k in range(len(rows)):
        for number in range(len(feature)):
            x = rows[k, feature[number]]
            if minus[number] >= 0:
                x -= rows[k, minus[number]]
            if over[number] >= 0:
                unit = rows[k, over[number]]
                x = x / unit if unit > 0.0 else 0.0
            if x > LIMIT:
                x = LIMIT
            elif x < -LIMIT:
                x = -LIMIT
            out[k, number] = x
