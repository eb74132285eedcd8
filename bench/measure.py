"""What every bench shares: medians, memory, and one way to print a figure.

The machine is noisy: only ratios within one run count.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median

RUNS = 5


def median_s(work: Callable[[], object], runs: int = RUNS) -> float:
    """Return the median time of `runs` calls of `work` in seconds, after one that does not count."""
    work()
    return median(seconds(work) for _ in range(runs))


def in_turn(*works: Callable[[], object], runs: int = RUNS) -> list[tuple[float, float]]:
    """Return for each of `works` its median time in seconds, and its median ratio to the first's, round by round."""
    for work in works:
        work()
    rounds = [[seconds(work) for work in works] for _ in range(runs)]
    return [
        (median(each[at] for each in rounds), median(each[at] / each[0] for each in rounds)) for at in range(len(works))
    ]


def seconds(work: Callable[[], object]) -> float:
    """Return the time of one call of `work`."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def show(name: str, value: float, unit: str, ratio: float | None = None, reference: str = "") -> None:
    """Print one figure and its ratio to a reference of the same run: `name: 1,234 unit (0.52 x reference)`."""
    compared = "" if ratio is None else f" ({_number(ratio)} x {reference})"
    print(f"{name}: {_number(value)} {unit}{compared}", flush=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def resident_mb() -> float:
    """Return how much memory of this process is in use, MB; Linux only."""
    return _status_mb("VmRSS")


def peak_mb() -> float:
    """Return the most memory that this process has had in use, MB; Linux only.

    `getrusage` would count what the parent had in use when it started this process.
    """
    return _status_mb("VmHWM")


def _status_mb(name: str) -> float:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in file if line.startswith(f"{name}:"))
