"""A daemon needs nothing of what trains models: not to begin, and not to ask one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.ml.models import registered
from tests.shared import ROOT

#: What learns, searches, and shares out work; seconds of imports and hundreds of megabytes.
TRAINERS = {"xgboost", "sklearn", "optuna", "joblib", "dask", "distributed", "pandas"}

DAEMON = """
import sys
import numpy as np
import trader.cli.run
import trader.cli.daemon
from tests.builders import settings
from trader.ml.features import FEATURES
from trader.strategy.registry import schedule_of

schedule = schedule_of(settings(STRATEGY="classifier", MODELS_DIR="models", TIMEFRAMES=["1min"]))
print(len(schedule.turns[0].strategy.evaluate(np.ones((3, len(FEATURES)))).pattern))
print(*{name.partition(".")[0] for name in sys.modules})
print(*(name for name in sys.modules if name.startswith("trader.engine.train")))
"""


def test_a_daemon_asks_a_model_without_anything_that_trains(tmp_path: Path) -> None:
    registered(tmp_path / "models", versions=1)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TRADER_")}
    command = [sys.executable, "-c", DAEMON]
    environ = ours | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows, modules, training = done.stdout.splitlines()
    assert rows == "3"
    assert TRAINERS & set(modules.split()) == set()
    assert training == ""
