"""One daemon a home: a lock file that names the running process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trader.core.errors import ConfigError


@contextmanager
def only_daemon(path: Path) -> Iterator[None]:
    """Hold the lock at `path`; raise `ConfigError` naming the process that has it.

    The kernel frees it when the process ends, however it ends: a file that is left behind stops nobody.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise ConfigError(
                f"a daemon is running already (process {holder}, lock {path}); stop it first, or give another DATA_DIR"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)
