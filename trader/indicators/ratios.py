"""Ratios that are defined where there is nothing to divide by."""

from __future__ import annotations

import math

from trader.compiled import inlined


@inlined
def relative_change(x: float, base: float) -> float:
    """Return how far `x` lies above `base`, as a fraction of it: TA-Lib's ROCP of two closes.

    >>> relative_change(102.0, 100.0)
    0.02
    """
    return (x - base) / base


@inlined
def fraction_of_range(x: float, low: float, high: float) -> float:
    """Return where `x` lies from `low` (0) to `high` (1), and 0.5 where they are equal.

    >>> fraction_of_range(3.0, 2.0, 6.0), fraction_of_range(2.0, 2.0, 2.0)
    (0.25, 0.5)
    """
    return (x - low) / (high - low) if high != low else 0.5


@inlined
def share(part: float, whole: float, otherwise: float) -> float:
    """Return `part / whole`, `otherwise` where the whole is 0; NaN stays.

    >>> share(1.0, 4.0, 0.5), share(0.0, 0.0, 0.5), share(float("nan"), 0.0, 0.5)
    (0.25, 0.5, nan)
    """
    if math.isnan(part):
        return math.nan
    return part / whole if whole != 0.0 else otherwise
