"""Fits calibration curves: the best rising function from what a model said to what came true.

Source: Zadrozny and Elkan (2002), as in `trader.ml.calibration`; the fit is scikit-learn's isotonic regression.
Rows are joined before into steps of at least `LEAST_ROWS`: otherwise the highest value rests on one lucky row, says 1,
and sizes trades by that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.isotonic import isotonic_regression

from trader.core.errors import ModelError
from trader.ml.calibration import Curve, Floats

#: Rows behind each step of a curve, at least.
LEAST_ROWS = 20


def fit_probability(raw: ArrayLike, hit: ArrayLike, least_rows: int = LEAST_ROWS) -> Curve:
    """Return the curve from raw scores, float[n], to the probability that `hit`, 0 or 1, is 1.

    It stays within 1/(n + 2) of 0 and 1: n rows cannot tell what is rarer (Laplace's rule of succession).
    """
    curve = fit_mean(raw, np.asarray(hit, np.float64), least_rows)
    edge = 1.0 / (np.size(raw) + 2)
    return Curve(curve.x, tuple(np.clip(curve.y, edge, 1 - edge).tolist()))


def fit_classes(raw: Floats, label: ArrayLike, least_rows: int = LEAST_ROWS) -> tuple[Curve, ...]:
    """Return a curve for each class, one against the rest; `raw` is float[n, classes], `label` int[n]."""
    true = np.asarray(label)
    return tuple(fit_probability(raw[:, number], true == number, least_rows) for number in range(raw.shape[1]))


def fit_mean(raw: ArrayLike, outcome: ArrayLike, least_rows: int = LEAST_ROWS) -> Curve:
    """Return the rising curve from raw numbers, float[n], to the mean outcome, such as a net return, float[n].

    Raise `ModelError` for fewer than `least_rows` rows, and for what is no number.
    """
    given, came = np.asarray(raw, np.float64), np.asarray(outcome, np.float64)
    if given.shape != came.shape or given.size < least_rows or not np.isfinite([given, came]).all():
        raise ModelError(
            f"{given.size} raw values and {came.size} outcomes to calibrate on; allowed: as many, at least "
            f"{least_rows}, all numbers"
        )
    order = np.argsort(given, kind="stable")
    starts = _steps(given[order], least_rows)
    rows = np.diff(np.append(starts, given.size)).astype(np.float64)
    x = np.add.reduceat(given[order], starts) / rows
    y = isotonic_regression(np.add.reduceat(came[order], starts) / rows, sample_weight=rows)
    return _thinned(np.maximum.accumulate(x), np.asarray(y, np.float64))


def _steps(ordered: Floats, least_rows: int) -> NDArray[np.intp]:
    """Return where steps of at least `least_rows` rows begin; equal values share a step, too few at the end join it."""
    changes = np.flatnonzero(np.diff(ordered) > 0) + 1
    starts = [0]
    while (at := int(np.searchsorted(changes, starts[-1] + least_rows))) < len(changes):
        starts.append(int(changes[at]))
    if len(starts) > 1 and ordered.size - starts[-1] < least_rows:
        starts.pop()
    return np.array(starts, np.intp)


def _thinned(x: Floats, y: Floats) -> Curve:
    """Return the curve without the points inside a level stretch: they change nothing."""
    level = np.zeros(len(y), np.bool_)
    level[1:-1] = (y[1:-1] == y[:-2]) & (y[1:-1] == y[2:])
    return Curve(tuple(x[~level].tolist()), tuple(y[~level].tolist()))
