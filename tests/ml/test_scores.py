"""Scores have the values that their definitions give, held against another library or a count by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as theirs
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trader import metrics
from trader.core.errors import ModelError
from trader.ml.calibration import Floats
from trader.ml.scores import (
    binary_log_loss,
    brier,
    brier_expected,
    class_brier,
    class_scores,
    confusion,
    lift,
    log_loss,
    macro_f1,
    permutation_importance,
    stability_index,
)

CLASSES = 4


def answers(rows: int = 300, seed: int = 1) -> tuple[Floats, NDArray[np.intp]]:
    """Return probabilities and labels of some rows; every class occurs."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(CLASSES), rows)
    return probabilities, np.array([random.choice(CLASSES, p=row) for row in probabilities])


def test_the_scores_of_classes_are_those_of_another_library() -> None:
    probabilities, label = answers()
    called = probabilities.argmax(axis=1)
    table = confusion(label, called, CLASSES)
    assert table.tolist() == theirs.confusion_matrix(label, called).tolist()
    told = theirs.precision_recall_fscore_support(label, called)
    ours = [(score.precision, score.recall, score.f1, score.rows) for score in class_scores(table)]
    assert np.allclose(np.array(ours).T, np.array(told))
    assert macro_f1(table) == pytest.approx(theirs.f1_score(label, called, average="macro"))


def test_the_losses_are_those_of_another_library() -> None:
    probabilities, label = answers()
    hit, said = label == 2, probabilities[:, 2]
    assert log_loss(probabilities, label) == pytest.approx(theirs.log_loss(label, probabilities))
    assert binary_log_loss(said, hit) == pytest.approx(theirs.log_loss(hit, said))
    assert brier(said, hit) == pytest.approx(theirs.brier_score_loss(hit, said))
    assert class_brier(probabilities, label) == pytest.approx(
        sum(brier(probabilities[:, number], label == number) for number in range(CLASSES))
    )


def test_a_class_that_never_occurs_has_no_recall_and_does_not_count() -> None:
    table = confusion([0, 0, 1], [0, 2, 1], 3)
    third = class_scores(table)[2]
    assert (third.precision, third.f1, third.rows, third.called) == (0.0, 0.0, 0, 1)
    assert math.isnan(third.recall)
    assert macro_f1(table) == pytest.approx((2 / 3 + 1) / 2)


def test_without_rows_there_is_no_score() -> None:
    nothing = np.empty((0, 2))
    assert math.isnan(log_loss(nothing, []))
    assert math.isnan(brier([], []))
    assert math.isnan(stability_index([], [1.0]))
    assert [part.rows for part in lift([], [], parts=2)] == [0, 0]


def test_a_sure_and_wrong_answer_costs_much_but_not_infinitely_much() -> None:
    assert 30 < log_loss(np.array([[1.0, 0.0]]), [1]) < 40


def test_a_calibrated_model_reaches_the_brier_score_that_it_expects() -> None:
    random = np.random.default_rng(2)
    probability = random.random(50_000)
    hit = random.random(50_000) < probability
    assert abs(brier(probability, hit) - brier_expected(probability)) < 0.003
    assert abs(brier(probability, random.permutation(hit)) - brier_expected(probability)) > 0.1


def test_the_lift_falls_from_part_to_part_for_a_score_that_knows() -> None:
    random = np.random.default_rng(3)
    probability = random.random(5_000)
    parts = lift(probability, random.random(5_000) < probability)
    assert [part.rows for part in parts] == [500] * 10
    assert [part.lift for part in parts] == sorted((part.lift for part in parts), reverse=True)
    assert parts[0].lift > 1.8
    assert parts[0].lowest > parts[1].lowest
    assert math.fsum(part.lift for part in parts) == pytest.approx(10)


def test_the_lift_of_returns_is_their_mean_and_has_no_ratio_when_all_lose() -> None:
    best, worst = lift([2, 1], [-0.001, -0.003], parts=2)
    assert (best.rate, worst.rate) == (-0.001, -0.003)
    assert math.isnan(best.lift)


