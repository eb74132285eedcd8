"""No sample learns from what judges it: over random spans, times and ends of labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trader.core.errors import ConfigError
from trader.ml.splits import Fold, Parts, Times, around, hold_back, overlaps, split, walk_forward

LENGTH = 1_000


@st.composite
def samples(draw: st.DrawFn) -> tuple[Times, Times]:
    """Draw times of samples in any order, some equal as those of several coins are, and the ends of their labels."""
    drawn = draw(st.lists(st.tuples(st.integers(-50, LENGTH + 50), st.integers(0, 300)), max_size=80))
    times = np.array([time for time, _ in drawn], np.int64)
    return times, times + np.array([horizon for _, horizon in drawn], np.int64)


@st.composite
def folds(draw: st.DrawFn) -> Fold:
    """Draw spans anywhere: training before, behind or around those that judge it."""
    edges = sorted(draw(st.lists(st.integers(0, LENGTH), min_size=4, max_size=4)))
    train = sorted(draw(st.lists(st.integers(0, LENGTH), min_size=2, max_size=2)))
    return Fold(*train, *edges, embargo_ms=draw(st.integers(0, 100)))


def reaching(times: Times, label_ends: Times, start: int, end: int) -> list[int]:
    """Return the samples that need a moment within a span, one by one and by the definition."""
    spans = zip(times.tolist(), label_ends.tolist(), strict=True)
    return [at for at, (time, known) in enumerate(spans) if any(start <= each < end for each in range(time, known + 1))]


@given(folds(), samples())
def test_no_horizon_of_training_or_calibration_overlaps_the_test_nor_one_of_training_the_calibration(
    fold: Fold, drawn: tuple[Times, Times]
) -> None:
    times, label_ends = drawn
    parts = split(fold, times, label_ends)
    judged = set(reaching(times, label_ends, fold.test_start, fold.test_end))
    assert not judged & {*parts.train.tolist(), *parts.calibrate.tolist()}
    assert not set(reaching(times, label_ends, fold.calibrate_start, fold.calibrate_end)) & set(parts.train.tolist())
    assert overlaps(fold, parts, times, label_ends) == []


@given(folds(), samples())
def test_nothing_is_left_out_without_a_reason(fold: Fold, drawn: tuple[Times, Times]) -> None:
    times, label_ends = drawn
    parts = split(fold, times, label_ends)
    assert [at for at, time in enumerate(times) if fold.test_start <= time < fold.test_end] == parts.test.tolist()
    spans = ((fold.calibrate_start, fold.calibrate_end), (fold.test_start, fold.test_end))
    for at in sorted(set(np.flatnonzero((times >= fold.train_start) & (times < fold.train_end))) - set(parts.train)):
        early = [start < end and label_ends[at] >= start for start, end in spans]
        late = [start < end and times[at] < end + fold.embargo_ms for start, end in spans]
        assert any(a and b for a, b in zip(early, late, strict=True))


@given(folds(), samples())
def test_training_behind_a_test_span_waits_for_the_embargo(fold: Fold, drawn: tuple[Times, Times]) -> None:
    times, label_ends = drawn
    behind = times[split(fold, times, label_ends).train]
    if fold.test_start < fold.test_end:
        assert not ((behind >= fold.test_end) & (behind < fold.test_end + fold.embargo_ms)).any()


@given(st.integers(1, 6), st.integers(1, 90), st.integers(1, 90), st.none() | st.integers(1, 300), st.integers(0, 50))
def test_a_walk_tests_each_moment_once_and_never_learns_from_later_ones(
    number: int, test_ms: int, calibrate_ms: int, train_ms: int | None, embargo_ms: int
) -> None:
    walk = walk_forward(
        0, LENGTH, folds=number, test_ms=test_ms, calibrate_ms=calibrate_ms, train_ms=train_ms, embargo_ms=embargo_ms
    )
    assert len(walk) == number
    assert walk[-1].test_end == LENGTH
    assert [fold.test_start for fold in walk[1:]] == [fold.test_end for fold in walk[:-1]]
    for fold in walk:
        assert 0 <= fold.train_start < fold.train_end
        assert fold.train_end + embargo_ms == fold.calibrate_start
        assert fold.calibrate_start + calibrate_ms == fold.calibrate_end
        assert fold.calibrate_end + embargo_ms == fold.test_start
        assert train_ms is None or fold.train_end - fold.train_start <= train_ms


def test_a_span_too_short_for_its_folds_is_refused_with_what_is_missing() -> None:
    with pytest.raises(ConfigError, match=r"too short for 9 folds: 910 ms .* 900 ms are there; allowed: fewer folds"):
        walk_forward(0, 900, folds=9, test_ms=100, calibrate_ms=10)


def test_folds_around_share_out_the_whole_span_and_train_on_both_sides() -> None:
    times = np.arange(LENGTH)
    found = [split(fold, times, times + 5) for fold in around(0, LENGTH, folds=4, embargo_ms=10)]
    tested = np.concatenate([np.concatenate((parts.calibrate, parts.test)) for parts in found])
    assert len(np.unique(tested)) == len(tested) == LENGTH - 4 * 5  # what calibrates must not look into its test
    assert found[1].train.min() == 0
    assert found[1].train.max() == LENGTH - 1
    assert 500 + 9 not in found[1].train
    assert 500 + 10 in found[1].train


@given(samples(), st.floats(0.05, 0.95))
def test_early_stopping_is_judged_behind_all_that_was_fitted(drawn: tuple[Times, Times], share: float) -> None:
    times, label_ends = drawn
    if not len(times):
        return
    fit, stop = hold_back(np.arange(len(times)), times, label_ends, share)
    assert len(stop)
    assert not len(fit) or label_ends[fit].max() < times[stop].min()


def test_a_label_that_is_known_as_early_stopping_begins_to_be_judged_is_too_late() -> None:
    times = np.arange(10)
    fit, stop = hold_back(np.arange(10), times, times + 1, share=0.2)
    assert (fit.tolist(), stop.tolist()) == ([0, 1, 2, 3, 4, 5, 6], [8, 9])


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (Parts(np.array([1]), np.array([], int), np.array([], int)), "1 training labels reach into the test span"),
        (Parts(np.array([], int), np.array([1]), np.array([], int)), "1 calibration labels reach into the test span"),
        (Parts(np.array([0]), np.array([], int), np.array([], int)), "1 training labels reach into the calibration"),
    ],
)
def test_a_planted_leak_is_found(planted: Parts, said: str) -> None:
    fold = Fold(0, 100, 100, 200, 200, 300)
    times, label_ends = np.array([90, 190]), np.array([100, 200])
    assert any(fault.startswith(said) for fault in overlaps(fold, planted, times, label_ends))
    assert overlaps(fold, split(fold, times, label_ends), times, label_ends) == []


@pytest.mark.parametrize("spans", [(0, 10, 20, 10, 30, 40), (0, 10, 10, 30, 20, 40), (10, 0, 10, 20, 20, 30)])
def test_a_fold_whose_spans_are_out_of_order_is_refused(spans: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="allowed: calibration, then its test"):
        Fold(*spans)


def test_a_label_that_ends_before_its_sample_is_refused() -> None:
    with pytest.raises(ConfigError, match="each label ends at or after its time"):
        split(Fold(0, 1, 1, 2, 2, 3), np.array([5]), np.array([4]))
