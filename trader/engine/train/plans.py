"""Plans of a training: the default one, how large its trees may become, and which ones a search may try."""

from __future__ import annotations

from typing import Any

import msgspec

from trader.core.errors import ModelError
from trader.engine.train.fold import CLASSES, Plan
from trader.ml.fitting import Trees

#: A model is part of a repository, and is read whole when a daemon takes it up: all files of a version, bytes.
MOST_BYTES = 3_000_000
#: What of that is left for reports, reference and metadata; the trees may have the rest.
BESIDE_TREES = 700_000
#: What a tree takes as JSON for each leaf that its depth allows, bytes: on three coin-years of minutes it was 118.
BYTES_OF_LEAF = 120


def rounds_within(trees: Trees, outputs: int, most_bytes: int = MOST_BYTES - BESIDE_TREES) -> int:
    """Return how many rounds a part with so many outputs may have: rounds x classes x leaves has a limit.

    >>> rounds_within(Trees(max_depth=4), CLASSES), rounds_within(Trees(max_depth=3), CLASSES)
    (99, 199)
    """
    return max(1, int(most_bytes / (outputs * 2**trees.max_depth * BYTES_OF_LEAF)))


def bounded(plan: Plan) -> Plan:
    """Return `plan` with so few rounds that its model may be expected to stay below `MOST_BYTES`."""
    recogniser, success = plan.recogniser, plan.success
    return msgspec.structs.replace(
        plan,
        recogniser=_with_rounds(recogniser, rounds_within(recogniser, CLASSES)),
        success=_with_rounds(success, rounds_within(success, 1, BESIDE_TREES // 4)),
    )


def _with_rounds(trees: Trees, most: int) -> Trees:
    return msgspec.structs.replace(trees, rounds=min(trees.rounds, most))


def smaller(plan: Plan, share: float) -> Plan:
    """Return `plan` with somewhat less than `share` of the rounds for the recogniser: its model was too large."""
    rounds = max(1, int(plan.recogniser.rounds * min(share, 1.0) * 0.9))
    return msgspec.structs.replace(plan, recogniser=_with_rounds(plan.recogniser, rounds))


def check_size(sizes: dict[str, int]) -> None:
    """Raise `ModelError` where the files of a version, by name, are too large together."""
    total = sum(sizes.values())
    if total > MOST_BYTES:
        told = ", ".join(f"{name} {size:,}" for name, size in sorted(sizes.items(), key=lambda each: -each[1])[:3])
        raise ModelError(
            f"the model has {total:,} bytes ({told}, …); allowed: {MOST_BYTES:,}; train with fewer rounds or flatter "
            "trees"
        )


def suggested(trial: Any, plan: Plan) -> Plan:
    """Return the plan that an optuna trial suggests; seed and threads are those of `plan`."""
    recogniser, success = _trees(trial, "recogniser", plan.recogniser, 5), _trees(trial, "success", plan.success, 4)
    return bounded(msgspec.structs.replace(plan, recogniser=recogniser, success=success))


def parameters_of(plan: Plan) -> dict[str, float]:
    """Return the same as the names and values of a trial, so that a search can begin with a plan that is known."""
    return {
        f"{part}_{name}": getattr(trees, name)
        for part, trees in (("recogniser", plan.recogniser), ("success", plan.success))
        for name in ("max_depth", "eta", "min_child_weight", "subsample", "colsample_bytree", "reg_lambda")
    }


def _trees(trial: Any, part: str, trees: Trees, deepest: int) -> Trees:
    def number(name: str, low: float, high: float) -> float:
        return _rounded(trial.suggest_float(f"{part}_{name}", low, high, log=low > 0 and high / low > 5))

    return msgspec.structs.replace(
        trees,
        max_depth=trial.suggest_int(f"{part}_max_depth", 2, deepest),
        eta=number("eta", 0.03, 0.3),
        min_child_weight=number("min_child_weight", 5.0, 500.0),
        subsample=number("subsample", 0.5, 1.0),
        colsample_bytree=number("colsample_bytree", 0.3, 1.0),
        reg_lambda=number("reg_lambda", 0.1, 30.0),
    )


def _rounded(value: float) -> float:
    """Return `value` to three digits: a plan is read by people."""
    return float(f"{value:.3g}")