def test_the_stability_index_counts_what_moved() -> None:
    before = np.repeat([0.0, 1.0], [50, 50])
    after = np.repeat([0.0, 1.0], [80, 20])
    by_hand = (0.8 - 0.5) * math.log(0.8 / 0.5) + (0.2 - 0.5) * math.log(0.2 / 0.5)
    assert stability_index(before, after) == pytest.approx(by_hand)


@given(st.integers(0, 2**32 - 1))
def test_the_stability_index_is_small_for_the_same_source_and_large_for_another(seed: int) -> None:
    random = np.random.default_rng(seed)
    before = random.normal(size=4_000)
    assert 0 <= stability_index(before, random.normal(size=4_000)) < 0.05
    assert stability_index(before, random.normal(0.7, size=4_000)) > 0.25


def test_values_that_begin_to_be_missing_are_drift() -> None:
    before = np.random.default_rng(4).normal(size=1_000)
    after = np.where(before > np.quantile(before, 0.9), np.nan, before)  # no other bin moves
    assert stability_index(before, before) == 0
    assert stability_index(before, after) > 0.25


def test_only_columns_that_matter_are_important_and_the_rows_stay_as_they_are() -> None:
    rows = np.random.default_rng(5).normal(size=(400, 3)).astype(np.float32)
    kept = rows.copy()
    truth = 2 * rows[:, 0] + rows[:, 2]

    def score(predicted: NDArray[np.floating]) -> float:
        return -float(((predicted - truth) ** 2).mean())

    found = permutation_importance(lambda x: 2 * x[:, 0] + x[:, 2], rows, score, ("a", "b", "c"), seed=1)
    assert [each.name for each in found] == ["a", "c", "b"]
    assert found[0].loss > 2 * found[1].loss > 0
    assert (found[2].loss, found[2].deviation) == (0, 0)
    assert (rows == kept).all()
    again = permutation_importance(lambda x: 2 * x[:, 0] + x[:, 2], rows, score, ("a", "b", "c"), seed=1)
    assert again == found


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ModelError, match="each within 0…1"):
        confusion([0, 2], [0, 1], 2)
    with pytest.raises(ModelError, match="2 labels and 1 answers"):
        confusion([0, 1], [0], 2)
    with pytest.raises(ModelError, match="a name for each column"):
        permutation_importance(lambda x: x, np.zeros((2, 2), np.float32), lambda x: 0.0, ("a",), seed=1)


# --- the Sharpe ratio, less what choosing gives -----------------------------------------------------------------------


def test_the_deflated_sharpe_ratio_is_that_of_the_papers_example() -> None:
    """Five years of days, 2.5 a year observed, the best of 100 whose ratios have a variance of 1/2 a year."""
    best = metrics.expected_best_sharpe(100, 0.5 / 250)
    assert best == pytest.approx(0.1132, abs=5e-5)
    assert metrics.probabilistic_sharpe(2.5 / math.sqrt(250), best, 1_250, -3, 10) == pytest.approx(0.9004, abs=5e-5)


def test_each_further_trial_makes_the_same_result_less_believable() -> None:
    returns = np.random.default_rng(6).normal(0.001, 0.01, 365)
    found = [metrics.deflated_sharpe(returns, trials, 0.002) for trials in (1, 2, 10, 100, 10_000)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9 > found[-1]
    alone = metrics.sharpe(returns) / math.sqrt(365)
    assert found[0] == metrics.probabilistic_sharpe(alone, 0.0, 365, *metrics.moments(returns))


def test_the_best_of_many_without_skill_is_not_believed() -> None:
    random = np.random.default_rng(7)
    tried = random.normal(0, 0.01, (200, 365))
    ratios = np.array([metrics.sharpe(returns) for returns in tried]) / math.sqrt(365)
    best = tried[ratios.argmax()]
    assert metrics.deflated_sharpe(best, 1, 0.0) > 0.95
    assert metrics.deflated_sharpe(best, len(tried), float(ratios.var(ddof=1))) < 0.95


def test_without_deviation_or_days_there_is_no_deflated_ratio() -> None:
    assert math.isnan(metrics.deflated_sharpe(np.full(10, 0.01), 5, 0.1))
    assert math.isnan(metrics.deflated_sharpe(np.empty(0), 5, 0.1))
