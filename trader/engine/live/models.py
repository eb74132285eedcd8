"""Which model the daemon asks: the one of the settings, and every version of it that is promoted while it runs.

Beside it: how far the market has drifted from what the model was trained on, and training anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from trader.core.errors import DataError, ModelError
from trader.core.settings import Settings
from trader.engine.live.drift_side import DriftSide, reference_in
from trader.engine.live.retraining import Retraining, command_of, environment_of
from trader.ml.drift import Reference
from trader.ml.registry.paths import parse
from trader.ml.registry.store import Registry
from trader.strategy.registry import STRATEGIES, model_turn, stored_model
from trader.strategy.schedule import ALWAYS, Turn

log = logging.getLogger(__name__)

#: How often the registry is looked at, and how often a model is tried again that could not be used.
LOOK_S, RETRY_S = 1.0, 30.0


class Opened(msgspec.Struct, frozen=True, eq=False):
    """Who is asked from now on; of a model also when it was made, ms UTC, and what its drift is held against."""

    turn: Turn
    made: int | None = None
    reference: Reference | None = None


class ModelWatch:
    """Opens models beside the loop; `take` gives a new one, for the instant that is about to be judged.

    A version that cannot be used is said once and tried again; until then the one before it is asked, or nobody.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ready: Opened | None = None
        self._known = self._tried = ""
        self._retry_at = 0.0
        self.trouble = ""
        if settings.STRATEGY in STRATEGIES:
            self._ready = Opened(Turn(ALWAYS, STRATEGIES[settings.STRATEGY]()))

    def take(self) -> Opened | None:
        """Return who is to be asked from now on; None where that has not changed."""
        ready, self._ready = self._ready, None
        return ready

    async def look(self) -> None:
        """Open what is current, unless that is open; a strategy without a model has nothing to look for."""
        if self._settings.STRATEGY in STRATEGIES:
            return
        try:
            reference = await asyncio.to_thread(self._current)
            opened = await self._open(reference) if reference != self._known else None
        except (ModelError, DataError) as error:
            self._say(str(error))
            return
        if opened is not None:
            self._ready, self._known = opened, opened.turn.model
        if reference == self._known and self.trouble:
            log.info("model %s can be used", reference)
            self.trouble = ""

    async def _open(self, reference: str) -> Opened | None:
        """Return what is known of a version; None where it could not be used a moment ago."""
        now = asyncio.get_running_loop().time()
        if reference == self._tried and now < self._retry_at:
            return None
        self._tried, self._retry_at = reference, now + RETRY_S
        return await asyncio.to_thread(self._read, reference)

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    def _read(self, reference: str) -> Opened:
        turn, stored = model_turn(self._settings, reference, ALWAYS), stored_model(self._settings, reference)
        return Opened(turn, stored.metadata.description.created, reference_in(stored))

    def _current(self) -> str:
        """Return the version that is current; the name alone where none is."""
        name, version = parse(self._settings.MODEL)
        version = version or Registry(Path(self._settings.MODELS_DIR).absolute()).current(name)
        return f"{name}@{version}" if version else name

    def _say(self, words: str) -> None:
        if words != self.trouble:
            instead = f"{self._known} is asked meanwhile" if self._known else "no entries until it can be used"
            log.warning("model %s: %s; %s, tried again every %g s", self._settings.MODEL, words, instead, RETRY_S)
        self.trouble = words

    def warnings(self) -> list[str]:
        """Return what a person should look at."""
        return [f"model {self._settings.MODEL} cannot be used: {self.trouble}"] if self.trouble else []


class ModelSide:
    """All that the daemon does about its model; `drift` is an audience and is told of every candle.

    `home` keeps the counts of drift and the log of trainings. `options` are those by which another command has the
    settings of this daemon, `candles` the folder of its store.
    """

    def __init__(self, settings: Settings, home: Path, options: Sequence[str], candles: Path) -> None:
        self._settings = settings
        self._made: int | None = None
        self.watch = ModelWatch(settings)
        retrain = settings.RETRAIN
        self._retraining = Retraining(
            retrain,
            command_of(options, candles),
            home,
            lambda: self._made,
            environment=environment_of(os.environ, retrain.threads),
        )
        self.drift = DriftSide(home, retrain.drift_days, self._retraining.drift)

    @property
    def has_models(self) -> bool:
        """Whether the strategy is one that asks a model."""
        return self._settings.STRATEGY not in STRATEGIES

    def take(self) -> Turn | None:
        """Return who is to be asked from now on, and watch the drift of that; None where nothing has changed."""
        opened = self.watch.take()
        if opened is None:
            return None
        self._made = opened.made
        if self.has_models:
            self.drift.begin(opened.reference)
        return opened.turn

    async def run(self) -> None:
        """Watch registry and drift, and train when that is due, until cancelled."""
        if not self.has_models:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.watch.run())
            group.create_task(self.drift.run())
            if self._settings.RETRAIN.enable:
                group.create_task(self._retraining.run())

    def lines(self) -> list[str]:
        """Return how model, drift and training are."""
        return [self.drift.line(), self._retraining.line()] if self.has_models else []
