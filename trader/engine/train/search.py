"""Tries other plans, and counts each of them: of many tries one is good by luck, and whoever judges must know how many.

Trials see what was known before the first test begins and nothing of later, so the verdict's spans stay untouched.
The answer depends on the seed alone: plans are asked for in rounds of the same size, however many work on them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from trader.core.errors import ConfigError, ModelError
from trader.core.settings import Settings
from trader.engine.prepare import Span
from trader.engine.train.fold import Plan, Stream
from trader.engine.train.judge import Judged
from trader.engine.train.loading import before
from trader.engine.train.plans import parameters_of, suggested
from trader.engine.train.spans import folds_of
from trader.engine.train.team import Team, needed
from trader.engine.train.walk import Keep, Told, walk
from trader.ml.splits import Fold

#: Folds by which a trial is judged.
FOLDS = 2
#: Plans that are asked for before any of them is answered.
AT_ONCE = 4
#: What a plan lacks that knows nothing.
NOTHING = 2.0
#: Told which trial is to be judged, of how many.
Begun = Callable[[int, int], None]


class Trial(msgspec.Struct, frozen=True):
    """A plan, and what it lacked: 2 is a model that knows nothing, 0 one that knows everything."""

    plan: Plan
    loss: float


class Searched(msgspec.Struct, frozen=True):
    """All trials in their order, the first of them the plan that was given."""

    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The first of those that lacked least."""
        return min(self.trials, key=lambda trial: trial.loss)


class Search:
    """A search for a better plan than `plan` in the time before `first_test`."""

    def __init__(self, streams: Sequence[Stream], start: int, first_test: int, plan: Plan) -> None:
        self.folds: tuple[Fold, ...] = folds_of(Span(start, first_test), FOLDS)
        self._streams, self._plan = before(streams, first_test), plan

    def run(self, trials: int, rules: Settings, keep: Keep, team: Team, told: Told, begun: Begun) -> Searched:
        """Judge so many plans, the given one among them; what is kept of an earlier search is not worked out again."""
        study = _study(self._plan)
        found: list[Trial] = []
        while len(found) < trials:
            asked = [study.ask() for _ in range(min(AT_ONCE, trials - len(found)))]
            for each in asked:
                begun(len(found), trials)
                plan = suggested(each, self._plan) if found else self._first(each)
                try:
                    walked = walk(self._streams, self.folds, rules, plan, keep, told, team)
                    loss = sum(lack(one.judged) for one in walked) / len(self.folds)
                except (ConfigError, ModelError):  # so weak that it enters nowhere
                    if not found:
                        raise  # the given plan: the candles hold too little
                    loss = NOTHING
                found.append(Trial(plan, loss))
            for each, trial in zip(asked, found[-len(asked) :], strict=True):
                study.tell(each, trial.loss)
        return Searched(tuple(found))

    def _first(self, trial: Any) -> Plan:
        suggested(trial, self._plan)  # draws what was enqueued; the plan itself may have finer numbers
        return self._plan


def lack(judged: Judged) -> float:
    """Return the log loss of both parts, each over that of who knows nothing: 1 is as bad. Nothing entered counts 1.

    Not what the trades earned: the best of many by that would be the luckiest.
    """
    recognised, traded = judged.recognised, judged.traded
    return _ratio(recognised.log_loss, recognised.log_loss_of_shares) + _ratio(
        traded.log_loss, traded.log_loss_of_share
    )


def _ratio(loss: float, of_nothing: float) -> float:
    found = loss / of_nothing if of_nothing else math.nan
    return found if math.isfinite(found) else 1.0


def _study(plan: Plan) -> Any:
    optuna = needed("optuna", "--trials")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of options that may change one day
        sampler = optuna.samplers.TPESampler(seed=plan.seed, constant_liar=True, multivariate=True)
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(parameters_of(plan))
    return study
