"""What a training beside the loop costs it: `python -m bench.bench_retraining`.

An asyncio loop judges instants of two coins, with candles, kernels, a model and the counts of drift, again and again,
while a process at the lowest priority grows trees. Reference: the same without that process.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.measure import show
from tests.builders import settings
from tests.ml.models import curves, forests, market_rows
from trader.engine.live.retraining import Retraining, environment_of
from trader.ml.candidates import is_candidate
from trader.ml.drift import DayCounts, reference_of
from trader.ml.drift_watch import DriftWatch
from trader.ml.inputs import inputs_of
from trader.ml.pattern_model import PatternModel

#: How long each part is measured, how often an instant falls due, and how often the loop is asked whether it lags.
PART_S, INSTANT_S, LOOK_S = 8.0, 0.02, 0.005
STREAMS = 8
#: A training without end, of the size of a fold of some coin-months.
TRAINING = """
import numpy, xgboost
random = numpy.random.default_rng(1)
rows = random.normal(size=(60_000, 60)).astype("float32")
made = xgboost.DMatrix(rows, random.integers(0, 12, len(rows)))
print("learning", flush=True)
while True:
    xgboost.train({"objective": "multi:softprob", "num_class": 12, "max_depth": 5, "nthread": 1}, made, 30)
"""


class Loop(NamedTuple):
    """Lags of the loop and times of an instant, seconds."""

    lags: NDArray[np.float64]
    instants: NDArray[np.float64]


def watch() -> DriftWatch:
    """Return a watch of drift."""
    rows = market_rows()
    asked = is_candidate(rows)
    counts = DayCounts(np.array([len(rows)]), np.array([int(asked.sum())]))
    return DriftWatch(reference_of(inputs_of(rows[asked]), {"1min": counts}, [], []))


async def judge_instants(model: PatternModel, drift: DriftWatch, end: float) -> list[float]:
    """Judge instants until `end`; return what each took."""
    rows, at, taken = market_rows(), 0, []
    names = ["1min"] * STREAMS
    while time.perf_counter() < end:
        part = rows[at : at + STREAMS]
        began = time.perf_counter()
        model.verdicts(part)
        drift.see(at * 60_000, names, part)
        taken.append(time.perf_counter() - began)
        at = (at + STREAMS) % (len(rows) - STREAMS)
        await asyncio.sleep(INSTANT_S)
    return taken


async def measure_lag(end: float) -> list[float]:
    """Return by how much a task comes later than it asked for, again and again until `end`."""
    lags = []
    while time.perf_counter() < end:
        began = time.perf_counter()
        await asyncio.sleep(LOOK_S)
        lags.append(time.perf_counter() - began - LOOK_S)
    return lags


async def measured(model: PatternModel, drift: DriftWatch) -> Loop:
    """Return what the loop did for a while."""
    end = time.perf_counter() + PART_S
    taken, lags = await asyncio.gather(judge_instants(model, drift, end), measure_lag(end))
    return Loop(np.array(lags), np.array(taken))


def is_learning(log: Path) -> bool:
    """Tell whether the training has begun."""
    return log.exists() and b"learning" in log.read_bytes()


async def beside(model: PatternModel, drift: DriftWatch, home: Path) -> Loop:
    """Return the same while a process trains."""
    chosen = settings(STRATEGY="classifier", RETRAIN={"enable": True, "every_days": 1}).RETRAIN
    command, environment = [sys.executable, "-c", TRAINING], environment_of(os.environ, 1)
    job = asyncio.create_task(Retraining(chosen, command, home, lambda: 0, environment=environment).run())
    try:
        while not is_learning(home / "retraining.log"):  # noqa: ASYNC110 - nobody sets an event
            await asyncio.sleep(0.1)
        return await measured(model, drift)
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def rounds(home: Path) -> tuple[list[Loop], list[Loop]]:
    """Return two measurements of each, in turn."""
    model, drift = PatternModel(forests(), curves()), watch()
    await judge_instants(model, drift, time.perf_counter() + 0.5)
    alone, beside_it = [], []
    for _ in range(2):
        alone.append(await measured(model, drift))
        beside_it.append(await beside(model, drift, home))
        (home / "retraining.json").unlink(missing_ok=True)
        (home / "retraining.log").unlink(missing_ok=True)
    return alone, beside_it


def bench_drift() -> None:
    """Print what the counts of an instant take, of the processor's time."""
    drift, rows, names = watch(), market_rows(), ["1min"] * STREAMS
    parts = [rows[at : at + STREAMS] for at in range(0, len(rows) - STREAMS, STREAMS)]
    began = time.process_time()
    for number, part in enumerate(parts):
        drift.see(number * 60_000, names, part)
    taken = (time.process_time() - began) / len(parts)
    show(
        f"drift: counts of an instant of {STREAMS} streams, {is_candidate(rows).mean():.0%} candidates",
        taken * 1e6,
        "µs",
    )


def main() -> None:
    """Print the figures."""
    bench_drift()
    with tempfile.TemporaryDirectory() as home:
        alone, beside_it = asyncio.run(rounds(Path(home)))
    for name, share in (("median", 50), ("99th percentile", 99), ("worst", 100)):
        for what, at in (("lag of the loop", 0), ("instant", 1)):
            quiet, busy = (
                float(np.percentile(np.concatenate([each[at] for each in part]), share)) * 1e3
                for part in (alone, beside_it)
            )
            show(f"{what}, {name}, alone", quiet, "ms")
            show(f"{what}, {name}, beside a training", busy, "ms", busy / quiet, "alone")


if __name__ == "__main__":
    main()
