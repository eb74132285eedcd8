"""Kills the daemon again and again on an exchange where everything goes wrong, and asks the exchange what came of it.

`python -m tests.chaos --seed S --kills N --minutes M [--market spot|futures] [--data DIR --coins A,B] [--keep DIR]`

The daemon is `start.py run` as a process of its own, over real sockets, with a journal on the disk; the exchange is
`start.py exchange`, with all its faults, seeded. The daemon dies by SIGKILL at random instants and at the points of
`points.py`. The judge reads what the exchange wrote down (`judge.py` says how it counts), and at the end compares the
journal with it (`books.py`). Last line: `N kills, N orders, N faults, N violations`; exit code 1 on any.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.options import Options, parse
from tests.chaos.run import Chaos, Result

MOST = 40


def main(arguments: Sequence[str]) -> int:
    """Run once; return the exit code."""
    options = parse(arguments, (__doc__ or "").split("\n")[0])
    folder = options.keep or Path(tempfile.mkdtemp(prefix=f"chaos-{options.market}-{options.seed}-"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    result = Chaos(options, folder, lambda words: print(words, flush=True)).run()
    _tell(options, folder, result)
    if not result.violations and options.keep is None:
        shutil.rmtree(folder)
    return 1 if result.violations else 0


def _tell(options: Options, folder: Path, result: Result) -> None:
    for words in result.violations[:MOST]:
        print(words)
    for point, count in sorted(result.kills.items(), key=lambda item: -item[1]):
        print(f"{count:4d} killed: {point}")
    print(f"longest without a stop, outside outages: {result.longest_bare_ms} ms")
    if result.violations:
        print(f"kept: {folder}\nagain: {options.again}")
    counts = f"{sum(result.kills.values())} kills, {result.orders} orders, {result.faults} faults"
    print(f"{counts}, {len(result.violations)} violations")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
