"""How far a training is: which part of what, its rounds and its score, and the share of the whole that is done."""

from __future__ import annotations

from trader.engine.prepare import Progress
from trader.engine.train.fold import Plan
from trader.engine.train.search import FOLDS, Begun
from trader.ml.pattern_model import EXPECTED, RECOGNISER, SUCCESS

#: What is told with the share of the whole, in thousandths.
IN_ALL, WHOLE = "in all", 1_000
#: Which share of a model's time has passed when a part begins, and which share that part takes.
PARTS = {
    RECOGNISER: (0.0, 0.5),
    f"{RECOGNISER} of the earlier part": (0.5, 0.4),
    SUCCESS: (0.9, 0.05),
    EXPECTED: (0.95, 0.05),
}


class Pace:
    """Tells `progress` of a run of `trials` plans (none, where nothing is searched), `folds` and the model to keep."""

    def __init__(self, progress: Progress, trials: int, folds: int, plan: Plan) -> None:
        self._progress = progress
        self._folds = folds
        self._searched = trials * FOLDS
        self._models = self._searched + folds + 1
        self._before = 0  # models that are done
        self._label = "fold {} of " + str(folds)
        self._plan = plan

    def trial(self) -> Begun:
        """Return who is told of each trial that begins."""

        def begun(number: int, trials: int) -> None:
            self._begin(number * FOLDS, f"trial {number + 1} of {trials}, fold {{}} of {FOLDS}")

        return begun

    def folds(self, plan: Plan) -> None:
        """Say that the folds of the verdict begin, with this plan."""
        self._plan = plan
        self._begin(self._searched, f"fold {{}} of {self._folds}")

    def fold_done(self, count: int) -> None:
        """Say that so many of them are done: where several work, nothing else is known."""
        self._progress(f"fold {count} of {self._folds} is done", count, self._folds)
        self._share(self._searched + count)

    def last(self) -> None:
        """Say that the model to keep begins."""
        self._begin(self._searched + self._folds, "the model to keep")

    def learned(self) -> None:
        """Say that nothing is left to learn."""
        self._share(self._models)

    def told(self, number: int, part: str, rounds: int, score: float) -> None:
        """Take up that a part of model `number` has so many rounds, and its score."""
        trees = self._plan.recogniser if part.startswith(RECOGNISER) else self._plan.success
        self._progress(f"{self._label.format(number + 1)}: {part}, loss {score:.4g}", rounds, trees.rounds)
        start, share = PARTS[part]
        self._share(self._before + number + start + share * rounds / trees.rounds)

    def part(self, part: str, rounds: int, score: float) -> None:
        """Take up the same of the model to keep."""
        self.told(0, part, rounds, score)

    def _begin(self, before: int, label: str) -> None:
        self._before, self._label = before, label
        self._share(before)

    def _share(self, models: float) -> None:
        self._progress(IN_ALL, int(WHOLE * models / self._models), WHOLE)
