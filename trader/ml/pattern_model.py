"""A trained model as the program asks it: rows of features in; which pattern, how probable, what it would earn, out.

The recogniser has 12 outputs, the patterns in the order of `Pattern` and then "none". The success model is asked about
the pattern that was recognised; it may be missing. All numbers are calibrated, and a row's do not depend on the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trader.core.errors import ModelError
from trader.core.signal import PATTERN_DIRECTION, Pattern
from trader.ml.calibration import ClassLookup, Curve, Lookup
from trader.ml.candidates import is_candidate, qualities
from trader.ml.forest import Forest, logistic, softmax
from trader.ml.inputs import INPUTS, inputs_of
from trader.ml.registry.metadata import check_inputs
from trader.ml.registry.store import Stored
from trader.ml.version import CURRENT, current_for

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: The parts of a model: each is a file of this name in its version, with the curves of this name in its metadata.
RECOGNISER, SUCCESS, EXPECTED = "recogniser", "success", "expected"
PATTERNS = tuple(Pattern)
NONE = len(PATTERNS)
#: What the success model is given beside the inputs: the side of the trade, how sure the recogniser is, the quality of
#: the formation, and which pattern it is.
EXTRA = ("side", "probability", "strength", *(f"is_{pattern}" for pattern in PATTERNS))
#: The side of each pattern, 0 for the symmetrical triangle: it goes with the trend, as `direction_of` has it.
_SIDES = np.array([float(PATTERN_DIRECTION.get(pattern, 0)) for pattern in PATTERNS])

_TREND = CURRENT.names.index("ema50_distance_atr")


class Verdicts(NamedTuple):
    """What is seen in n rows.

    `pattern` int8[n]: index in the order of `Pattern`, -1 where none is more probable; `probability` and `strength` in
    0…1, 0 where nothing is seen; `success` (that a trade nets more than 0) and `expected` (its net return, a fraction
    of the notional), NaN where nothing is seen or no success model is there; `held_only` bool[n]: it is seen in a row
    that is no candidate. All others float64[n].
    """

    pattern: NDArray[np.int8]
    probability: Floats
    strength: Floats
    success: Floats
    expected: Floats
    held_only: Flags


class PatternModel:
    """The forests and curves of one version of a model."""

    def __init__(self, forests: Mapping[str, Forest], calibration: Mapping[str, Sequence[Curve]]) -> None:
        self._recogniser = _part(forests, RECOGNISER, len(INPUTS), NONE + 1)
        self._classes = ClassLookup(_curves(calibration, RECOGNISER, NONE + 1))
        self._success = self._expected = None
        if SUCCESS in forests:
            width = len(INPUTS) + len(EXTRA)
            self._success = _part(forests, SUCCESS, width, 1)
            self._expected = _part(forests, EXPECTED, width, 1)
            self._won = Lookup(*_curves(calibration, SUCCESS, 1))
            self._earned = Lookup(*_curves(calibration, EXPECTED, 1))

    @classmethod
    def open(cls, stored: Stored, timeframes: Iterable[str]) -> PatternModel:
        """Return the model of a version; raise `ModelError` where it was made for other inputs or is not whole."""
        check_inputs(stored.metadata, current_for(timeframes))
        parts = [part for part in (RECOGNISER, SUCCESS, EXPECTED) if f"{part}.json" in stored.metadata.files]
        forests = {part: Forest.read(stored.read(f"{part}.json"), f"{stored.reference}: {part}") for part in parts}
        return cls(forests, stored.metadata.description.calibration)

    @property
    def tells_success(self) -> bool:
        """Whether it can say what a trade would bring."""
        return self._success is not None

    def verdicts(self, rows: Floats, everywhere: Flags | None = None) -> Verdicts:
        """Return what is seen in `rows`, float64[n, len(FEATURES)]: in candidates, and where `everywhere` bool[n]."""
        count = len(rows)
        nothing, unknown = np.zeros(count), np.full(count, np.nan)
        candidate = is_candidate(rows)
        asked = np.flatnonzero(candidate if everywhere is None else candidate | everywhere)
        answer = Verdicts(np.full(count, -1, np.int8), nothing, nothing.copy(), unknown, unknown.copy(), ~candidate)
        if len(asked):
            self._judge(rows[asked], asked, answer)
        answer.held_only[answer.pattern < 0] = False
        return answer

    def probabilities(self, rows: Floats) -> Floats:
        """Return how probable each pattern and "none" is in each row, float64[n, 12]; "none" is 1 in no candidate."""
        answer = np.zeros((len(rows), NONE + 1))
        answer[:, NONE] = 1.0
        asked = np.flatnonzero(is_candidate(rows))
        if len(asked):
            answer[asked] = self.probabilities_of(inputs_of(rows[asked]))
        return answer

    def probabilities_of(self, inputs: NDArray[np.float32]) -> Floats:
        """Return the same of candidates, by their `inputs`, float32[n, len(INPUTS)]."""
        return self._classes(softmax(self._recogniser.margins(inputs)))

    def _judge(self, rows: Floats, where: NDArray[np.intp], answer: Verdicts) -> None:
        inputs = inputs_of(rows)
        probabilities = self.probabilities_of(inputs)
        best = probabilities[:, :NONE].argmax(axis=1)
        at = np.arange(len(rows))
        probability, strength = probabilities[at, best], qualities(rows)[at, best]
        seen = probability > probabilities[:, NONE]
        answer.pattern[where[seen]] = best[seen]
        answer.probability[where[seen]] = probability[seen]
        answer.strength[where[seen]] = strength[seen]
        if self._success is not None and self._expected is not None and seen.any():
            wide = with_extra(inputs[seen], best[seen], probability[seen], strength[seen])
            answer.success[where[seen]] = self._won(logistic(self._success.margins(wide)))
            answer.expected[where[seen]] = self._earned(self._expected.margins(wide)[:, 0])


def with_extra(
    inputs: NDArray[np.float32], pattern: NDArray[np.intp], probability: Floats, strength: Floats
) -> NDArray[np.float32]:
    """Return `inputs` with `EXTRA` behind them, float32[n, len(INPUTS) + len(EXTRA)]."""
    wide = np.zeros((len(inputs), len(INPUTS) + len(EXTRA)), np.float32)
    wide[:, : len(INPUTS)] = inputs
    trend = np.sign(inputs[:, _TREND])
    wide[:, len(INPUTS)] = np.where(_SIDES[pattern] == 0.0, trend, _SIDES[pattern])
    wide[:, len(INPUTS) + 1] = probability
    wide[:, len(INPUTS) + 2] = strength
    wide[np.arange(len(inputs)), len(INPUTS) + 3 + pattern] = 1.0
    return wide


def _part(forests: Mapping[str, Forest], part: str, inputs: int, outputs: int) -> Forest:
    if part not in forests:
        raise ModelError(f"a model without a {part}; train it anew")
    forest = forests[part]
    if (forest.inputs, forest.outputs) != (inputs, outputs):
        raise ModelError(
            f"the {part} has {forest.inputs} inputs and {forest.outputs} outputs; allowed: {inputs} and {outputs}"
        )
    return forest


def _curves(calibration: Mapping[str, Sequence[Curve]], part: str, count: int) -> Sequence[Curve]:
    curves = calibration.get(part, ())
    if len(curves) != count:
        raise ModelError(f"the {part} has {len(curves)} calibration curves; allowed: {count}")
    return curves
