"""A model answers a row the same in any company, only candidates are looked at, and what does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ml.models import AS_IT_IS, curves, forests, market_rows
from trader.core.errors import ModelError
from trader.core.signal import PATTERN_DIRECTION, Pattern
from trader.ml.candidates import is_candidate, qualities
from trader.ml.inputs import INPUTS
from trader.ml.pattern_model import EXPECTED, NONE, PATTERNS, RECOGNISER, SUCCESS, PatternModel, with_extra
from trader.strategy.classifier import ClassifierStrategy


@pytest.fixture(scope="module")
def model() -> PatternModel:
    return PatternModel(forests(), curves())


def test_a_row_has_the_same_verdict_alone_and_in_any_batch(model: PatternModel) -> None:
    rows = market_rows()[:3_000]
    together = model.verdicts(rows)
    assert (together.pattern >= 0).sum() > 20
    for at in [*np.flatnonzero(together.pattern >= 0)[:20], 0, 1]:
        alone = model.verdicts(rows[at : at + 1])
        assert [part.tobytes() for part in alone] == [part[at : at + 1].tobytes() for part in together]


def test_nothing_is_seen_where_the_geometry_sees_no_candidate(model: PatternModel) -> None:
    rows = market_rows()
    seen = model.verdicts(rows)
    silent = seen.pattern < 0
    assert not (~silent & ~is_candidate(rows)).any()
    assert 0 < (~silent).sum() < is_candidate(rows).sum(), "what is most probably nothing is not seen either"
    assert not seen.probability[silent].any()
    assert not seen.strength[silent].any()
    assert np.isnan(seen.expected[silent]).all()
    assert np.isfinite(seen.expected[~silent]).all()
    assert ((seen.probability[~silent] > 0) & (seen.probability[~silent] <= 1)).all()


def test_strength_is_the_quality_of_the_formation_that_is_seen(model: PatternModel) -> None:
    rows = market_rows()
    seen = model.verdicts(rows)
    found = np.flatnonzero(seen.pattern >= 0)
    assert (seen.strength[found] == qualities(rows)[found, seen.pattern[found]]).all()


def test_the_success_model_is_told_the_side_of_the_trade() -> None:
    inputs = np.zeros((NONE + 1, len(INPUTS)), np.float32)
    triangle = PATTERNS.index(Pattern.SYMMETRICAL_TRIANGLE)
    inputs[:, [each.name for each in INPUTS].index("ema50_distance_atr")] = 1.0
    inputs[NONE] *= -1.0
    pattern = np.array([*range(NONE), triangle])
    wide = with_extra(inputs, pattern, np.full(NONE + 1, 0.7), np.full(NONE + 1, 0.6))
    sides = wide[:, len(INPUTS)]
    assert {PATTERNS[at]: sides[at] for at in range(NONE) if at != triangle} == PATTERN_DIRECTION
    assert (sides[triangle], sides[NONE]) == (1.0, -1.0), "the symmetrical triangle goes with the trend"
    assert (wide[:, len(INPUTS) + 3 :].argmax(axis=1) == pattern).all()


def test_without_a_success_model_nothing_is_expected() -> None:
    alone = PatternModel({RECOGNISER: forests()[RECOGNISER]}, curves())
    seen = alone.verdicts(market_rows()[:3_000])
    assert (seen.pattern >= 0).any()
    assert np.isnan(seen.success).all()
    assert np.isnan(seen.expected).all()


@pytest.mark.parametrize(
    ("parts", "calibration", "fault"),
    [
        ({}, curves(), "without a recogniser"),
        ({RECOGNISER: forests()[SUCCESS]}, curves(), f"the recogniser has .* allowed: {len(INPUTS)} and 12"),
        ({RECOGNISER: forests()[RECOGNISER]}, {RECOGNISER: (AS_IT_IS,)}, "1 calibration curves; allowed: 12"),
        ({each: forests()[each] for each in (RECOGNISER, SUCCESS)}, curves(), f"without a {EXPECTED}"),
    ],
)
def test_what_is_not_whole_is_refused(parts: dict, calibration: dict, fault: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ModelError, match=fault):
        PatternModel(parts, calibration)


def test_the_strategy_has_the_models_opinion(model: PatternModel) -> None:
    rows = market_rows()[:2_000]
    before = rows.copy()
    opinions, verdicts = ClassifierStrategy(model).evaluate(rows), model.verdicts(rows)
    assert [each.tobytes() for each in opinions] == [each.tobytes() for each in verdicts]
    assert rows.tobytes() == before.tobytes()
