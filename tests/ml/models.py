"""Builders: pattern models that were trained on what a generated market shows, in a second."""

from __future__ import annotations

from functools import cache

import numpy as np
import xgboost
from numpy.typing import NDArray

from trader.core.timeframe import Timeframe
from trader.market.synthetic import SyntheticMarket
from trader.ml.calibration import Curve
from trader.ml.candidates import is_candidate
from trader.ml.features import FEATURES, columns_of, new_state, run
from trader.ml.forest import Forest
from trader.ml.inputs import inputs_of
from trader.ml.pattern_model import EXPECTED, EXTRA, NONE, RECOGNISER, SUCCESS

START_MS = 1_767_571_200_000
CANDLES = 20_000
AS_IT_IS = Curve((0.0, 1.0), (0.0, 1.0))


@cache
def market_rows() -> NDArray[np.float64]:
    """Return the features of a generated market, float64[n, len(FEATURES)]."""
    market = SyntheticMarket(5, ["BTCUSDT"], START_MS)
    table = market.candles("BTCUSDT", Timeframe.MIN_1, START_MS, START_MS + CANDLES * Timeframe.MIN_1.ms)
    rows, kept = np.empty((len(table), len(FEATURES))), np.empty(len(table), np.int64)
    f, i = new_state(Timeframe.MIN_1)
    nothing = np.empty(len(table))
    _, filled = run(f, i, 0, 0, columns_of(table), rows, kept, nothing, nothing.copy())
    return rows[:filled]


@cache
def forests() -> dict[str, Forest]:
    """Return forests that were trained on candidates; what they learned is of no use."""
    inputs = inputs_of(market_rows()[is_candidate(market_rows())])
    random = np.random.default_rng(3)
    near = inputs[:, :NONE]
    classes = np.where(near.max(axis=1) + 0.3 * random.normal(size=len(near)) > 0.7, near.argmax(axis=1), NONE)
    extra = random.normal(size=(len(inputs), len(EXTRA))).astype(np.float32)
    wide, gains = np.hstack((inputs, extra)), random.normal(scale=0.01, size=len(inputs)).astype(np.float32)
    return {
        RECOGNISER: _trained("multi:softprob", inputs, classes, num_class=NONE + 1),
        SUCCESS: _trained("binary:logistic", wide, (gains > 0).astype(np.float32)),
        EXPECTED: _trained("reg:squarederror", wide, gains),
    }


def curves() -> dict[str, tuple[Curve, ...]]:
    """Return a calibration that changes nothing."""
    straight = Curve((-1.0, 1.0), (-1.0, 1.0))
    return {RECOGNISER: (AS_IT_IS,) * (NONE + 1), SUCCESS: (AS_IT_IS,), EXPECTED: (straight,)}


def _trained(objective: str, rows: NDArray[np.float32], target: NDArray[np.generic], **options: int) -> Forest:
    wanted = {"objective": objective, "max_depth": 3, "nthread": 1, "seed": 1, **options}
    booster = xgboost.train(wanted, xgboost.DMatrix(rows, target), 8)
    forest = Forest.read(bytes(booster.save_raw("json")))
    forest.check(lambda asked: booster.predict(xgboost.DMatrix(asked), output_margin=True))
    return forest
