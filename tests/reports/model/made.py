"""Builder: the evidence of a small walk, made up; every figure of it is another."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np

from trader.core.timeframe import DAY_MS
from trader.engine.train.proof.facts import (
    Chance,
    Chances,
    Classes,
    Curves,
    Evidence,
    Group,
    OfFold,
    Pooled,
    Signals,
    Weight,
)
from trader.ml.calibration import Reliability, reliability
from trader.ml.pattern_model import RECOGNISER, SUCCESS
from trader.ml.scores import Part, class_scores, lift
from trader.patterns.labels import CLASSES

START_MS = 1_735_689_600_000


def evidence(coin: str = "BTCUSDT", **parts: Any) -> Evidence:
    """Return evidence with `parts` in place of its own."""
    random = np.random.default_rng(3)
    rising = count(1)

    def some() -> float:
        return next(rising) / 1_000

    table = random.integers(1, 90, (len(CLASSES), len(CLASSES)))

    def classes() -> Classes:
        rows = tuple(tuple(row) for row in table.tolist())
        return Classes(int(table.sum()), some(), some(), some(), some(), some(), some(), rows, class_scores(table))

    def chances() -> Chances:
        return Chances(900, *(some() for _ in range(8)))

    def signals(entries: int) -> Signals:
        return Signals(entries, 60, some(), some(), some(), some(), some())

    def group(name: str) -> Group:
        return Group(name, 4_000 + next(rising), some(), some(), signals(300 + next(rising)))

    said = random.random(2_000)
    hit = random.random(2_000) < said
    curve: Reliability = reliability(said, hit)
    parts_by_score: tuple[Part, ...] = lift(said, hit)
    days = np.arange(START_MS, START_MS + 40 * DAY_MS, DAY_MS)
    worth = [tuple(np.cumprod(1 + random.normal(0, 0.01, len(days))).round(6).tolist()) for _ in range(3)]
    weights = tuple(Weight(f"input_{number}", some(), 0.05 / number, some()) for number in range(1, 21))
    means = np.sort(random.normal(-0.002, 0.0006, 1_000))
    fold = OfFold("train …, test …", START_MS, START_MS + 20 * DAY_MS, classes(), classes(), chances(), signals(411))
    values = {
        "market": "futures",
        "coins": (coin, "ETHUSDT"),
        "timeframes": ("1min", "5min"),
        "start": START_MS,
        "end": START_MS + 40 * DAY_MS,
        "trials": 40,
        "seed": 1,
        "rules": {"MIN_PROBABILITY": 0.65, "MIN_STRENGTH": 0.6},
        "classes": CLASSES,
        "folds": (fold, fold),
        "recognised": classes(),
        "early": classes(),
        "called": curve,
        "likeliest": curve,
        "lift": parts_by_score,
        "chances": chances(),
        "reliability_won": curve,
        "lift_won": parts_by_score,
        "net_by_expected": lift(said, said - 0.4),
        "weights": {RECOGNISER: weights, SUCCESS: weights[:3]},
        "by_month": (group("2025-01"), group("2025-02")),
        "by_coin": (group(coin), group("ETHUSDT")),
        "by_timeframe": (group("1min"), group("5min")),
        "by_pattern": tuple(group(name) for name in CLASSES),
        "signals": signals(812),
        "geometry": signals(777),
        "chance": Chance(1_000, 9_999, 0.998, float(means.mean()), float(means.std()), 0.003, tuple(means.tolist())),
        "deflated": 0.987,
        "pooled": {
            name: Pooled(500 + next(rising), some(), some(), some(), some(), some(), some())
            for name in ("model", "geometry")
        },
        "hold": 0.1234,
        "hold_drawdown": 0.2345,
        "curves": Curves(tuple(days.tolist()), *worth),
    }
    return Evidence(**values | parts)
