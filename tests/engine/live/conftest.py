"""Daemons that end with their test, however that ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.engine.live.venues import Daemon


class Start(Protocol):
    """Starts a daemon in a folder, with options and settings."""

    def __call__(self, folder: Path, *options: str, **settings: str) -> Daemon: ...


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what starts daemons; those that still run at the end of the test are killed."""
    started: list[Daemon] = []

    def begin(folder: Path, *options: str, **settings: str) -> Daemon:
        started.append(Daemon(folder, *options, **settings))
        return started[-1]

    yield begin
    for daemon in started:
        daemon.kill()
