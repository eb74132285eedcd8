"""The model that is stored: learned to the end of the span but for its calibration, and described.

How good it is, the folds say: they are other models of the same plan, each judged on what it had not seen.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
import xgboost

from trader.core.settings import Settings
from trader.engine.train.fold import Learned, Lesson, Plan, Stream
from trader.engine.train.plans import BESIDE_TREES, MOST_BYTES, smaller
from trader.engine.train.walk import RULES, Keep, Walked, fold_digests
from trader.ml.registry.metadata import Span as Used
from trader.ml.splits import Fold, split
from trader.patterns.labels import LabelRules

#: Told what of the model is being learned, how many rounds are done, and the score.
PartTold = Callable[[str, int, float], None]
#: The libraries whose version may change what is learned.
LIBRARIES = ("numpy", "numba", "scikit-learn")


def final_model(
    streams: Sequence[Stream],
    fold: Fold,
    rules: Settings,
    plan: Plan,
    keep: Keep,
    told: PartTold,
    most_bytes: int = MOST_BYTES - BESIDE_TREES,
) -> tuple[Learned, Plan]:
    """Return the model of the last fold, and the plan by which it was made: fewer rounds, where its trees
    took more than `most_bytes`."""
    while True:
        (digest,) = fold_digests(streams, [fold], rules, plan)
        learned = keep.find_learned(digest)
        if learned is None:
            learned = Lesson(streams, fold, rules, plan, told).learn()
            keep.put(digest, learned)
        size = size_of(learned)
        if size <= most_bytes or plan.recogniser.rounds == 1:
            return learned, plan
        plan = smaller(plan, most_bytes / size)


def size_of(learned: Learned) -> int:
    """Return how many bytes the trees of a model take."""
    return sum(map(len, learned.content.values()))


def files_of(learned: Learned) -> dict[str, bytes]:
    """Return the parts of a model as files of a version."""
    return {f"{part}.json": content for part, content in learned.content.items()}


def used(streams: Sequence[Stream], market: str, folds: Sequence[Fold], last: Fold) -> tuple[Used, ...]:
    """Return what each stream's candles were for: `train` and `calibrate` of the model that is kept, and `test`: on
    which the folds were judged."""
    found = []
    for stream in streams:
        samples = stream.samples
        kept = split(last, samples.time, samples.label_end)
        tested = [split(fold, samples.time, samples.label_end).test for fold in folds]
        for use, start, end, rows in (
            ("train", last.train_start, last.train_end, len(kept.train)),
            ("calibrate", last.calibrate_start, last.calibrate_end, len(kept.calibrate)),
            ("test", folds[0].test_start, folds[-1].test_end, sum(map(len, tested))),
        ):
            found.append(Used(use, market, samples.symbol, samples.timeframe.value, start, end, rows))
    return tuple(found)


def scores_of(walked: Sequence[Walked]) -> dict[str, float | None]:
    """Return the figures of all tests together, each fold by its rows or its entries; what is undefined is None."""
    recognised = [(each.judged.recognised, each.judged.recognised.rows) for each in walked]
    traded = [(each.judged.traded, each.judged.traded.entries) for each in walked]
    found: dict[str, float | None] = {"candidates": sum(rows for _, rows in recognised)}
    for name in ("log_loss", "log_loss_of_shares", "calibration_error", "macro_f1", "early"):
        found[f"recogniser_{name}"] = _mean((getattr(each, name), rows) for each, rows in recognised)
    found["entries"] = sum(entries for _, entries in traded)
    for name in ("won", "net", "log_loss", "log_loss_of_share", "calibration_error", "net_of_better_half"):
        found[f"success_{name}"] = _mean((getattr(each, name), entries) for each, entries in traded)
    return found


def _mean(weighted: Iterable[tuple[float, int]]) -> float | None:
    known = [(value, weight) for value, weight in weighted if weight and math.isfinite(value)]
    total = sum(weight for _, weight in known)
    return math.fsum(value * weight for value, weight in known) / total if total else None


def parameters_of_run(plan: Plan, rules: Settings) -> dict[str, Any]:
    """Return how a model was grown, and the settings by which entries ended: another fee is another model."""
    chosen = rules.model_dump(mode="json", include=set(RULES))
    return {"plan": msgspec.to_builtins(plan), "rules": chosen}


def labels_of(rules: LabelRules) -> dict[str, Any]:
    """Return the settings of the labels."""
    return dict(msgspec.structs.asdict(rules))


def libraries() -> dict[str, str]:
    """Return the versions of what it was trained with."""
    return {"python": platform.python_version(), "xgboost": xgboost.__version__} | {
        name: version(name) for name in LIBRARIES
    }
