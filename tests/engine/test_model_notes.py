"""A run over time that its model has learned from says so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.builders import settings
from tests.ml.models import contents, description
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine.model_notes import model_notes
from trader.engine.prepare import Span
from trader.ml.pattern_model import EXPECTED, RECOGNISER, SUCCESS
from trader.ml.registry.metadata import Span as Used
from trader.ml.registry.store import Registry

MARCH = 1_740_787_200_000
USED = (
    Used("train", "spot", "BTCUSDT", "1min", MARCH, MARCH + 10 * DAY_MS, 9),
    Used("calibrate", "spot", "BTCUSDT", "1min", MARCH + 11 * DAY_MS, MARCH + 12 * DAY_MS, 9),
    Used("test", "spot", "BTCUSDT", "1min", MARCH + 13 * DAY_MS, MARCH + 30 * DAY_MS, 9),
)


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    registry = Registry(tmp_path)
    files = {f"{part}.json": contents()[part] for part in (RECOGNISER, SUCCESS, EXPECTED)}
    registry.add("patterns", msgspec.structs.replace(description(), spans=USED), files)
    registry.promote("patterns", "v0001", at=1)
    frames = ["1min", "5min"]
    return settings(STRATEGY="classifier", MODELS_DIR=str(tmp_path), TIMEFRAMES=frames, DATA_SOURCE="backtest")


def test_time_that_was_learned_from_is_named(chosen: Settings) -> None:
    (note,) = model_notes(chosen, Span(MARCH + 5 * DAY_MS, MARCH + 20 * DAY_MS))
    assert note.startswith("patterns@v0001 has learned from 2025-03-06 00:00 to 2025-03-13 00:00")


def test_time_that_was_only_tested_on_or_lies_behind_is_not(chosen: Settings) -> None:
    assert model_notes(chosen, Span(MARCH + 13 * DAY_MS, MARCH + 60 * DAY_MS)) == []


def test_a_model_answers_for_its_own_turn_alone(chosen: Settings) -> None:
    later = chosen.model_copy(update={"MODEL_SCHEDULE": {"2025-03-20T00:00:00": "patterns@v0001"}})
    assert model_notes(later, Span(MARCH, MARCH + 60 * DAY_MS)) == []


def test_geometry_has_learned_nothing(chosen: Settings) -> None:
    assert model_notes(chosen.model_copy(update={"STRATEGY": "geometry"}), Span(MARCH, MARCH + DAY_MS)) == []
