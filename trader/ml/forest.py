"""Trained trees as flat arrays, walked by compiled code: a row costs microseconds, live and in batch the same bits.

XGBoost trains and stores them; its own predictor takes milliseconds for a row, and importing it takes a second and 120
MB. So a daemon reads the stored JSON alone; that the walk gives what XGBoost gives is checked when a model is made.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled_for_threads
from trader.core.errors import ModelError

Rows = NDArray[np.float32]
Integers = NDArray[np.int32]
Floats = NDArray[np.float64]

#: Objectives whose margins are known here, by how their base score becomes a margin.
LOGISTIC = ("binary:logistic",)
PLAIN = ("multi:softprob", "multi:softmax", "reg:squarederror", "reg:pseudohubererror", "reg:absoluteerror")
#: Rows that are walked through one tree after another: few enough to stay in the processor's cache.
BLOCK = 64
#: Rows on which trees are compared with XGBoost, and how far sums of float32 may differ.
PROBES, TOLERANCE = 64, 1e-4
LEAF = -1


class Nodes(NamedTuple):
    """All nodes of all trees, a tree's one behind another; the right child stands behind the left one.

    `split` int32: twice the index of the input, one more where a missing value goes left; -1 in a leaf. `value`
    float32: a value below it goes left; in a leaf what it adds. `left` int32: index of the left child.
    `first` int32[trees]: where a tree begins; `output` int32[trees]: what it adds to. `base` float32[outputs].
    """

    split: Integers
    value: Rows
    left: Integers
    first: Integers
    output: Integers
    base: Rows


class Forest:
    """The trees of a booster, for `inputs` columns and as many `outputs`."""

    def __init__(self, nodes: Nodes, inputs: int) -> None:
        self._nodes = nodes
        self.inputs = inputs
        self.outputs = len(nodes.base)
        self.trees = len(nodes.first)

    @classmethod
    def read(cls, text: bytes, where: str = "a model") -> Forest:
        """Return the forest that a booster's JSON describes; raise `ModelError` where it cannot be walked here."""
        try:
            learner = json.loads(text)["learner"]
            kind, objective = learner["gradient_booster"]["name"], learner["objective"]["name"]
            if kind != "gbtree" or objective not in (*LOGISTIC, *PLAIN):
                allowed = ", ".join((*LOGISTIC, *PLAIN))
                raise ModelError(f"{where}: a {kind} booster of {objective}; allowed: gbtree with {allowed}")
            return cls(_nodes(learner, objective), int(learner["learner_model_param"]["num_feature"]))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise ModelError(f"{where}: not the JSON of a booster ({type(error).__name__}: {error})") from None

    def margins(self, rows: Rows) -> Rows:
        """Return the sums of the trees, float32[n, outputs], for `rows`, float32[n, inputs]; NaN is a missing value."""
        if rows.ndim != 2 or rows.shape[1] != self.inputs or rows.dtype != np.float32:
            raise ModelError(f"rows are {rows.dtype}{list(rows.shape)}; allowed: float32[n, {self.inputs}]")
        sums = np.empty((len(rows), self.outputs), np.float32)
        _walk(np.ascontiguousarray(rows), *self._nodes, sums)
        return sums

    def check(self, predict: Callable[[Rows], Floats | Rows]) -> None:
        """Raise `ModelError` where `predict`, XGBoost's own margins of rows, says otherwise than these trees do.

        It is asked about rows whose values are thresholds of the trees, and about missing ones.
        """
        random = np.random.default_rng(0)
        levels = self._nodes.value[self._nodes.split != LEAF]
        drawn = random.choice(levels, (PROBES, self.inputs)) if len(levels) else np.zeros((PROBES, self.inputs))
        rows = drawn.astype(np.float32)
        rows[random.random(rows.shape) < 0.05] = np.nan
        ours = self.margins(rows)
        theirs = predict(rows).reshape(ours.shape)
        worst = float(np.abs(ours - theirs).max())
        if not worst <= TOLERANCE * max(1.0, float(np.abs(theirs).max())):
            raise ModelError(f"the trees give other sums than XGBoost does: {worst:g} off")


