"""The strategy that asks a trained model about what the loosened geometry sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader.ml.pattern_model import PatternModel
from trader.strategy.base import OpinionArrays


class ClassifierStrategy:
    """Sees what `model` recognises: its calibrated probability, and as strength the quality of that formation."""

    name = "classifier"
    passes_over = True

    def __init__(self, model: PatternModel) -> None:
        self._model = model

    def evaluate(self, rows: NDArray[np.float64], everywhere: NDArray[np.bool_] | None = None) -> OpinionArrays:
        """Return the pattern of each row of `rows`, float64[n, len(FEATURES)]."""
        return OpinionArrays(*self._model.verdicts(rows, everywhere))
