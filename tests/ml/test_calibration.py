"""Calibrated numbers rise with the raw ones, have the same bits in any company, and come true as often as they say."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from trader.core.errors import ModelError
from trader.ml.calibration import (
    ClassLookup,
    Curve,
    Floats,
    Lookup,
    calibration_error,
    class_calibration_errors,
    reliability,
    top_calibration_error,
)
from trader.ml.isotonic import LEAST_ROWS, fit_classes, fit_mean, fit_probability

CLASSES = 12


def overconfident(rows: int, seed: int) -> tuple[Floats, Floats]:
    """Return raw probabilities that say twice what they know, and what came true."""
    random = np.random.default_rng(seed)
    true = random.random(rows)
    raw = np.clip(0.5 + 2 * (true - 0.5), 0, 1)
    return raw, (random.random(rows) < true).astype(float)


def classes(rows: int, seed: int) -> tuple[Floats, Floats]:
    """Return raw probabilities of 12 classes, sharper than what is known of them, and the labels."""
    random = np.random.default_rng(seed)
    true = random.dirichlet(np.full(CLASSES, 0.5), rows)
    label = np.array([random.choice(CLASSES, p=row) for row in true])
    sharp = true**2
    return sharp / sharp.sum(axis=1, keepdims=True), label


def test_probabilities_that_say_too_much_come_true_after_calibration() -> None:
    curve = fit_probability(*overconfident(20_000, seed=1))
    raw, hit = overconfident(20_000, seed=2)
    assert calibration_error(raw, hit) > 0.1
    assert calibration_error(Lookup(curve)(raw), hit) < 0.02


def test_each_class_comes_true_after_calibration_and_a_row_sums_to_one() -> None:
    lookup = ClassLookup(fit_classes(*classes(8_000, seed=3)))
    raw, label = classes(4_000, seed=4)
    made = lookup(raw)
    assert np.abs(made.sum(axis=1) - 1).max() < 1e-12
    assert top_calibration_error(raw, label) > 0.1
    assert top_calibration_error(made, label) < 0.04
    assert max(class_calibration_errors(made, label)) < 0.02


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(-1, 1)), min_size=LEAST_ROWS, max_size=200),
    st.lists(st.floats(-10, 10), min_size=2, max_size=50),
)
def test_a_curve_never_falls_and_stays_within_what_came_true(
    pairs: list[tuple[float, float]], asked: list[float]
) -> None:
    raw, came = np.array(pairs).T
    made = Lookup(fit_mean(raw, came))(sorted(asked))
    assert (np.diff(made) >= 0).all()
    assert made.min() >= came.min() - 1e-9
    assert made.max() <= came.max() + 1e-9


def test_with_steps_of_one_row_the_curve_is_that_of_the_library() -> None:
    random = np.random.default_rng(5)
    raw, came = random.random(500), random.normal(size=500)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(raw, came)
    asked = random.random(1_000)
    assert np.allclose(Lookup(fit_mean(raw, came, least_rows=1))(asked), theirs.predict(asked), atol=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 3, 17, 400])
def test_a_row_has_the_same_bits_alone_and_in_any_company(rows: int) -> None:
    raw, label = classes(2_000, seed=6)
    lookup = ClassLookup(fit_classes(raw, label))
    whole = lookup(raw[:400])
    parts = np.concatenate([lookup(raw[at : min(at + rows, 400)]) for at in range(0, 400, rows)])
    assert parts.tobytes() == whole.tobytes()
    assert np.ascontiguousarray(lookup(np.asfortranarray(raw[:400]))).tobytes() == whole.tobytes()
    single = Lookup(fit_probability(raw[:, 0], label == 0))
    assert [float(single([value])[0]) for value in raw[:50, 0]] == single(raw[:50, 0]).tolist()


def test_a_stored_curve_gives_the_same_bits() -> None:
    curve = fit_probability(*overconfident(3_000, seed=7))
    stored = msgspec.json.decode(msgspec.json.encode(curve), type=Curve)
    asked = np.random.default_rng(8).random(1_000)
    assert Lookup(stored)(asked).tobytes() == Lookup(curve)(asked).tobytes()


def test_float32_of_a_booster_is_taken_as_it_is() -> None:
    lookup = Lookup(Curve((0.0, 1.0), (0.0, 1.0)))
    raw = np.float32([0.1, 0.7])
    assert lookup(raw).tolist() == [float(raw[0]), float(raw[1])]


def test_one_lucky_row_does_not_make_a_certainty() -> None:
    raw, hit = np.arange(200.0), np.zeros(200)
    hit[199] = 1
    curve = fit_probability(raw, hit)
    assert curve.y[-1] == 1 / LEAST_ROWS
    assert curve.y[0] == 1 / 202


def test_a_class_that_never_came_stays_possible_and_rare() -> None:
    raw, label = classes(1_000, seed=9)
    (curve,) = [fit_classes(raw, np.where(label == 3, 0, label))[3]]
    assert set(curve.y) == {1 / 1_002}


def test_equal_raw_values_share_one_probability() -> None:
    hit = np.arange(300) % 3 == 0
    assert fit_probability(np.full(300, 0.4), hit).y == (1 / 3,)


def test_the_expected_return_is_calibrated_in_its_own_unit() -> None:
    random = np.random.default_rng(10)
    known = random.normal(0, 0.004, 20_000)
    curve = fit_mean(3 * known, known + random.normal(0, 0.01, 20_000))
    asked = np.linspace(-0.006, 0.006, 9)
    assert np.abs(Lookup(curve)(3 * asked) - asked).max() < 0.001


def test_reliability_puts_each_probability_into_its_bin_the_last_includes_one() -> None:
    found = reliability([0.0, 0.05, 0.1, 0.95, 1.0], [0, 1, 1, 1, 1])
    assert found.rows == (2, 1, 0, 0, 0, 0, 0, 0, 0, 2)
    assert found.came_true[0] == 0.5
    assert math.isnan(found.came_true[5])
    assert found.error == pytest.approx((2 * abs(0.025 - 0.5) + abs(0.1 - 1) + 2 * abs(0.975 - 1)) / 5)
    assert math.isnan(reliability([], []).error)
    assert b'"came_true":[0.5,1.0,null,' in msgspec.json.encode(found)


def test_a_row_of_which_no_class_is_left_keeps_what_it_was() -> None:
    never = Curve((0.0,), (0.0,))
    assert ClassLookup([never, never])([[0.25, 0.75]]).tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize(
    ("x", "y"),
    [((), ()), ((0.0,), ()), ((1.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 0.0)), ((0.0, math.nan), (0.0, 1.0))],
)
def test_a_curve_that_falls_or_has_holes_is_refused(x: tuple[float, ...], y: tuple[float, ...]) -> None:
    with pytest.raises(ModelError, match="allowed: as many, at least one"):
        Curve(x, y)


def test_what_cannot_be_calibrated_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ModelError, match=r"19 raw values .* at least 20"):
        fit_mean(np.zeros(19), np.zeros(19))
    with pytest.raises(ModelError, match="all numbers"):
        fit_mean(np.full(30, np.nan), np.zeros(30))
    with pytest.raises(ModelError, match=r"\[1, 3\]; allowed: \[n, 2\]"):
        ClassLookup([Curve((0.0,), (0.5,))] * 2)([[0.1, 0.2, 0.7]])
    with pytest.raises(ModelError, match="each within 0…1"):
        calibration_error([1.2], [1])
