"""The audits of trained models: one that is made here, and the one that ships."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.builders import settings
from tests.engine.audit.grounds import SEED, audited, ground_at
from tests.engine.train.lessons import learned
from tests.shared import ROOT
from trader.engine.audit.recursive import audit_recursive
from trader.engine.audit.subject import subject_of
from trader.ml.forest import Forest
from trader.ml.pattern_model import PatternModel
from trader.strategy.classifier import ClassifierStrategy
from trader.strategy.registry import schedule_of
from trader.strategy.schedule import Schedule


@cache
def trained() -> Schedule:
    """Return a schedule of a model that is learned in a second, with its success model."""
    parts = learned()
    forests = {name: Forest.read(content, name) for name, content in parts.content.items()}
    return Schedule.of(ClassifierStrategy(PatternModel(forests, parts.calibration)))


def shipped() -> Schedule:
    """Return the schedule of the default settings, with the model that comes with the repository."""
    values = settings(STRATEGY="classifier", MODELS_DIR=str(ROOT / "models"))
    if not (ROOT / "models" / values.MODEL.partition("@")[0]).is_dir():
        pytest.skip(f"the model {values.MODEL} is not in the repository")
    return schedule_of(values)


@pytest.mark.parametrize("model", [trained, shipped])
def test_a_model_looks_at_nothing_later(model: Callable[[], Schedule], tmp_path: Path) -> None:
    ground = ground_at(tmp_path)
    audit = audited(ground, subject_of(ground, model()))
    assert not audit.leaks, audit.findings.firsts()
    assert audit.findings.counts["opinions", "expected"].values > 10_000


@pytest.mark.parametrize("model", [trained, shipped])
def test_a_model_decides_the_same_with_a_longer_warmup(model: Callable[[], Schedule], tmp_path: Path) -> None:
    ground = ground_at(tmp_path, TIMEFRAMES=["1min"], PRELOAD_CANDLES=700)
    audit = audit_recursive(ground, subject_of(ground, model()), (60, 700), 24, SEED, lambda *how: None)
    short, in_force = audit.decisions
    assert in_force.seen >= 8
    assert in_force.changed <= min(1, short.changed)
