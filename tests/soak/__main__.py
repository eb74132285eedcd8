"""Show that a daemon does not grow: `python -m tests.soak --hours 24 --coins 30 --seed S [--speed X] [--plot FILE]`.

A daemon with real orders trades a generated market on an embedded exchange full of faults, faster than time. Its
memory, tasks, queues and the lag of its loop are asked for on its socket. Last line
`24 h of market, N candles, N orders, N faults, memory +x %, lag p99 x ms: flat`, or `grows` and exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soak.plot import plot
from tests.soak.quarters import Quarter, growing, memory_growth, quarters_of
from tests.soak.run import Soaked, Wish, soak
from trader.engine.live.vitals import quantile


def main(arguments: list[str]) -> int:
    """Run it and print what was found; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, default=24.0, help="hours of the market")
    parser.add_argument("--coins", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=240.0, help="seconds of the market per second")
    parser.add_argument(
        "--share", type=float, default=0.01, help="of all candles, in which the strategy sees something"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw memory, tasks and trades as PNG")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and journal there")
    options = parser.parse_args(arguments)
    wish = Wish(options.hours, options.coins, options.seed, options.speed, options.share)
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        found = soak(wish, folder, lambda words: print(words, flush=True))
    if options.plot:
        plot(found.samples, options.plot)
    return verdict(found, options.hours)


def verdict(found: Soaked, hours: float) -> int:
    """Print the table by quarter and the last line; return the exit code."""
    quarters = quarters_of(found.samples, found.begin, found.end)
    for line in table(quarters):
        print(line)
    wrong = [*growing(quarters), *found.shames[:20]]
    for words in wrong:
        print(words)
    first, last = found.samples[0], found.samples[-1]
    counts = [one - other for one, other in zip(last.counts, first.counts, strict=True)]
    p99 = quantile(counts, 0.99, last.worst_ms)
    print(
        f"{hours:g} h of market, {last.candles:,} candles, {found.orders:,} orders, {found.faults:,} faults, memory "
        f"{memory_growth(quarters):+.1%}, lag p99 {p99:.1f} ms: {'grows' if wrong else 'flat'}"
    )
    return 1 if wrong else 0


def table(quarters: list[Quarter]) -> list[str]:
    """Return a row for each quarter."""
    names = list(quarters[-1].queues)
    head = ["quarter", "memory MB", "tasks", "trades", "lag median ms", "p99 ms", "worst ms", *names]
    rows = [_row(number, each, names) for number, each in enumerate(quarters, 1)]
    return ["  ".join(cell.rjust(len(name)) for cell, name in zip(row, head, strict=True)) for row in (head, *rows)]


def _row(number: int, quarter: Quarter, names: list[str]) -> list[str]:
    body = [f"{number}", f"{quarter.memory_mb:.1f}", f"{quarter.tasks:g}", f"{quarter.trades:g}"]
    lag = [f"{quarter.median_ms:.2f}", f"{quarter.p99_ms:.1f}", f"{quarter.worst_ms:.0f}"]
    return [*body, *lag, *(f"{quarter.queues.get(name, 0):g}" for name in names)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
