"""Builders: small models that were really trained, and a registry of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from trader.ml.calibration import Curve
from trader.ml.registry.boosters import to_bytes
from trader.ml.registry.metadata import Description, Inputs, Span
from trader.ml.registry.store import Registry
from trader.ml.splits import Fold

INPUTS = Inputs(("a", "b", "c"), {"geometry": "90ab", "indicators": "4f1c"}, ("1min", "5min"))
ROWS = np.random.default_rng(1).normal(size=(300, 3)).astype(np.float32)


def booster(seed: int = 0) -> xgboost.Booster:
    """Return a booster that was really trained, on random rows."""
    label = (ROWS[:, 0] + np.random.default_rng(seed).normal(size=len(ROWS)) > 0).astype(np.float32)
    parameters = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1, "seed": seed}
    return xgboost.train(parameters, xgboost.DMatrix(ROWS, label=label), num_boost_round=5)


SUCCESS = to_bytes(booster(), "success.ubj")


def description(**changes: Any) -> Description:
    """Return the description of a small training."""
    told: dict[str, Any] = {
        "created": 1_767_225_600_000,
        "inputs": INPUTS,
        "spans": (Span("test", "spot", "BTCUSDT", "1min", 0, 60_000, 1),),
        "data_sha256": "5f" * 32,
        "seed": 7,
        "labels": {"horizon": 60, "swings": [1.5, 2]},
        "parameters": {"eta": 0.1},
        "scores": {"log_loss": 0.6931471805599453, "undefined": None},
        "calibration": {"success": (Curve((0.0, 0.1 + 0.2), (0.25, 0.5)),)},
        "libraries": {"xgboost": xgboost.__version__},
        "folds": (Fold(0, 1, 1, 2, 2, 3),),
        "trials": 12,
        "note": "of a test",
    }
    return Description(**(told | changes))


def three_versions(folder: Path) -> Registry:
    """Return a registry with three versions of a model, the second of which is current after the first."""
    made = Registry(folder)
    for seed in range(3):
        made.add("pattern", description(seed=seed), {"success.ubj": SUCCESS, "report.html": b"<p>%d" % seed})
    made.promote("pattern", "v0001", at=1)
    made.promote("pattern", "v0002", at=2)
    return made


def change(path: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def remove(registry: Registry, version: str) -> None:
    """Delete a version of the pattern model."""
    folder = registry.folder / "pattern" / version
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
