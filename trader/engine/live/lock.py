"""One daemon a home: a lock file that names the running process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from trader.core.errors import ConfigError


@contextmanager
def only_daemon(path: Path) -> Iterator[None]:
    """Hold the lock at `path`; raise `ConfigError` naming the process that has it.

    The kernel frees it when the process ends, however it ends: a file that is left behind stops nobody.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not _taken(file):
            raise ConfigError(
                f"a daemon is running already (process {_name_in(file)}, lock {path}); stop it first, or give another "
                "DATA_DIR"
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def running_daemon(path: Path) -> str | None:
    """Return the process that holds the lock at `path`, None when nobody does."""
    try:
        with path.open("r+", encoding="utf-8") as file:
            return None if _taken(file) else _name_in(file)
    except FileNotFoundError:
        return None


def _taken(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _name_in(file: TextIO) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"
