"""What asking a model costs: `python -m bench.bench_models`.

First the model that is current: an instant of so many candidates, and a coin-year of minutes from raw candles;
reference: the same with geometry in its place. Then trees alone, fitted on noise, so as large as their depth and rounds
allow; reference: `Booster.inplace_predict` of the same rows, one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import xgboost
from numpy.typing import NDArray

from bench.measure import in_turn, show
from tests.builders import settings
from trader.core.timeframe import Timeframe
from trader.market.synthetic import SyntheticMarket
from trader.ml.candidates import is_candidate
from trader.ml.chunks import feature_chunks
from trader.ml.features import FEATURES
from trader.ml.forest import Forest, softmax
from trader.strategy.base import Strategy
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.opinions import stream_opinions
from trader.strategy.registry import model_turn

CLASSES, INPUTS, TRAINED, BATCH = 12, 50, 4_000, 20_000
#: Rounds and depth: many rounds of full trees, and what early stopping leaves.
SHAPES = {"300 rounds of depth 6": (300, 6), "80 rounds of depth 4": (80, 4)}
CANDIDATES = (1, 10, 100)
START_MS, M1 = 1_767_571_200_000, Timeframe.MIN_1
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


def whole_model() -> Strategy:
    """Return the classifier with the model that is current."""
    strategy = model_turn(settings(STRATEGY="classifier", MODELS_DIR="models"), "patterns", 0).strategy
    assert strategy is not None
    return strategy


def candidates() -> NDArray[np.float64]:
    """Return features of candidates of a generated market, float64[n, len(FEATURES)]."""
    table = SyntheticMarket(5, ["BTCUSDT"], START_MS).candles("BTCUSDT", M1, START_MS, START_MS + 5_000 * M1.ms)
    averages = np.empty(len(table)), np.empty(len(table))
    rows = np.concatenate([rows.copy() for _, rows in feature_chunks(table, 0, 1_024, *averages)])
    assert rows.shape[1] == len(FEATURES)
    return rows[is_candidate(rows)]


def bench_instants(classifier: Strategy) -> None:
    """Print what an instant takes in which so many streams show a candidate."""
    rows, geometry = candidates(), GeometryStrategy()
    for count in CANDIDATES:
        theirs, ours = (again(partial(who.evaluate, rows[:count]), CALLS) for who in (geometry, classifier))
        _, (taken, ratio) = in_turn(theirs, ours)
        show(f"classifier: an instant of {count:,} candidates", taken / CALLS * 1e6, "µs", ratio, "geometry")


def bench_year(classifier: Strategy) -> None:
    """Print what a coin-year of minutes takes, from raw candles to opinions."""
    end = START_MS + 525_600 * M1.ms
    table = SyntheticMarket(6, ["BTCUSDT"], START_MS).candles("BTCUSDT", M1, START_MS, end)
    theirs, ours = (partial(stream_opinions, table, who, 0) for who in (GeometryStrategy(), classifier))
    _, (taken, ratio) = in_turn(theirs, ours, runs=3)
    show("classifier: a coin-year of minutes from raw candles", taken, "s", ratio, "geometry")


def main() -> None:
    """Print the figures."""
    classifier = whole_model()
    bench_instants(classifier)
    bench_year(classifier)
    for name, (rounds, depth) in SHAPES.items():
        booster = booster_of(rounds, depth)
        text = bytes(booster.save_raw("json"))
        show(f"model of {name}: stored as JSON", len(text) / 1e6, "MB")
        for count in CANDIDATES:
            bench_rows(name, booster, Forest.read(text), count, CALLS)
        bench_rows(name, booster, Forest.read(text), BATCH, 1)


if __name__ == "__main__":
    main()
