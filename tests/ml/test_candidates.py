"""The cascade keeps all that the geometry scores, and what is about to break."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders import walk
from tests.indicators.samples import real
from tests.ml.test_inputs import rows_of
from trader.core.signal import Pattern
from trader.ml import candidates
from trader.ml.candidates import is_candidate, qualities
from trader.ml.features import FEATURES


def row(**values: float) -> NDArray[np.float64]:
    """Return one row of features that is 0 but for `values`."""
    out = np.zeros((1, len(FEATURES)))
    for name, value in values.items():
        out[0, FEATURES.index(name)] = value
    return out


def columns(rows: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    return rows[:, [FEATURES.index(f"{kind}_{pattern}") for pattern in Pattern]]


@pytest.mark.parametrize("pattern", Pattern)
def test_the_least_score_of_any_pattern_makes_a_candidate(pattern: Pattern) -> None:
    assert is_candidate(row(**{f"score_{pattern}": 1e-9})).all()


@pytest.mark.parametrize("pattern", Pattern)
def test_a_good_formation_near_its_line_is_a_candidate_and_a_poor_or_far_one_is_none(pattern: Pattern) -> None:
    near, quality = f"near_{pattern}", f"quality_{pattern}"
    assert is_candidate(row(**{near: 0.5, quality: 0.3})).all()
    assert not is_candidate(row(**{near: 0.49, quality: 0.9})).any()
    assert not is_candidate(row(**{near: 1.0, quality: 0.29})).any()


def test_nearness_of_one_pattern_and_quality_of_another_make_no_candidate() -> None:
    assert not is_candidate(row(near_double_top=1.0, quality_double_bottom=1.0)).any()


def test_rows_are_judged_each_alone_in_any_layout() -> None:
    rows = rows_of(walk(3_000, seed=1, sigma=0.003))
    seen = is_candidate(rows)
    assert seen.tolist() == [bool(is_candidate(each[np.newaxis])[0]) for each in rows]
    assert is_candidate(np.asfortranarray(rows)).tolist() == seen.tolist()
    assert is_candidate(rows[:0]).shape == (0,)


@pytest.mark.parametrize("coin", ["BTCUSDT", "ETHUSDT"])
def test_a_month_keeps_every_score_and_asks_about_less_than_a_third_of_the_candles(coin: str) -> None:
    rows = rows_of(real(f"spot/{coin}-1m-2025", 44_640))
    scored = (columns(rows, "score") > 0.0).any(axis=1)
    kept = is_candidate(rows)
    assert kept[scored].all()
    assert scored.mean() < kept.mean() < 0.33


def test_a_score_is_at_most_the_quality_of_its_formation() -> None:
    rows = rows_of(walk(20_000, seed=2, sigma=0.003))
    assert qualities(rows).tobytes() == columns(rows, "quality").tobytes()
    assert (columns(rows, "score") <= qualities(rows)).all()


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(candidates).failed == 0
