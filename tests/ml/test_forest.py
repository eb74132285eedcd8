"""Walked trees give what XGBoost gives, bit for bit, and a row does not depend on those beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from trader.core.errors import ModelError
from trader.ml.forest import Forest, logistic, softmax

CLASSES, INPUTS = 5, 7


def rows_of(count: int, seed: int) -> NDArray[np.float32]:
    """Return random rows; some values are missing, some lie right on each other."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, INPUTS)).astype(np.float32).round(2)
    rows[random.random(rows.shape) < 0.05] = np.nan
    return rows


def trained(objective: str, **options: Any) -> xgboost.Booster:
    """Train a small booster on what the first two inputs say."""
    rows = rows_of(600, 1)
    said = np.nan_to_num(rows[:, 0]) + 0.5 * np.nan_to_num(rows[:, 1])
    target = {
        "multi:softprob": np.clip(np.floor(said + 2.5), 0, CLASSES - 1),
        "binary:logistic": (said > 0.3).astype(float),
        "reg:squarederror": said,
    }[objective]
    wanted = {"objective": objective, "max_depth": 4, "nthread": 1, "seed": 3, **options}
    return xgboost.train(wanted, xgboost.DMatrix(rows, target), 12)


def forest_of(booster: xgboost.Booster) -> Forest:
    """Return its trees, which XGBoost agrees with."""
    forest = Forest.read(bytes(booster.save_raw("json")))
    forest.check(lambda rows: booster.predict(xgboost.DMatrix(rows), output_margin=True))
    return forest


BOOSTERS = [("multi:softprob", {"num_class": CLASSES}), ("binary:logistic", {}), ("reg:squarederror", {})]


@pytest.mark.parametrize(("objective", "options"), BOOSTERS)
def test_the_sums_are_those_of_xgboost_to_the_bit(objective: str, options: dict[str, Any]) -> None:
    booster = trained(objective, **options)
    rows = rows_of(500, 2)
    rows[0], rows[1] = np.nan, 1e30
    theirs = booster.predict(xgboost.DMatrix(rows, missing=np.nan), output_margin=True)
    ours = forest_of(booster).margins(rows)
    assert ours.tobytes() == theirs.reshape(ours.shape).tobytes()


def test_a_row_is_the_same_alone_and_in_any_batch() -> None:
    forest = forest_of(trained("multi:softprob", num_class=CLASSES))
    rows = rows_of(200, 4)
    together = softmax(forest.margins(rows))
    alone = np.concatenate([softmax(forest.margins(rows[at : at + 1])) for at in range(len(rows))])
    assert alone.tobytes() == together.tobytes()


def test_probabilities_are_those_of_xgboost_and_sum_to_one() -> None:
    booster = trained("multi:softprob", num_class=CLASSES)
    rows = rows_of(300, 5)
    ours = softmax(forest_of(booster).margins(rows))
    np.testing.assert_allclose(ours, booster.predict(xgboost.DMatrix(rows)), atol=1e-6)
    np.testing.assert_allclose(ours.sum(axis=1), 1.0, atol=1e-12)
    binary = trained("binary:logistic")
    one = logistic(forest_of(binary).margins(rows))
    np.testing.assert_allclose(one, binary.predict(xgboost.DMatrix(rows)), atol=1e-6)


def test_margins_that_are_large_neither_overflow_nor_turn_into_nothing() -> None:
    rows = np.array([[3e4, -3e4, 0.0], [-3e4, -3e4, -3e4]], np.float32)
    np.testing.assert_allclose(softmax(rows), [[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])


def test_rows_of_another_width_or_kind_are_refused() -> None:
    forest = forest_of(trained("binary:logistic"))
    for wrong in (np.zeros((2, INPUTS + 1), np.float32), np.zeros((2, INPUTS)), np.zeros(INPUTS, np.float32)):
        with pytest.raises(ModelError, match=rf"allowed: float32\[n, {INPUTS}\]"):
            forest.margins(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "fault"),
    [({"booster": "gblinear"}, "a gblinear booster"), ({"objective": "count:poisson"}, "of count:poisson")],
)
def test_what_cannot_be_walked_is_refused(options: dict[str, str], fault: str) -> None:
    rows = rows_of(50, 1)
    wanted = {"objective": "reg:squarederror", **options}
    target = np.abs(np.nan_to_num(rows[:, 0]))
    with pytest.raises(ModelError, match=fault):
        forest_of(xgboost.train(wanted, xgboost.DMatrix(np.nan_to_num(rows), target), 2))


def test_trees_that_say_otherwise_than_xgboost_are_refused() -> None:
    forest = forest_of(trained("reg:squarederror"))
    other = trained("reg:squarederror", max_depth=3)
    with pytest.raises(ModelError, match="other sums than XGBoost"):
        forest.check(lambda rows: other.predict(xgboost.DMatrix(rows), output_margin=True))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"learner": {"gradient_booster": {}}}', b"\xff"])
def test_what_is_no_model_is_refused_by_its_name(text: bytes) -> None:
    with pytest.raises(ModelError, match=r"models/a/model\.json: not the JSON of a booster"):
        Forest.read(text, "models/a/model.json")
