"""All benches in turn, each in a process of its own: `python -m bench`, or `python -m bench NAME…` for some."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def main(wanted: list[str]) -> int:
    """Run the benches called `wanted`, all without any; return 1 when one fails."""
    began, failed = time.perf_counter(), []
    names = [path.stem.removeprefix("bench_") for path in sorted(Path(__file__).parent.glob("bench_*.py"))]
    for name in [name for name in names if name in wanted or not wanted]:
        started = time.perf_counter()
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.bench_{name}"], check=False).returncode:
            failed.append(name)
        print(f"   ({time.perf_counter() - started:.0f} s)", flush=True)
    print(f"all benches: {time.perf_counter() - began:.0f} s" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