def softmax(margins: Rows) -> Floats:
    """Return the probabilities of n rows of margins, float64[n, outputs], each row for itself."""
    out = np.empty(margins.shape)
    _softmax(margins, out)
    return out


def logistic(margins: Rows) -> Floats:
    """Return the probability of each margin, float64[n], for margins of one output."""
    out = np.empty(len(margins))
    _logistic(margins[:, 0].copy(), out)
    return out


def _nodes(learner: dict[str, Any], objective: str) -> Nodes:
    model = learner["gradient_booster"]["model"]
    outputs = max(1, int(learner["learner_model_param"]["num_class"]))
    split: list[int] = []
    value: list[float] = []
    left: list[int] = []
    first: list[int] = []
    for tree in model["trees"]:
        first.append(len(split))
        _append(tree, split, value, left)
    return Nodes(
        np.array(split, np.int32),
        np.array(value, np.float32),
        np.array(left, np.int32),
        np.array(first, np.int32),
        np.array(model["tree_info"], np.int32),
        _base(learner, outputs, objective),
    )


def _append(tree: dict[str, Any], split: list[int], value: list[float], left: list[int]) -> None:
    """Put a tree's nodes behind all others, level by level, so that siblings stand side by side."""
    if any(tree["split_type"]):
        raise ModelError("a tree splits by category, which is not walked here; allowed: numbers")
    start, order, at = len(split), [0], 0
    while at < len(order):
        node = order[at]
        at += 1
        child = tree["left_children"][node]
        value.append(tree["split_conditions"][node])
        if child == LEAF:
            split.append(LEAF)
            left.append(LEAF)
            continue
        split.append(2 * tree["split_indices"][node] + tree["default_left"][node])
        left.append(start + len(order))
        order += [child, tree["right_children"][node]]


def _base(learner: dict[str, Any], outputs: int, objective: str) -> Rows:
    """Return what the sums begin with; a text of one number, or of one for each output."""
    text = learner["learner_model_param"]["base_score"]
    scores = json.loads(text) if text.startswith("[") else [float(text)]
    if objective in LOGISTIC:
        scores = [math.log(score / (1.0 - score)) for score in scores]
    return np.broadcast_to(np.array(scores, np.float32), (outputs,)).copy()


@compiled_for_threads
def _walk(
    rows: Rows,
    split: Integers,
    value: Rows,
    left: Integers,
    first: Integers,
    output: Integers,
    base: Rows,
    sums: Rows,
) -> None:
    """Add up the leaves of each row, tree by tree in their order: the sum does not depend on the other rows."""
    count = len(rows)
    for start in range(0, count, BLOCK):
        end = min(count, start + BLOCK)
        for row in range(start, end):
            for each in range(len(base)):
                sums[row, each] = base[each]
        for tree in range(len(first)):
            to = output[tree]
            for row in range(start, end):
                node = first[tree]
                code = split[node]
                while code >= 0:
                    seen = rows[row, code >> 1]
                    goes_left = seen < value[node] if seen == seen else code & 1 == 1
                    node = left[node] if goes_left else left[node] + 1
                    code = split[node]
                sums[row, to] += value[node]


@compiled_for_threads
def _softmax(margins: Rows, out: Floats) -> None:
    for row in range(margins.shape[0]):
        top = margins[row].max()
        total = 0.0
        for each in range(margins.shape[1]):
            out[row, each] = math.exp(float(margins[row, each]) - float(top))
            total += out[row, each]
        for each in range(margins.shape[1]):
            out[row, each] /= total


@compiled_for_threads
def _logistic(margins: Rows, out: Floats) -> None:
    for row in range(len(margins)):
        out[row] = 1.0 / (1.0 + math.exp(-float(margins[row])))
