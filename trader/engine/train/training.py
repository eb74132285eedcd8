"""A training from the store to a model: streams, a search where one is wanted, fold by fold, then the one to keep."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from trader.core.errors import ConfigError, ModelError
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine.prepare import Progress, Span
from trader.engine.train.final import (
    files_of,
    final_model,
    labels_of,
    libraries,
    parameters_of_run,
    scores_of,
    used,
)
from trader.engine.train.fold import Learned, Plan, Stream
from trader.engine.train.loading import load_streams
from trader.engine.train.pace import Pace
from trader.engine.train.plans import bounded, check_size
from trader.engine.train.search import Search, Searched
from trader.engine.train.spans import folds_of, last_fold
from trader.engine.train.team import Team, needed
from trader.engine.train.walk import Keep, Walked, data_digest, fold_digests, walk
from trader.market.store import Store
from trader.ml.registry.metadata import Description
from trader.ml.registry.paths import Reference, checked_name
from trader.ml.registry.store import Registry
from trader.ml.version import current_for
from trader.patterns.labels import LabelRules


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to train; coins, timeframes, market, exits and fees are those of the settings.

    `start`, `end`: ms UTC, None is all that is stored. `trials`: plans that are tried, the given one among them; 1 is
    no search. `workers` and `cluster` change how long it takes and nothing else; `threads` is part of the answer.
    """

    name: str = "patterns"
    start: int | None = None
    end: int | None = None
    folds: int = 6
    trials: int = 1
    seed: int = 1
    threads: int = 1
    workers: int = 1
    cluster: str = ""
    plan: Plan = Plan()

    def __post_init__(self) -> None:
        checked_name(self.name)
        if self.trials < 1 or self.threads < 1:
            raise ConfigError(f"{self.trials} trials on {self.threads} threads; allowed: 1 or more of each")

    @property
    def team(self) -> Team:
        """Who does the work."""
        return Team(self.workers, self.cluster)

    @property
    def grown(self) -> Plan:
        """The plan with which it begins: seed and threads are those that were asked for, rounds have their limit."""
        return bounded(msgspec.structs.replace(self.plan, seed=self.seed, threads=self.threads))


class Trained(msgspec.Struct, frozen=True, eq=False):
    """A model, how it came about, and what it is judged by."""

    streams: tuple[Stream, ...]
    span: Span
    walked: tuple[Walked, ...]
    learned: Learned
    description: Description
    searched: Searched | None
    notes: tuple[str, ...]

    @property
    def trials(self) -> int:
        """How many plans were tried."""
        return self.description.trials


class Training:
    """One run, which goes on where an earlier one of the same candles, settings and plan was ended."""

    def __init__(self, request: Request, settings: Settings, store: Store, progress: Progress) -> None:
        if request.trials > 1:
            needed("optuna", "--trials")
        self._request, self._settings = request, settings
        self._labels = LabelRules()
        self._keep = Keep(keep_folder(settings, request.name))
        self._progress = progress
        loaded = load_streams(settings, store, request.start, request.end, self._labels, progress)
        self.streams, self.span, self.notes = loaded.streams, loaded.span, loaded.notes
        self.folds = folds_of(self.span, request.folds)
        self.last = last_fold(self.span)

    def kept(self) -> int:
        """Return how many folds an earlier run has done; of a run with trials only those of the plan it began with."""
        digests = fold_digests(self.streams, self.folds, self._settings, self._request.grown)
        return sum(self._keep.find(digest) is not None for digest in digests)

    def run(self) -> Trained:
        """Learn it all; raise `ConfigError` where the candles hold too little to learn from, with a way out."""
        try:
            return self._run()
        except (ConfigError, ModelError) as error:  # nothing to learn from, or to calibrate on
            raise ConfigError(f"{error}. {self._too_little()}") from error

    def _too_little(self) -> str:
        samples = sum(len(each.samples) for each in self.streams)
        days = (self.folds[0].train_end - self.span.start) / DAY_MS
        return (
            f"There are {samples:,} candidates in all, and the first fold learns from {days:.0f} days; allowed where "
            "that is too little: a longer span, more coins, shorter timeframes, fewer folds"
        )

    def _run(self) -> Trained:
        request, settings, keep = self._request, self._settings, self._keep
        pace = Pace(self._progress, request.trials if request.trials > 1 else 0, len(self.folds), request.grown)
        searched = self._search(pace) if request.trials > 1 else None
        plan = searched.best.plan if searched else request.grown
        pace.folds(plan)
        walked = []
        for each in walk(self.streams, self.folds, settings, plan, keep, pace.told, request.team):
            walked.append(each)
            pace.fold_done(len(walked))
        pace.last()
        learned, grown = final_model(self.streams, self.last, settings, plan, keep, pace.part)
        pace.learned()
        description = self._described(walked, learned, grown, searched)
        return Trained(self.streams, self.span, tuple(walked), learned, description, searched, self.notes)

    def _search(self, pace: Pace) -> Searched:
        request = self._request
        search = Search(self.streams, self.span.start, self.folds[0].test_start, request.grown)
        return search.run(request.trials, self._settings, self._keep, request.team, pace.told, pace.trial())

    def _described(
        self, walked: Sequence[Walked], learned: Learned, plan: Plan, searched: Searched | None
    ) -> Description:
        request, settings = self._request, self._settings
        timeframes = dict.fromkeys(each.samples.timeframe.value for each in self.streams)
        return Description(
            created=time.time_ns() // 1_000_000,
            inputs=current_for(timeframes),
            spans=used(self.streams, settings.MARKET, self.folds, self.last),
            data_sha256=data_digest(self.streams),
            seed=request.seed,
            labels=labels_of(self._labels),
            parameters=parameters_of_run(plan, settings),
            scores=scores_of(walked),
            calibration=learned.calibration,
            libraries=libraries(),
            folds=self.folds,
            trials=len(searched.trials) if searched else 1,
        )


def train(request: Request, settings: Settings, store: Store, progress: Progress) -> Trained:
    """Return a trained model, which is not stored yet. What it has done by then is kept, should it be ended."""
    return Training(request, settings, store, progress).run()


def store_model(registry: Registry, name: str, trained: Trained, files: dict[str, bytes], note: str = "") -> Reference:
    """Add a version with the model and `files` beside it; raise `ModelError` where it is too large."""
    every = files_of(trained.learned) | files
    description = msgspec.structs.replace(trained.description, note=note)
    metadata = {"metadata.json": len(msgspec.json.encode(description))}
    check_size({name: len(content) for name, content in every.items()} | metadata)
    return registry.add(name, description, every)


def keep_folder(settings: Settings, name: str) -> Path:
    """Return where the done parts of a training wait for the rest; it may be deleted at any time."""
    return Path(settings.DATA_DIR) / "training" / name
