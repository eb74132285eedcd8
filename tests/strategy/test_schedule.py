"""Who is asked from when on, and what a backtest learns of it from its settings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import settings
from tests.ml.models import market_rows, registered
from trader.core.errors import ConfigError, ModelError
from trader.core.settings import Settings
from trader.strategy.base import Strategy
from trader.strategy.classifier import ClassifierStrategy
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.registry import schedule_of, schedule_of_models
from trader.strategy.schedule import Schedule, Turn

NOON = 1_741_780_800_000
MODELS = {"STRATEGY": "classifier", "TIMEFRAMES": ["1min", "5min"]}


def with_models(folder: Path, **overrides: object) -> Settings:
    return settings(**{**MODELS, "MODELS_DIR": str(folder), **overrides})


def same(one: Strategy | None, other: Strategy | None) -> bool:
    """Tell whether two classifiers say the same of some rows."""
    assert isinstance(one, ClassifierStrategy)
    assert isinstance(other, ClassifierStrategy)
    said = [who.evaluate(market_rows()[:1_000]) for who in (one, other)]
    return all(a.tobytes() == b.tobytes() for a, b in zip(*said, strict=True))


@pytest.mark.parametrize("times", [[], [2, 1], [1, 1]])
def test_turns_without_an_order_are_refused(times: list[int]) -> None:
    with pytest.raises(ConfigError, match="allowed: one or more, each later than the one before"):
        Schedule([Turn(time, GeometryStrategy()) for time in times])


def test_a_turn_counts_from_its_own_instant_on() -> None:
    early, late = GeometryStrategy(), GeometryStrategy()
    schedule = Schedule([Turn(10, early), Turn(20, late)])
    assert schedule.at(9) is None
    assert [schedule.at(time) == schedule.turns[0] for time in (10, 19, 20)] == [True, True, False]
    parts = list(schedule.parts(np.array([1, 10, 19, 20, 30])))
    assert [part for part, _ in parts] == [slice(1, 3), slice(3, 5)]
    assert parts[1][1] is late


def test_where_nobody_has_the_turn_nobody_is_asked() -> None:
    schedule = Schedule([Turn(10, GeometryStrategy()), Turn(20, None)])
    assert [part for part, _ in schedule.parts(np.array([10, 20, 30]))] == [slice(0, 1)]


def test_geometry_needs_no_model(tmp_path: Path) -> None:
    turn = schedule_of(settings(STRATEGY="geometry", MODELS_DIR=str(tmp_path))).at(0)
    assert turn is not None
    assert (turn.strategy.name if turn.strategy else "", turn.model) == ("geometry", "")


def test_a_name_is_the_version_that_is_current_and_a_version_is_that_one(tmp_path: Path) -> None:
    registered(tmp_path)
    turns = {
        model: schedule_of(with_models(tmp_path, MODEL=model)).turns[0] for model in ("patterns", "patterns@v0002")
    }
    assert [turn.model for turn in turns.values()] == ["patterns@v0001", "patterns@v0002"]
    assert not same(*(turn.strategy for turn in turns.values()))


def test_a_backtest_asks_each_model_of_its_schedule_in_its_time(tmp_path: Path) -> None:
    registered(tmp_path)
    told = {"2025-03-12T12:00:00": "patterns@v0002", "2025-03-11": "patterns@v0001", "2025-03-13T00:00:00Z": "patterns"}
    turns = schedule_of(with_models(tmp_path, MODEL_SCHEDULE=told)).turns
    day = 24 * 3_600_000
    assert [(turn.time, turn.model) for turn in turns] == [
        (NOON - day - day // 2, "patterns@v0001"),
        (NOON, "patterns@v0002"),
        (NOON + day // 2, "patterns@v0001"),
    ]
    assert same(turns[0].strategy, turns[2].strategy)


def test_a_schedule_is_made_again_from_what_a_daemon_asked(tmp_path: Path) -> None:
    registered(tmp_path)
    schedule = schedule_of_models(with_models(tmp_path), [(0, ""), (NOON, "patterns@v0002")])
    assert [(turn.strategy is None, turn.model) for turn in schedule.turns] == [(True, ""), (False, "patterns@v0002")]


@pytest.mark.parametrize("time", ["noon", "2025-13-01", "2025-03-11T00:00:00+01:00"])
def test_a_time_that_is_none_of_utc_is_refused(time: str) -> None:
    with pytest.raises(ConfigError, match="allowed: a time"):
        settings(MODEL_SCHEDULE={time: "patterns"})


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        ({"MODEL": "other"}, "no version of model other"),
        ({"MODEL": "patterns@v0009"}, "has no version v0009"),
        ({"TIMEFRAMES": ["1min", "15min"]}, "was not trained for 15min"),
    ],
)
def test_a_model_that_cannot_be_asked_is_refused(tmp_path: Path, overrides: dict[str, object], fault: str) -> None:
    registered(tmp_path)
    with pytest.raises(ModelError, match=fault):
        schedule_of(with_models(tmp_path, **overrides))


def test_who_wants_a_least_return_needs_a_model_that_expects_one(tmp_path: Path) -> None:
    registered(tmp_path, success=False)
    schedule_of(with_models(tmp_path))
    with pytest.raises(ModelError, match=r"has no success model, and MIN_EXPECTED_RETURN is 0\.001"):
        schedule_of(with_models(tmp_path, MIN_EXPECTED_RETURN=0.001))


def test_geometry_expects_nothing() -> None:
    with pytest.raises(ConfigError, match="geometry expects nothing of a trade"):
        settings(STRATEGY="geometry", MIN_EXPECTED_RETURN=0.001)
