"""Fits the trees of one part of a model: early stopping on data of the training span alone, the same for a seed.

XGBoost gives the same trees for the same rows, parameters, seed and number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import xgboost
from numpy.typing import NDArray

from trader.core.errors import ConfigError
from trader.ml.forest import Forest

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

#: What is minimised on the rows that are held back, by objective.
METRICS = {"multi:softprob": "mlogloss", "binary:logistic": "logloss", "reg:pseudohubererror": "mphe"}
#: The verbosity at which XGBoost says nothing.
SILENT = 0


class Trees(msgspec.Struct, frozen=True):
    """How trees are grown: the parameters of XGBoost under their own names, `rounds` at most, and `patience` rounds
    without a better score before it ends."""

    max_depth: int = 4
    eta: float = 0.1
    rounds: int = 300
    patience: int = 15
    min_child_weight: float = 30.0
    subsample: float = 0.8
    colsample_bytree: float = 0.7
    reg_lambda: float = 1.0

    def __post_init__(self) -> None:
        if not (self.max_depth >= 1 and 0.0 < self.eta <= 1.0 and self.rounds >= 1 and self.patience >= 1):
            raise ConfigError(
                f"trees of depth {self.max_depth}, eta {self.eta}, {self.rounds} rounds, patience {self.patience}; "
                "allowed: 1 or more, eta above 0 and 1 at most"
            )


class Fitted(msgspec.Struct, frozen=True):
    """Trees as JSON of XGBoost, cut off behind the best round, its score, and how many rounds were made."""

    content: bytes
    best_round: int
    best_score: float
    rounds: int

    def forest(self) -> Forest:
        """Return the trees as they are walked."""
        return Forest.read(self.content)


class Target(msgspec.Struct, frozen=True, eq=False):
    """What is to be learned: `objective` of XGBoost, `value` and `weight` float[n]; `classes` where it has some."""

    objective: str
    value: NDArray[np.generic]
    weight: Floats
    classes: int = 0


def class_weights(label: NDArray[np.int8], classes: int) -> Floats:
    """Return a weight for each row, 1 on average: the rarer its class the more, by the root of its share.

    Full weights would make every rare class as loud as "none", and calibration would have to undo all of it.
    """
    count = np.bincount(label, minlength=classes).astype(np.float64)
    weight = 1.0 / np.sqrt(np.maximum(count, 1.0))[label]
    return weight / weight.mean() if len(weight) else weight


def fit(
    inputs: NDArray[np.float32],
    target: Target,
    learn: Rows,
    stop: Rows,
    trees: Trees,
    *,
    seed: int,
    threads: int,
    told: Callable[[int, float], None] = lambda done, score: None,
) -> Fitted:
    """Learn from the rows `learn`, and end when those of `stop` get no better; `told` gets rounds done and the score.

    Raise `ConfigError` where one of them is empty: there is nothing to learn, or nothing to end by.
    """
    if not len(learn) or not len(stop):
        raise ConfigError(f"{len(learn)} rows to learn from and {len(stop)} to stop by; allowed: some of each")
    watched = _matrix(inputs, target, stop, threads)
    booster = xgboost.train(
        _parameters(target, trees, seed, threads),
        _matrix(inputs, target, learn, threads),
        trees.rounds,
        evals=[(watched, "stop")],
        early_stopping_rounds=trees.patience,
        verbose_eval=False,
        callbacks=[_Teller(told)],
    )
    best: xgboost.Booster = booster[: booster.best_iteration + 1]
    fitted = Fitted(
        bytes(best.save_raw("json")), booster.best_iteration, float(booster.best_score), booster.num_boosted_rounds()
    )
    fitted.forest().check(lambda rows: best.predict(xgboost.DMatrix(rows, nthread=threads), output_margin=True))
    return fitted


def _matrix(inputs: NDArray[np.float32], target: Target, rows: Rows, threads: int) -> xgboost.DMatrix:
    """Return these rows; xgboost copies them with as many threads as there are cores unless it is told."""
    return xgboost.DMatrix(inputs[rows], target.value[rows], weight=target.weight[rows], nthread=threads)


def _parameters(target: Target, trees: Trees, seed: int, threads: int) -> dict[str, Any]:
    grown = msgspec.structs.asdict(trees)
    del grown["rounds"], grown["patience"]
    wanted: dict[str, Any] = {"objective": target.objective, "tree_method": "hist", "verbosity": SILENT}
    wanted |= {"eval_metric": METRICS[target.objective], "seed": seed, "nthread": threads}
    return wanted | grown | ({"num_class": target.classes} if target.classes else {})


class _Teller(xgboost.callback.TrainingCallback):
    """Tells how far a training is."""

    def __init__(self, told: Callable[[int, float], None]) -> None:
        super().__init__()
        self._told = told

    def after_iteration(self, model: xgboost.Booster, epoch: int, evals_log: Any) -> bool:
        (scores,) = evals_log["stop"].values()
        self._told(epoch + 1, float(scores[-1]))
        return False
