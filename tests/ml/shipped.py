"""The model that comes with the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import settings
from tests.shared import ROOT
from trader.core.settings import Settings
from trader.ml.registry.store import Registry, Stored

MODELS = ROOT / "models"


def shipped_settings() -> Settings:
    """Return the defaults, with that model; skip the test where it is not in the repository."""
    values = settings(STRATEGY="classifier", MODELS_DIR=str(MODELS))
    if not (MODELS / name_of(values)).is_dir():
        pytest.skip(f"the model {values.MODEL} is not in the repository")
    return values


def name_of(values: Settings) -> str:
    """Return the name of the model of some settings."""
    return values.MODEL.partition("@")[0]


def shipped() -> Stored:
    """Return its version in use."""
    return Registry(MODELS).open(name_of(shipped_settings()))


def files() -> list[Path]:
    """Return all that lies in its folder, of whatever version, but for the lock of who wrote it, which is empty."""
    every = sorted(path for path in (MODELS / name_of(shipped_settings())).rglob("*") if path.is_file())
    return [path for path in every if path.name != ".lock" or path.stat().st_size]
