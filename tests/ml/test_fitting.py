"""What is there to be learned is learned, what is not is left, and the same seed gives the same trees."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trader.core.errors import ConfigError
from trader.ml.fitting import Target, Trees, class_weights, fit
from trader.ml.forest import softmax

ROWS, INPUTS, CLASSES = 3_000, 6, 3
RANDOM = np.random.default_rng(7)
GIVEN = RANDOM.normal(size=(ROWS, INPUTS)).astype(np.float32)
SAID = np.digitize(GIVEN[:, 0] + 0.3 * RANDOM.normal(size=ROWS), (-0.7, 0.7)).astype(np.int8)
LEARN, STOP, TEST = np.arange(2_000), np.arange(2_000, 2_500), np.arange(2_500, ROWS)
QUICK = Trees(max_depth=3, eta=0.3, rounds=60, patience=5, min_child_weight=5.0)


def target(label: NDArray[np.int8]) -> Target:
    return Target("multi:softprob", label, class_weights(label, CLASSES), CLASSES)


def test_what_is_there_is_learned() -> None:
    told: list[tuple[int, float]] = []
    fitted = fit(GIVEN, target(SAID), LEARN, STOP, QUICK, seed=1, threads=1, told=lambda *how: told.append(how))
    seen = softmax(fitted.forest().margins(GIVEN[TEST])).argmax(axis=1)
    assert (seen == SAID[TEST]).mean() > 0.75
    assert [done for done, _ in told] == list(range(1, fitted.rounds + 1))
    assert told[fitted.best_round][1] == pytest.approx(fitted.best_score) == min(score for _, score in told)


def test_it_ends_when_what_is_held_back_gets_no_better_and_keeps_the_best_round() -> None:
    shuffled = np.random.default_rng(1).permutation(SAID)
    fitted = fit(GIVEN, target(shuffled), LEARN, STOP, QUICK, seed=1, threads=1)
    assert fitted.rounds == fitted.best_round + 1 + QUICK.patience < QUICK.rounds
    assert fitted.forest().trees == CLASSES * (fitted.best_round + 1)


def test_the_same_seed_gives_the_same_trees_and_another_gives_others() -> None:
    one, same, other = (fit(GIVEN, target(SAID), LEARN, STOP, QUICK, seed=seed, threads=1) for seed in (1, 1, 2))
    assert one.content == same.content
    assert one.content != other.content


def test_rows_that_are_not_named_change_nothing() -> None:
    other = GIVEN.copy()
    other[TEST] = 0.0
    one, same = (fit(rows, target(SAID), LEARN, STOP, QUICK, seed=1, threads=1) for rows in (GIVEN, other))
    assert one.content == same.content


def test_rare_classes_weigh_more_and_all_weigh_one_on_average() -> None:
    label = np.array([0] * 90 + [1] * 10, np.int8)
    weight = class_weights(label, 2)
    assert weight.mean() == pytest.approx(1.0)
    assert weight[-1] / weight[0] == pytest.approx(3.0)


def test_a_number_is_learned_too() -> None:
    value = (0.02 * GIVEN[:, 1]).astype(np.float32)
    wanted = Target("reg:pseudohubererror", value, np.ones(ROWS))
    fitted = fit(GIVEN, wanted, LEARN, STOP, QUICK, seed=1, threads=1)
    assert np.corrcoef(fitted.forest().margins(GIVEN[TEST])[:, 0], value[TEST])[0, 1] > 0.8


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(ConfigError, match="0 rows to learn from and 500 to stop by"):
        fit(GIVEN, target(SAID), LEARN[:0], STOP, QUICK, seed=1, threads=1)
    with pytest.raises(ConfigError, match="trees of depth 0"):
        Trees(max_depth=0)
