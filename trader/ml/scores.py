"""How good a model's answers are: pure functions of arrays. What is undefined is NaN, never 0.

`label` is int[n], the true class; `probabilities` float[n, classes]; `hit` is 0 or 1; `probability` float[n] of a 1.
Sums are exact (`math.fsum`) where they end in one figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from trader.core.errors import ModelError
from trader.metrics import mean, ratio

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

#: A model that is sure and wrong would cost infinitely much: probabilities are taken at least this far from 0.
LEAST_PROBABILITY = 1e-15
#: A bin without rows would make the stability index infinite: each counts as at least this share.
LEAST_SHARE = 1e-4


class ClassScore(msgspec.Struct, frozen=True):
    """One class: of the rows called so how many are (precision), of those that are how many are called so (recall)."""

    precision: float
    recall: float
    f1: float
    rows: int
    called: int


class Part(msgspec.Struct, frozen=True):
    """One part of the rows by score: its rows, how often they came true, and that over the rate of all rows."""

    rows: int
    lowest: float
    rate: float
    lift: float


class Importance(msgspec.Struct, frozen=True):
    """What a score loses, on average of the repeats, when a column is shuffled; and how far the repeats differ."""

    name: str
    loss: float
    deviation: float


def confusion(label: ArrayLike, called: ArrayLike, classes: int) -> Counts:
    """Return how many rows of each true class (first axis) were called which class (second axis).

    >>> confusion([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1, 1], [0, 1]]
    """
    true, said = np.asarray(label, np.int64), np.asarray(called, np.int64)
    both = np.concatenate((true, said))
    if true.shape != said.shape or (both.size and not 0 <= both.min() <= both.max() < classes):
        raise ModelError(f"{true.size} labels and {said.size} answers: allowed: as many, each within 0…{classes - 1}")
    return np.bincount(true * classes + said, minlength=classes**2).reshape(classes, classes)


def class_scores(table: Counts) -> tuple[ClassScore, ...]:
    """Return precision, recall and F1 (their harmonic mean) of each class of a confusion.

    Precision is NaN for a class that was never called, recall for one that never was; F1 where neither occurred.
    Source: van Rijsbergen, Information Retrieval (1979).

    >>> class_scores(np.array([[1, 1], [0, 1]]))[1]
    ClassScore(precision=0.5, recall=1.0, f1=0.6666666666666666, rows=1, called=2)
    """
    scores = []
    for number, right in enumerate(np.diag(table).tolist()):
        rows, called = int(table[number].sum()), int(table[:, number].sum())
        f1 = ratio(2 * right, rows + called)
        scores.append(ClassScore(ratio(right, called), ratio(right, rows), f1, rows, called))
    return tuple(scores)


def macro_f1(table: Counts) -> float:
    """Return the mean F1 over the classes that occur: rare patterns count as much as common ones.

    >>> macro_f1(np.array([[2, 0, 0], [0, 1, 1], [0, 0, 0]]))
    0.8333333333333333
    """
    return mean(np.array([score.f1 for score in class_scores(table) if score.rows]))


def log_loss(probabilities: Floats, label: ArrayLike) -> float:
    """Return the mean of `-ln(probability of the true class)`; NaN without rows.

    >>> round(log_loss(np.array([[0.5, 0.5], [0.1, 0.9]]), [0, 1]), 6)
    0.399254
    """
    true = np.asarray(label, np.intp)
    said = np.take_along_axis(probabilities, true[:, None], axis=1)[:, 0].astype(np.float64)
    return mean(-np.log(np.clip(said, LEAST_PROBABILITY, 1.0)))


def binary_log_loss(probability: ArrayLike, hit: ArrayLike) -> float:
    """Return the log loss of one question, answered by yes or no.

    >>> binary_log_loss([0.5, 0.5], [1, 0]) == math.log(2)
    True
    """
    said = np.asarray(probability, np.float64)
    return log_loss(np.column_stack((1 - said, said)), hit)


def brier(probability: ArrayLike, hit: ArrayLike) -> float:
    """Return the mean squared distance of probability and outcome, 0…1; NaN without rows.

    Source: Brier, Verification of Forecasts Expressed in Terms of Probability (1950), in its one-sided form.

    >>> round(brier([0.8, 0.4], [1, 0]), 6)
    0.1
    """
    return mean((np.asarray(probability, np.float64) - np.asarray(hit, np.float64)) ** 2)


def brier_expected(probability: ArrayLike) -> float:
    """Return the Brier score that `probability` has on average if it is right: what live outcomes are held against.

    >>> brier_expected([0.5, 0.5])
    0.25
    """
    said = np.asarray(probability, np.float64)
    return mean(said * (1 - said))


def class_brier(probabilities: Floats, label: ArrayLike) -> float:
    """Return the Brier score over all classes, 0…2: the squared distances of a row are added up.

    >>> class_brier(np.array([[0.0, 1.0], [1.0, 0.0]]), [0, 0])
    1.0
    """
    true = np.eye(probabilities.shape[1])[np.asarray(label, np.intp)]
    return mean(((probabilities - true) ** 2).sum(axis=1))


def lift(score: ArrayLike, outcome: ArrayLike, parts: int = 10) -> tuple[Part, ...]:
    """Return the rows in `parts` equal parts by score, highest first: how often, or how much, each part came true.

    `outcome` is 0 or 1, or an amount such as the net return. Equal scores keep the order of the rows. The lift is NaN
    where the mean of all rows is not above 0.

    >>> [part.lift for part in lift([0.9, 0.8, 0.2, 0.1], [1, 1, 1, 0], parts=2)]
    [1.3333333333333333, 0.6666666666666666]
    """
    given, came = np.asarray(score, np.float64), np.asarray(outcome, np.float64)
    base = mean(came)
    found = []
    for rows in np.array_split(np.argsort(-given, kind="stable"), parts):
        rate = mean(came[rows])
        lowest = float(given[rows[-1]]) if len(rows) else math.nan
        found.append(Part(len(rows), lowest, rate, ratio(rate, base)))
    return tuple(found)


def stability_index(expected: ArrayLike, actual: ArrayLike, bins: int = 10) -> float:
    """Return the population stability index of one input: how far `actual` has moved from `expected`.

    `sum((a - e) * ln(a / e))` over the shares in bins of equal counts of `expected`; missing values are a bin of their
    own. By custom, below 0.1 nothing has moved, above 0.25 much has. NaN without rows on either side.
    Source: Siddiqi, Credit Risk Scorecards (2006).

    >>> stability_index([1, 2, 3, 4], [1, 2, 3, 4], bins=2)
    0.0
    """
    before, after = np.asarray(expected, np.float64).ravel(), np.asarray(actual, np.float64).ravel()
    if not before.size or not after.size:
        return math.nan
    known = before[~np.isnan(before)]
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins)) if known.size else np.empty(0)
    shares = [np.maximum(_counts(each, edges) / each.size, LEAST_SHARE) for each in (before, after)]
    return math.fsum((shares[1] - shares[0]) * np.log(shares[1] / shares[0]))


def permutation_importance(
    predict: Callable[[NDArray[np.float32]], NDArray[np.floating]],
    rows: NDArray[np.float32],
    score: Callable[[NDArray[np.floating]], float],
    names: Sequence[str],
    *,
    seed: int,
    repeats: int = 3,
) -> tuple[Importance, ...]:
    """Return for each column what `score` of the prediction loses when that column alone is shuffled; most first.

    A higher `score` is a better one. `rows`, float[n, columns], stay as they are. Columns that say the same share
    their importance. Source: Breiman, Random Forests, Machine Learning 45 (2001).
    """
    if rows.ndim != 2 or rows.shape[1] != len(names) or repeats < 1:
        raise ModelError(f"rows are {list(rows.shape)}, names {len(names)}: allowed: a name for each column")
    random = np.random.default_rng(seed)
    base = score(predict(rows))
    worked = rows.copy()
    found = []
    for column, name in enumerate(names):
        losses = np.empty(repeats)
        for at in range(repeats):
            worked[:, column] = random.permutation(rows[:, column])
            losses[at] = base - score(predict(worked))
        worked[:, column] = rows[:, column]
        found.append(Importance(name, mean(losses), float(losses.std())))
    return tuple(sorted(found, key=lambda each: (-each.loss, each.name)))


def _counts(values: Floats, edges: Floats) -> Counts:
    """Return how many values lie between the edges, and at the end how many are missing."""
    place = np.searchsorted(edges, values, side="left")  # NaN sorts behind all
    place[np.isnan(values)] = len(edges) + 1
    return np.bincount(place, minlength=len(edges) + 2)
