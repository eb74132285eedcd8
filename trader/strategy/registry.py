"""The strategies by name, and what each is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from trader.core.errors import ModelError
from trader.core.settings import Settings
from trader.ml.pattern_model import PatternModel
from trader.ml.registry.paths import parse
from trader.ml.registry.store import Registry, Stored
from trader.strategy.base import Strategy
from trader.strategy.classifier import ClassifierStrategy
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.schedule import ALWAYS, Schedule, Turn

#: The strategies that need no model, by the name that the setting `STRATEGY` carries.
STRATEGIES: dict[str, Callable[[], Strategy]] = {"geometry": GeometryStrategy}


def schedule_of(settings: Settings) -> Schedule:
    """Return who is asked from when on in a backtest of these settings.

    Raise `ModelError` where a model is not there, or was made for other inputs.
    """
    if settings.STRATEGY in STRATEGIES:
        return Schedule.of(STRATEGIES[settings.STRATEGY]())
    return schedule_of_models(settings, planned_models(settings))


def schedule_of_models(settings: Settings, models: Iterable[tuple[int, str]]) -> Schedule:
    """Return the schedule of `models`, each with the time (ms) from which on it is asked; an empty name is nobody."""
    return Schedule([model_turn(settings, model, time) if model else Turn(time, None) for time, model in models])


def planned_models(settings: Settings) -> list[tuple[int, str]]:
    """Return the models that a backtest asks, each with the time (ms) from which on, in the order of time."""
    return [(_ms(time), model) for time, model in sorted(settings.MODEL_SCHEDULE.items())] or [(ALWAYS, settings.MODEL)]


def stored_model(settings: Settings, model: str) -> Stored:
    """Return what is stored of `model`, NAME[@VERSION]; of a name alone the current version."""
    return Registry(Path(settings.MODELS_DIR).absolute()).open(*parse(model))


def model_turn(settings: Settings, model: str, time: int) -> Turn:
    """Return the turn of `model`, NAME[@VERSION], from `time` (ms) on; raise `ModelError` where it cannot be used."""
    stored = stored_model(settings, model)
    opened = PatternModel.open(stored, settings.TIMEFRAMES)
    if settings.MIN_EXPECTED_RETURN is not None and not opened.tells_success:
        raise ModelError(
            f"{stored.reference} has no success model, and MIN_EXPECTED_RETURN is {settings.MIN_EXPECTED_RETURN:g}: "
            "train it with one, or set MIN_EXPECTED_RETURN to null"
        )
    return Turn(time, ClassifierStrategy(opened), str(stored.reference))


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
