"""Scores of what was said of the test spans: of all rows, of a fold, of a month, of a coin."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.engine.train.fold import CLASSES
from trader.engine.train.proof.alone import signals_of
from trader.engine.train.proof.facts import Chances, Classes, Group
from trader.engine.train.proof.outside import Made, Rows
from trader.metrics import mean
from trader.ml.calibration import calibration_error, top_calibration_error
from trader.ml.pattern_model import NONE
from trader.ml.scores import binary_log_loss, brier, class_brier, class_scores, confusion, log_loss, macro_f1

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Names = NDArray[np.str_]


class Scored(msgspec.Struct, frozen=True, eq=False):
    """Candidates with what they are held against: `shares` float64[folds, 12] of each fold's training span."""

    rows: Rows
    shares: Floats

    def classes(self, which: Flags) -> Classes:
        """Return how the candidates `which` were recognised."""
        label, said = self.rows.label[which], self.rows.probabilities[which]
        blind = self.shares[self.rows.fold[which]]
        table = confusion(label, said.argmax(axis=1), CLASSES)
        return Classes(
            len(label),
            log_loss(said, label),
            log_loss(blind, label),
            class_brier(said, label),
            class_brier(blind, label),
            top_calibration_error(said, label),
            macro_f1(table),
            tuple(tuple(row) for row in table.tolist()),
            class_scores(table),
        )

    def losses(self, which: Flags) -> tuple[int, float, float]:
        """Return how many candidates `which` are, their log loss, and that of the training shares."""
        label = self.rows.label[which]
        blind = self.shares[self.rows.fold[which]]
        return len(label), log_loss(self.rows.probabilities[which], label), log_loss(blind, label)

    def likeliest(self) -> tuple[Floats, Flags]:
        """Return the probability of each candidate's most probable pattern, and whether that was right."""
        said = self.rows.probabilities[:, :NONE]
        best = said.argmax(axis=1)
        return said[np.arange(len(best)), best], best == self.rows.label

    def called(self) -> tuple[Floats, Flags]:
        """Return the probability of the class that each candidate was called, and whether that was right."""
        best = self.rows.probabilities.argmax(axis=1)
        return self.rows.probabilities[np.arange(len(best)), best], best == self.rows.label


def chances(made: Made) -> Chances:
    """Return how well it was known which of these entries win."""
    hit = made.net > 0
    share = np.full(len(made), np.clip(mean(hit.astype(np.float64)), 1e-6, 1 - 1e-6))
    return Chances(
        len(made),
        mean(hit.astype(np.float64)),
        binary_log_loss(made.chance, hit),
        binary_log_loss(share, hit),
        brier(made.chance, hit),
        brier(share, hit),
        calibration_error(made.chance, hit),
        mean(made.expected),
        mean(made.net),
    )


def groups(scored: Scored, taken: Made, named: Callable[[Rows | Made], Names], span: tuple[int, int]) -> list[Group]:
    """Return the figures of each part of the rows, as `named` names them, in the order of the names."""
    of_rows, of_taken = named(scored.rows), named(taken)
    found = []
    for name in np.unique(np.concatenate([of_rows, of_taken])).tolist():
        own = of_taken == name
        signals = signals_of(taken.time[own], taken.net[own], *span)
        found.append(Group(name, *scored.losses(of_rows == name), signals))
    return found


def month(time: NDArray[np.int64]) -> Names:
    """Return the UTC month of each time in ms, as in `2025-03`."""
    return time.astype("datetime64[ms]").astype("datetime64[M]").astype(np.str_)


def named_by(values: Sequence[str], numbers: NDArray[np.int64]) -> Names:
    """Return the name of each number."""
    return np.array(values, np.str_)[numbers]
