"""Builders: pattern models that were trained on what a generated market shows, in a second."""

from __future__ import annotations

from functools import cache
from pathlib import Path

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
from trader.ml.registry.metadata import Description, Inputs
from trader.ml.registry.store import Registry
from trader.ml.version import CURRENT

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
    return {part: Forest.read(content) for part, content in contents().items()}


@cache
def contents(seed: int = 1) -> dict[str, bytes]:
    """Return those forests as JSON; each seed gives others."""
    inputs = inputs_of(market_rows()[is_candidate(market_rows())])
    random = np.random.default_rng(seed + 2)
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


def description(*timeframes: str, success: bool = True) -> Description:
    """Return what is stored with them."""
    given = Inputs(CURRENT.names, CURRENT.kernels, timeframes or ("1min", "5min"))
    calibration = curves() if success else {RECOGNISER: curves()[RECOGNISER]}
    return Description(created=1, inputs=given, spans=(), data_sha256="0" * 64, seed=1, calibration=calibration)


def registered(folder: Path, versions: int = 2, success: bool = True) -> Registry:
    """Return a registry with versions of the model "patterns", each other than the others; the first is current."""
    made = Registry(folder)
    for seed in range(1, versions + 1):
        parts = [RECOGNISER, *((SUCCESS, EXPECTED) if success else ())]
        files = {f"{part}.json": contents(seed)[part] for part in parts}
        made.add("patterns", description(success=success), files)
    made.promote("patterns", "v0001", at=1)
    return made


def _trained(objective: str, rows: NDArray[np.float32], target: NDArray[np.generic], **options: int) -> bytes:
    wanted = {"objective": objective, "max_depth": 3, "nthread": 1, "seed": 1, **options}
    booster = xgboost.train(wanted, xgboost.DMatrix(rows, target), 8)
    content = bytes(booster.save_raw("json"))
    Forest.read(content).check(lambda asked: booster.predict(xgboost.DMatrix(asked), output_margin=True))
    return content
