"""Finds the market data that lies beside the repository; tests that need it are skipped where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_path(*parts: str) -> Path:
    """Return a path below `$TRADER_SHARED`, else below `../shared`; skip the test when it is not there."""
    path = Path(os.environ.get("TRADER_SHARED") or ROOT.parent / "shared").joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not there: set TRADER_SHARED to the folder of shared data")
    return path
