"""What a model says, made honest: rising curves from its raw numbers to how often they came true.

A curve is two plain arrays, stored with the model, and is read by linear interpolation, each row for itself: a row
gets the same bits live and in batch. `trader.ml.isotonic` fits curves; nothing here needs the libraries of training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from trader.core.errors import ModelError

Floats = NDArray[np.float64]

#: Bins of the calibration error, of equal width (Naeini et al. 2015 and Guo et al. 2017 have 10 to 15).
BINS = 10


class Curve(msgspec.Struct, frozen=True):
    """A rising, piecewise linear function: `y` at `x`; outside of them the first or the last `y`."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    def __post_init__(self) -> None:
        values = np.array([*self.x, *self.y])
        rising = all((np.diff(each) >= 0).all() for each in (self.x, self.y))
        if not self.x or len(self.x) != len(self.y) or not rising or not np.isfinite(values).all():
            raise ModelError(
                f"a calibration curve has {len(self.x)} x and {len(self.y)} y; allowed: as many, at least one, all "
                "numbers, none below the one before"
            )


class Lookup:
    """A curve as arrays, to be asked often.

    >>> Lookup(Curve(x=(0.0, 1.0), y=(0.2, 0.6)))([-1.0, 0.5, 2.0]).tolist()
    [0.2, 0.4, 0.6]
    """

    def __init__(self, curve: Curve) -> None:
        self._x, self._y = np.array(curve.x), np.array(curve.y)

    def __call__(self, raw: ArrayLike) -> Floats:
        """Return the value at each of `raw`, float64[n]; NaN stays NaN."""
        found: Floats = np.interp(np.asarray(raw, np.float64), self._x, self._y)
        return found


class ClassLookup:
    """One curve for each class, one against the rest; the calibrated probabilities of a row sum to 1.

    Source: Zadrozny and Elkan, Transforming Classifier Scores into Accurate Multiclass Probability Estimates (2002).
    """

    def __init__(self, curves: Sequence[Curve]) -> None:
        self._lookups = [Lookup(curve) for curve in curves]

    def __call__(self, raw: ArrayLike) -> Floats:
        """Return probabilities, float64[n, classes]; a row of which no class is left keeps what it was.

        Sums go class by class, so that a row has the same bits in whatever company and memory order.
        """
        given = np.asarray(raw, np.float64)
        if given.ndim != 2 or given.shape[1] != len(self._lookups):
            raise ModelError(f"raw probabilities are {list(given.shape)}; allowed: [n, {len(self._lookups)}]")
        made = np.empty(given.shape)
        total = np.zeros(len(given))
        for column, lookup in enumerate(self._lookups):
            made[:, column] = lookup(given[:, column])
            total += made[:, column]
        none = total <= 0
        made[none], total[none] = given[none], 1.0
        return made / total[:, None]


class Reliability(msgspec.Struct, frozen=True):
    """For bins of equal width in 0…1: rows in each, their mean probability and how often it came true.

    Bins without rows have NaN in both. Written as JSON, NaN is null.
    """

    rows: tuple[int, ...]
    probability: tuple[float, ...]
    came_true: tuple[float, ...]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of both, weighted by rows; NaN without any."""
        told = zip(self.rows, self.probability, self.came_true, strict=True)
        off = math.fsum(rows * abs(said - true) for rows, said, true in told if rows)
        return off / sum(self.rows) if sum(self.rows) else math.nan


def reliability(probability: ArrayLike, hit: ArrayLike, bins: int = BINS) -> Reliability:
    """Return the reliability of `probability`, each in 0…1, of what came true, `hit`, 0 or 1.

    Source: Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015).

    >>> found = reliability([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 0])
    >>> found.rows, round(found.error, 6)
    ((0, 2, 0, 0, 0, 0, 0, 0, 0, 2), 0.25)
    """
    said, true = np.asarray(probability, np.float64), np.asarray(hit, np.float64)
    if said.shape != true.shape or not ((said >= 0) & (said <= 1)).all():
        raise ModelError(f"{said.size} probabilities, {true.size} outcomes: allowed: as many, each within 0…1")
    place = np.minimum((said * bins).astype(np.intp), bins - 1)
    rows = np.bincount(place, minlength=bins)
    divisor = np.where(rows > 0, rows, np.nan)
    sums = (np.bincount(place, weights=each, minlength=bins) / divisor for each in (said, true))
    means = [tuple(each.tolist()) for each in sums]
    return Reliability(tuple(rows.tolist()), means[0], means[1])


def calibration_error(probability: ArrayLike, hit: ArrayLike, bins: int = BINS) -> float:
    """Return the expected calibration error of one question's probability; NaN without rows.

    >>> calibration_error([0.5, 0.5], [1, 0])
    0.0
    """
    return reliability(probability, hit, bins).error


def top_calibration_error(probabilities: Floats, label: ArrayLike, bins: int = BINS) -> float:
    """Return the calibration error of the likeliest class of each row: how far its probability is from its accuracy.

    Source: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks (2017).
    """
    likeliest = probabilities.argmax(axis=1)
    top = np.take_along_axis(probabilities, likeliest[:, None], axis=1)[:, 0]
    return calibration_error(top, likeliest == np.asarray(label), bins)


def class_calibration_errors(probabilities: Floats, label: ArrayLike, bins: int = BINS) -> tuple[float, ...]:
    """Return the calibration error of each class against the rest.

    Source of their mean, the class-wise error: Kull et al., Beyond Temperature Scaling (2019).
    """
    true = np.asarray(label)
    return tuple(
        calibration_error(probabilities[:, number], true == number, bins) for number in range(probabilities.shape[1])
    )
