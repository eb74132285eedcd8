"""Sums of volumes as an exchange gives them: decimals of at most 8 places, each as the float nearest to it.

A running sum of floats drifts from the decimal sum, and differently for each grouping. So sums here carry what each
addition lost (Neumaier's method), and the result is rounded to 8 decimals. What follows, for values that are floats
nearest to decimals of at most 8 places: a sum below 2^24 (16.8 million) is the float nearest to the exact decimal sum,
whatever the grouping, because all errors together are less than half of 1e-8. Up to 2^26 this is only very likely.
Above, floats are coarser than 1e-8, and two groupings may differ in the last bit.
"""

from __future__ import annotations

import numpy as np

from trader.compiled import compiled

#: Below it `value * 1e8` has room for the error of that product; above it only the part after the point is scaled.
PLAIN_BELOW = 2.0**23
#: At and above it neighbouring floats are more than 1e-8 apart: there is nothing to round.
ROUND_BELOW = 2.0**26


@compiled
def add(total: float, lost: float, value: float) -> tuple[float, float]:
    """Return `total + value` as a float, and `lost` with what that addition lost added.

    Source: A. Neumaier, ZAMM 54 (1974) 39. NaN makes both NaN.
    """
    result = total + value
    if abs(total) >= abs(value):
        return result, lost + ((total - result) + value)
    return result, lost + ((value - result) + total)


@compiled
def round8(value: float) -> float:
    """Return the float nearest to `value` rounded to 8 decimals; NaN stays NaN.

    >>> round8(0.1 + 0.2), round8(12345.678901234)
    (0.3, 12345.67890123)
    """
    size = abs(value)
    if size < PLAIN_BELOW:
        return float(np.rint(value * 1e8) / 1e8)
    if size < ROUND_BELOW:
        whole = np.floor(value)
        return float(whole + np.rint((value - whole) * 1e8) / 1e8)
    return value
