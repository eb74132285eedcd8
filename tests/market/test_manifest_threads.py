"""Manifests are read by many threads at once when a daemon starts, before any has been read in that process."""

from __future__ import annotations

import subprocess
import sys

#: msgspec 0.22 crashes where several threads are the first to decode a type; which needs a new process to see.
SCRIPT = """
import sys, threading
from pathlib import Path
from trader.market import manifest
from trader.core.timeframe import Timeframe

folder = Path(sys.argv[1])
manifest.save(folder, {}, Timeframe.MIN_1)
sys.setswitchinterval(1e-6)
barrier = threading.Barrier(8)

def read():
    barrier.wait()
    assert manifest.load(folder) == {}

threads = [threading.Thread(target=read) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join()
"""


def test_the_first_reads_of_a_process_may_come_from_many_threads(tmp_path: object) -> None:
    for _ in range(3):
        subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], check=True, timeout=60)
