"""`python -m tests.simulate --seeds A-B`: play seeds, odd ones on spot and even ones on USD-M, and tell what was wrong.

`--seed N --trace` shows every line of one seed; `--bug NAME` plants a bug, to see it found.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial

from tests.simulate.bugs import BUGS
from tests.simulate.life import Parts
from tests.simulate.world import Result, simulated

#: The bar is drawn so often, seconds: on a terminal, and elsewhere. Its width.
EVERY_S, SELDOM_S, WIDTH = 0.5, 30.0, 30


def main(arguments: list[str] | None = None) -> int:
    """Play the seeds that the arguments name; return 1 where anything was violated."""
    options = _options(arguments)
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    market = None if options.market == "both" else options.market
    play = partial(simulated, market=market, shown=options.trace, parts=BUGS.get(options.bug, Parts()))
    with nullcontext() if options.trace else _silence():
        totals, minutes = _totals(_played(seeds, options.workers, play), _Bar(len(seeds)))
    print(f"{minutes / 60:.0f} hours of the market")
    print("{} seeds, {} orders, {} faults, {} violations".format(*totals))
    return 1 if totals[3] else 0


@contextmanager
def _silence() -> Iterator[None]:
    """Let the program's own log say nothing."""
    ours = logging.getLogger("trader")
    before = ours.level
    ours.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        ours.setLevel(before)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    parser.add_argument("--seeds", "--seed", default="1-200", help="one seed, or A-B (1-200)")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--market", choices=["both", "spot", "futures"], default="both")
    parser.add_argument("--bug", choices=list(BUGS), help="plant a bug")
    parser.add_argument("--trace", action="store_true", help="show every line")
    return parser.parse_args(arguments)


def _played(seeds: Iterable[int], workers: int, play: Callable[[int], Result]) -> Iterator[Result]:
    if workers == 1:
        yield from map(play, seeds)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(play, seeds, chunksize=4)


def _totals(results: Iterable[Result], bar: _Bar) -> tuple[list[int], int]:
    """Return how many seeds, orders, faults and violations there were, and the minutes of the market."""
    totals, minutes = [0, 0, 0, 0], 0
    for result in results:
        minutes += result.minutes
        for place, more in enumerate((1, result.orders, result.faults, len(result.violations))):
            totals[place] += more
        bar.clear()
        _report(result)
        bar.draw(totals[0], totals[3])
    bar.clear()
    return totals, minutes


def _report(result: Result) -> None:
    if not result.violations:
        return
    print(f"--- seed {result.seed} ({result.market}): {len(result.violations)} violations, digest {result.digest}")
    for line in result.lines:
        print(f"    {line}")
    for violation in result.violations:
        print(f"seed {result.seed} {violation}")


class _Bar:
    """How far it is, on stderr: a bar on a terminal, else a line now and then."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = self._drawn = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._width = 0

    def draw(self, done: int, violations: int) -> None:
        """Draw it, if it is time."""
        now = time.monotonic()
        if now - self._drawn < (EVERY_S if self._terminal else SELDOM_S):
            return
        self._drawn = now
        filled = WIDTH * done // self._total
        left_s = (now - self._began) / done * (self._total - done)
        text = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done} of {self._total} seeds, {violations} violations, "
        text += f"{left_s / 60:.0f} min left"
        self._width = len(text)
        print(text, end="" if self._terminal else "\n", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Make room for a line."""
        if self._terminal and self._width:
            print(f"\r{' ' * self._width}\r", end="", file=sys.stderr)
            self._width = 0


if __name__ == "__main__":
    sys.exit(main())
