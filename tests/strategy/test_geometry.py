"""The geometry strategy: the best pattern of a candle is the opinion."""

from __future__ import annotations

import numpy as np
import pytest

from trader.core.signal import Pattern
from trader.ml.features import FEATURES
from trader.strategy.base import PATTERNS
from trader.strategy.geometry import GeometryStrategy


def row(**scores: float) -> np.ndarray:
    """Return a row of features that is 7 everywhere but for the scores of patterns, 0 unless given."""
    values = np.full(len(FEATURES), 7.0)
    for pattern in Pattern:
        values[FEATURES.index(f"score_{pattern}")] = scores.pop(pattern.value, 0.0)
    assert not scores
    return values


def opinion(values: np.ndarray) -> tuple[int, float, float]:
    seen = GeometryStrategy().evaluate(values[np.newaxis])
    return int(seen.pattern[0]), float(seen.probability[0]), float(seen.strength[0])


def test_the_best_score_is_the_opinion() -> None:
    seen = opinion(row(double_top=0.7, flag_bearish=0.8, wedge_rising=0.1))
    assert seen == (PATTERNS.index(Pattern.FLAG_BEARISH), 0.8, 0.8)


def test_nothing_is_seen_where_all_scores_are_0() -> None:
    assert opinion(row()) == (-1, 0.0, 0.0)


def test_of_equal_scores_the_first_pattern_counts() -> None:
    seen = opinion(row(flag_bullish=0.7, double_bottom=0.7, wedge_falling=0.7))
    assert PATTERNS[seen[0]] == Pattern.DOUBLE_BOTTOM


@pytest.mark.parametrize("pattern", Pattern)
def test_each_pattern_has_its_column(pattern: Pattern) -> None:
    assert PATTERNS[opinion(row(**{pattern.value: 0.5}))[0]] == pattern


def test_many_rows_are_answered_as_each_alone_and_left_as_they_were() -> None:
    random = np.random.default_rng(0)
    rows = np.stack([row(**{p.value: random.choice([0.0, random.random()]) for p in Pattern}) for _ in range(200)])
    before = rows.copy()
    seen = GeometryStrategy().evaluate(rows)
    assert rows.tobytes() == before.tobytes()
    assert seen.pattern.dtype == np.int8
    for i, values in enumerate(rows):
        assert opinion(values) == (seen.pattern[i], seen.probability[i], seen.strength[i])


def test_no_rows_give_no_opinions() -> None:
    seen = GeometryStrategy().evaluate(np.empty((0, len(FEATURES))))
    assert {len(array) for array in seen} == {0}


def test_probability_and_strength_are_arrays_of_their_own() -> None:
    seen = GeometryStrategy().evaluate(row(double_top=0.7)[np.newaxis])
    seen.probability[0] = 0.1
    assert seen.strength[0] == 0.7
