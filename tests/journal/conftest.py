"""Journals of both kinds: a SQLite file, and a schema of a real PostgreSQL server where there is one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journal.server import Server, running
from trader.journal.place import Place


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Run a server for all tests of this process; each has a schema of its own in it."""
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return where a new journal of each kind would be."""
    if request.param == "sqlite":
        return Place(tmp_path / "embedded-spot")
    return Place(tmp_path / f"live-{uuid.uuid4().hex[:8]}", request.getfixturevalue("server").url)


@pytest.fixture
def file_place(tmp_path: Path) -> Place:
    """Return where a new journal in a file would be."""
    return Place(tmp_path / "embedded-spot")
