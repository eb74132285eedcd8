"""Processes that die in the middle of a write, and processes that write at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tests.builders import M1, START_MS, same_table, walk
from tests.shared import ROOT
from trader.core.timeframe import DAY_MS, MINUTE_MS
from trader.market.overlay import select
from trader.market.store import Store

ROWS = 6_000
#: Two months are touched: the kill falls before, between and behind their writes.
FIRST_MS = START_MS + 31 * DAY_MS - ROWS // 2 * MINUTE_MS

MERGE_FOR_EVER = f"""
import sys
from tests.builders import walk, START_MS
from trader.market.store import Store
store = Store(sys.argv[1])
print("ready", flush=True)
for turn in range(10_000):
    store.merge("spot", walk({ROWS}, seed=turn % 2, start_ms={FIRST_MS}, volume=1.0), replace=True)
"""

APPEND_FOR_EVER = f"""
import sys
from tests.builders import walk
from trader.market.store import Store
store = Store(sys.argv[1])
for candle in walk({ROWS}, start_ms={FIRST_MS}).candles():
    store.append("spot", [candle])
    print(candle.open_time, flush=True)
"""

WRITE_EVERY_OTHER = f"""
import sys
import numpy as np
from tests.builders import walk
from trader.market.overlay import select
from trader.market.store import Store
store, mine = Store(sys.argv[1]), int(sys.argv[2])
whole = walk(600, start_ms={FIRST_MS})
for part in range(0, 600, 50):
    index = np.arange(part + mine, part + 50, 2)
    if part % 100:
        store.merge("spot", select(whole, index))
    else:
        store.append("spot", select(whole, index).candles())
"""


ON_A_FULL_DISK = f"""
import resource
import sys
from tests.builders import walk
from trader.core.errors import DataError
from trader.market.store import Store
store = Store(sys.argv[1])
rows = walk({ROWS}, seed=1, start_ms={FIRST_MS}, volume=1.0)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for write in (lambda: store.merge("spot", rows, replace=True), lambda: store.append("spot", rows.candles())):
    try:
        write()
    except DataError as error:
        print(error, flush=True)
"""


def started(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."})


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_process_killed_while_it_merges_leaves_each_month_whole(tmp_path: Path) -> None:
    delays = np.random.default_rng(1).uniform(0.0, 0.12, 8)
    versions = [walk(ROWS, seed=seed, start_ms=FIRST_MS, volume=1.0) for seed in (0, 1)]
    Store(tmp_path).merge("spot", versions[0])
    for delay in delays:
        process = started(MERGE_FOR_EVER, tmp_path)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        kill(process)
        for month in (slice(0, ROWS // 2), slice(ROWS // 2, ROWS)):
            wanted = [version.rows(month.start, month.stop) for version in versions]
            first, last = int(wanted[0].open_time[0]), int(wanted[0].open_time[-1])
            found = Store(tmp_path).read("spot", "BTCUSDT", M1, first, last + 1)
            assert any(same_table(found, version) for version in wanted)
        assert Store(tmp_path).manifest("spot", "BTCUSDT", M1).rows == ROWS
    assert Store(tmp_path).merge("spot", versions[0], replace=True).added == 0
    assert same_table(Store(tmp_path).read("spot", "BTCUSDT", M1), versions[0])
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_process_killed_while_it_appends_loses_nothing_that_append_returned_from(tmp_path: Path) -> None:
    process = started(APPEND_FOR_EVER, tmp_path)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(200)]
    kill(process)
    found = Store(tmp_path).read("spot", "BTCUSDT", M1)
    assert found.open_time[-1] >= int(told[-1])
    assert same_table(found, walk(ROWS, start_ms=FIRST_MS).rows(0, len(found)))


def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    before = walk(ROWS, start_ms=FIRST_MS, volume=1.0)
    Store(tmp_path).merge("spot", before)
    said, _ = started(ON_A_FULL_DISK, tmp_path).communicate(timeout=60)
    merge, append = said.splitlines()
    assert "2025-01.parquet cannot be written: File too large" in merge
    assert "tail.bin cannot be written: File too large" in append
    assert not list(tmp_path.rglob("*.tmp"))
    assert same_table(Store(tmp_path).read("spot", "BTCUSDT", M1), before)


def test_two_processes_that_write_one_stream_lose_nothing(tmp_path: Path) -> None:
    processes = [started(WRITE_EVERY_OTHER, tmp_path, mine) for mine in (0, 1)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    whole = walk(600, start_ms=FIRST_MS)
    store = Store(tmp_path)
    assert same_table(store.read("spot", "BTCUSDT", M1), whole)
    store.fold()
    assert same_table(store.read("spot", "BTCUSDT", M1), whole)
    assert store.manifest("spot", "BTCUSDT", M1).rows == 600


def test_a_reader_beside_a_writer_never_misses_what_was_there(tmp_path: Path) -> None:
    whole = walk(600, start_ms=FIRST_MS)
    store = Store(tmp_path)
    store.append("spot", select(whole, np.arange(0, 600, 2)).candles())
    process = started(WRITE_EVERY_OTHER, tmp_path, 1)
    seen = 300
    while process.poll() is None:
        now = len(store.read("spot", "BTCUSDT", M1))
        assert now >= seen
        seen = now
    process.communicate()
    assert len(store.read("spot", "BTCUSDT", M1)) == 600
