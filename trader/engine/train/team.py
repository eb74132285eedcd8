"""Who does the work of a training: this process, several beside each other, or a cluster. The answer is the same.

Each task is worked out on its own, with its own seed and number of threads, so nothing depends on who does it or when.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import joblib
import msgspec

from trader.core.errors import ConfigError

Task = TypeVar("Task")
Made = TypeVar("Made")

#: What brings the packages that not everybody needs.
INSTALL = "python -m pip install -r requirements-ml.txt"


class Team(msgspec.Struct, frozen=True):
    """`workers` processes, or those of the Dask cluster at the address `cluster`; one worker is this process."""

    workers: int = 1
    cluster: str = ""
    #: How long the cluster may take to answer, seconds.
    wait_s: float = 5.0

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ConfigError(f"{self.workers} workers; allowed: 1 or more")

    @property
    def alone(self) -> bool:
        """Whether this process does all of it, so that each step can be told."""
        return self.workers == 1 and not self.cluster

    def each(self, work: Callable[[Task], Made], tasks: Sequence[Task]) -> Iterator[Made]:
        """Yield what `work` makes of each task, as it is done: in any order, where several work."""
        if self.alone:
            yield from map(work, tasks)
            return
        with self._place():
            parallel = joblib.Parallel(return_as="generator_unordered", max_nbytes=None)
            yield from parallel(joblib.delayed(work)(task) for task in tasks)

    def _place(self) -> AbstractContextManager[Any]:
        if self.cluster:
            return _on_cluster(self.cluster, self.wait_s)
        beside: AbstractContextManager[Any] = joblib.parallel_config("loky", n_jobs=self.workers)
        return beside


@contextmanager
def _on_cluster(address: str, wait_s: float) -> Iterator[None]:
    """Have the work done by the Dask cluster at `address`; raise `ConfigError` where there is none."""
    distributed = needed("distributed", "--cluster")
    try:
        client = distributed.Client(address, timeout=wait_s)
    except (OSError, ValueError, TimeoutError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"--cluster {address}: no Dask scheduler answers there ({reason}); allowed: the address that "
            "`dask scheduler` prints, such as tcp://127.0.0.1:8786"
        ) from error
    with client, joblib.parallel_config("dask"):
        yield


def needed(module: str, option: str) -> Any:
    """Return a module that only `option` needs; raise `ConfigError` that says how to get it where it is not there."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(f"{option} needs {module}, which is not installed: {INSTALL}") from error
