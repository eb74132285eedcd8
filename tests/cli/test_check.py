"""`start.py check` says what would happen, and its exit code whether anything would fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.builders import walk
from trader.engine.live.lock import only_daemon
from trader.market.store import Store

START = Path(__file__).resolve().parents[2] / "start.py"


def run_check(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(START), "check", "--set", f"DATA_DIR={folder / 'data'}", "--set", "STAT_DIR=stat"]
    return subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_all_is_well_on_an_empty_machine_and_what_lacks_is_named(tmp_path: Path) -> None:
    done = run_check(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning  data        BTCUSDT (spot): nothing is stored" in done.stdout
    assert "ok       connection  REST answers: embedded spot, generated market, seed 7" in done.stdout
    assert "stream btcusdt@kline_1m speaks" in done.stdout
    assert "ok       run         it would trade BTCUSDT, ETHUSDT on 8 streams" in done.stdout


def test_stored_candles_and_a_running_daemon_are_told(tmp_path: Path) -> None:
    Store(tmp_path / "data").merge("spot", walk(3_000))
    with only_daemon(tmp_path / "data" / "live" / "embedded-spot" / "trader.lock"):
        done = run_check(tmp_path)
    assert done.returncode == 1
    assert "BTCUSDT (spot): 3,000 candles of 1min from 2025-01-01" in done.stdout
    assert "ETHUSDT is left out: there is no data of it" in done.stdout
    assert "fault    lock        a daemon is running already" in done.stdout


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder belongs")
    done = run_check(tmp_path)
    assert done.returncode == 1
    assert "fault    disk        DATA_DIR" in done.stdout


def test_what_live_lacks_is_told_before_anything_is_asked_elsewhere(tmp_path: Path) -> None:
    done = run_check(
        tmp_path, "--set", "MODE=live", "--set", "REST_URL=http://192.0.2.1", "--set", "STREAM_URL=ws://192.0.2.1"
    )
    assert done.returncode == 1
    faults = [line for line in done.stdout.splitlines() if line.startswith("fault")]
    wanted = ("REST_URL", "STREAM_URL", "API key", "LIVE_TRADING", "MAX_CAPITAL")
    assert [word for word, line in zip(wanted, faults, strict=True) if word not in line] == []
    assert done.stdout.splitlines()[-1].endswith("5 faults; nothing was changed")


def test_impossible_settings_end_with_2(tmp_path: Path) -> None:
    done = run_check(tmp_path, "--set", "MIN_PROBABILITY=2")
    assert done.returncode == 2
    assert "MIN_PROBABILITY" in done.stderr
