"""How much each input counts: in the trees themselves, and out of sample, by shuffling it alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from trader.engine.train.fold import Stream
from trader.engine.train.proof.facts import Weight
from trader.engine.train.proof.outside import Asked, Inputs, Made, Rows
from trader.engine.train.walk import Walked
from trader.ml.inputs import INPUTS
from trader.ml.pattern_model import EXTRA, RECOGNISER, SUCCESS, with_extra
from trader.ml.scores import binary_log_loss, log_loss, permutation_importance

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Rows that are shuffled, column by column, and how often: what a column loses is known well enough from these.
SHUFFLED_ROWS, REPEATS = 2_000, 2
NAMES = tuple(each.name for each in INPUTS)
WIDE_NAMES = (*NAMES, *(f"trade_{name}" for name in EXTRA))


def gain_of(content: bytes, inputs: int) -> Floats:
    """Return the sum of what the splits on each input gained, float64[inputs], from the JSON of a booster."""
    found = np.zeros(inputs)
    for tree in json.loads(content)["learner"]["gradient_booster"]["model"]["trees"]:
        inner = np.array(tree["left_children"]) >= 0
        at, gain = np.array(tree["split_indices"])[inner], np.array(tree["loss_changes"], np.float64)[inner]
        np.add.at(found, at, gain)
    return found


def gains(walked: Sequence[Walked], part: str, inputs: int) -> Floats:
    """Return each input's share of the gain, the mean of the folds; 0 everywhere where no tree has split."""
    every = np.array([gain_of(each.learned.content[part], inputs) for each in walked])
    total = every.sum(axis=1, keepdims=True)
    shares: Floats = np.divide(every, total, out=np.zeros_like(every), where=total > 0).mean(axis=0)
    return shares


def of_recogniser(
    streams: Sequence[Stream], rows: Rows, walked: Sequence[Walked], models: Sequence[Asked], seed: int
) -> tuple[Weight, ...]:
    """Return the weights of the recogniser's inputs, those that lose most first."""
    which = _drawn(len(rows), seed)
    inputs = _inputs(streams, rows.stream[which], rows.sample[which])
    label = rows.label[which]
    ask = _by_fold(rows.fold[which], [model.probabilities for model in models])

    def score(said: NDArray[np.floating]) -> float:
        return -log_loss(said.astype(np.float64), label)

    lost = permutation_importance(ask, inputs, score, NAMES, seed=seed, repeats=REPEATS)
    share = dict(zip(NAMES, gains(walked, RECOGNISER, len(NAMES)).tolist(), strict=True))
    return tuple(Weight(each.name, share[each.name], each.loss, each.deviation) for each in lost)


def of_success(
    streams: Sequence[Stream], made: Made, walked: Sequence[Walked], models: Sequence[Asked], seed: int
) -> tuple[Weight, ...]:
    """Return the weights of the success model's inputs, those that lose most first."""
    which = _drawn(len(made), seed)
    inputs = _inputs(streams, made.stream[which], made.sample[which])
    wide = with_extra(inputs, made.pattern[which], made.probability[which], made.strength[which])
    hit = made.net[which] > 0
    ask = _by_fold(made.fold[which], [model.won for model in models])
    lost = permutation_importance(
        ask, wide, lambda said: -binary_log_loss(said, hit), WIDE_NAMES, seed=seed, repeats=REPEATS
    )
    share = dict(zip(WIDE_NAMES, gains(walked, SUCCESS, len(WIDE_NAMES)).tolist(), strict=True))
    return tuple(Weight(each.name, share[each.name], each.loss, each.deviation) for each in lost)


def _drawn(count: int, seed: int) -> Integers:
    if count <= SHUFFLED_ROWS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, SHUFFLED_ROWS, replace=False))


def _inputs(streams: Sequence[Stream], stream: Integers, sample: Integers) -> Inputs:
    """Return the inputs of samples of several streams, row by row."""
    found = np.zeros((len(sample), len(INPUTS)), np.float32)
    for number, each in enumerate(streams):
        own = stream == number
        found[own] = each.samples.inputs[sample[own]]
    return found


def _by_fold(fold: Integers, asked: Sequence[Callable[[Inputs], Floats]]) -> Callable[[Inputs], Floats]:
    """Return what asks about each row the model of its fold."""
    parts = [np.flatnonzero(fold == number) for number in range(len(asked))]
    order = np.argsort(np.concatenate(parts), kind="stable")

    def ask(rows: Inputs) -> Floats:
        return np.concatenate([model(rows[part]) for model, part in zip(asked, parts, strict=True)])[order]

    return ask
