"""Where the files of a run go, and how they get there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Lend a temporary path beside `path` and move it there at the end; after an error nothing stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    draft.unlink(missing_ok=True)  # left by a process that was killed, under the same number
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with plain line feeds, whole or not at all."""
    with whole(path) as draft:
        draft.write_bytes(text.encode())


def stamp(when: datetime) -> str:
    """Return `when` in UTC as it stands in names of files, e.g. `2026-01-05_12-30-00`."""
    return when.astimezone(UTC).strftime("%Y-%m-%d_%H-%M-%S")


def run_directory(stat_dir: Path, when: datetime) -> Path:
    """Create and return a new directory `stat/<time>`; a run in the same second gets `-2`, `-3` …"""
    stat_dir.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        directory = stat_dir / (stamp(when) + (f"-{number}" if number > 1 else ""))
        try:
            directory.mkdir()
        except FileExistsError:
            number += 1
        else:
            return directory


def point_latest(stat_dir: Path, run: Path) -> Path:
    """Let `stat/latest` point to `run`, and return it: a symbolic link, or a text file with the run's name.

    The text file stands where the system has no symbolic links. A directory of that name is left alone.
    """
    latest = stat_dir / "latest"
    if latest.is_dir() and not latest.is_symlink():
        return run
    with whole(latest) as draft:
        try:
            draft.symlink_to(run.name, target_is_directory=True)
        except (OSError, NotImplementedError):
            draft.write_text(f"{run.name}\n")
    return latest
