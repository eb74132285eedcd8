"""What asking a model costs: `python -m bench.bench_models`.

Trees fitted on noise, so as large as their depth and rounds allow; a model that stopped early is smaller. Reference:
`Booster.inplace_predict` of the same rows, one thread.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xgboost
from numpy.typing import NDArray

from bench.measure import in_turn, show
from trader.ml.forest import Forest, softmax

CLASSES, INPUTS, TRAINED, BATCH = 12, 50, 4_000, 20_000
#: Rounds and depth: many rounds of full trees, and what early stopping leaves.
SHAPES = {"300 rounds of depth 6": (300, 6), "80 rounds of depth 4": (80, 4)}
CANDIDATES = (1, 10, 100)
#: Calls of one measurement.
CALLS = 50


def rows_of(count: int) -> NDArray[np.float32]:
    """Return rows of noise."""
    return np.random.default_rng(count).normal(size=(count, INPUTS)).astype(np.float32)


def booster_of(rounds: int, depth: int) -> xgboost.Booster:
    """Train on noise."""
    classes = np.random.default_rng(1).integers(0, CLASSES, TRAINED)
    wanted = {"objective": "multi:softprob", "num_class": CLASSES, "max_depth": depth, "nthread": 1, "seed": 1}
    return xgboost.train(wanted, xgboost.DMatrix(rows_of(TRAINED), classes), rounds)


def again(work: Callable[[], object], calls: int) -> Callable[[], None]:
    """Return `calls` calls of `work` as one."""

    def many() -> None:
        for _ in range(calls):
            work()

    return many


def bench_rows(name: str, booster: xgboost.Booster, forest: Forest, count: int, calls: int) -> None:
    """Print what so many rows at once take."""
    rows = rows_of(count)
    theirs, ours = (
        again(lambda: booster.inplace_predict(rows), calls),
        again(lambda: softmax(forest.margins(rows)), calls),
    )
    _, (taken, ratio) = in_turn(theirs, ours)
    show(f"model of {name}: {count:,} candidates at once", taken / calls * 1e6, "µs", ratio, "inplace_predict")


def main() -> None:
    """Print the figures."""
    for name, (rounds, depth) in SHAPES.items():
        booster = booster_of(rounds, depth)
        text = bytes(booster.save_raw("json"))
        show(f"model of {name}: stored as JSON", len(text) / 1e6, "MB")
        for count in CANDIDATES:
            bench_rows(name, booster, Forest.read(text), count, CALLS)
        bench_rows(name, booster, Forest.read(text), BATCH, 1)


if __name__ == "__main__":
    main()
