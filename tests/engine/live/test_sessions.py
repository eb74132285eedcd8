"""The daemon as a person runs it: stopped, killed, started again, beside another, with a kill file."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.engine.live.conftest import Start
from tests.engine.live.venues import FIRST_MS, control, exchange, make_store
from trader.cli.app import main
from trader.core.timeframe import HOUR_MS

END_MS = FIRST_MS + 8 * HOUR_MS


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    make_store(root, END_MS)
    return root


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def without_equity(log: str) -> list[str]:
    """Return the lines of a log of trades but for the last column, which is by the prices of when a fill was told."""
    return [line.rpartition(",")[0] for line in log.splitlines()]


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split()]


def test_a_daemon_guards_its_home_obeys_the_kill_file_stops_and_goes_on(
    data: Path, tmp_path: Path, start: Start
) -> None:
    with exchange(data, tmp_path / "ex.log", "--to", str(END_MS), "--speed", "3000", "--hold") as url:
        first = start(tmp_path, REST_URL=url)
        first.wait_for("trade 1 opened: ")
        control(url, "speed", speed=120)
        second = start(tmp_path, REST_URL=url)
        assert second.finish() == 2
        assert f"a daemon is running already (process {first.process.pid}" in second.said()
        kill = tmp_path / "data" / "KILL"
        kill.touch()
        first.wait_for("guard kill_switch on")
        assert first.end(signal.SIGTERM) == 0
        assert "stopped; what is open stays open" in first.said()
        third = start(tmp_path, REST_URL=url)
        third.wait_for("streams are up")
        assert "taken up at equity" in third.said()
        assert "compiling" not in third.said()
        assert "kill_switch on" not in third.said()
        kill.unlink()
        third.wait_for("guard kill_switch off")
        assert third.end(signal.SIGINT) == 130
        assert third.trades_log.startswith(first.trades_log_then)
        assert ",kill_switch," in third.trades_log.splitlines()[1]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_killed_at_once_it_leaves_nothing_running_and_the_play_goes_on_as_if_it_had_not_been(
    tmp_path: Path, start: Start
) -> None:
    play = {"EMBEDDED.speed": "15000"}
    whole, pieces = start(tmp_path / "whole", **play), start(tmp_path / "pieces", **play)
    pieces.wait_for("ended with")
    (child,) = children(pieces.process.pid)
    pieces.end(signal.SIGKILL)
    again = start(tmp_path / "pieces", **play)
    again.wait_for("taken up at equity")
    assert not alive(child)
    again.wait_for("ended with", count=2)  # the first may be one that the kill kept from the snapshot
    whole.wait_for("ended with", count=4)
    for daemon in (again, whole):
        assert daemon.end() == 0
    one, other = without_equity(whole.trades_log), without_equity(again.trades_log)
    both = min(len(one), len(other))
    assert both >= 3
    assert other[:both] == one[:both]


def test_stopped_before_trading_began_it_says_so(tmp_path: Path, start: Start) -> None:
    daemon = start(tmp_path)
    daemon.wait_for("setting DATA_DIR")
    assert daemon.end(signal.SIGTERM) == 0
    assert "stopped before trading began" in daemon.said()


@pytest.mark.parametrize("mode", ["demo", "testnet", "live"])
def test_modes_with_real_orders_are_refused_without_a_key(
    mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--mode", mode, "--set", f"DATA_DIR={tmp_path}", "--set", "LOG_FILE="]) == 2
    assert "python start.py keys add NAME" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_candles_of_two_venues_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = [part for pair in (f"DATA_DIR={tmp_path}", "LOG_FILE=", "REST_URL=http://x") for part in ("--set", pair)]
    assert main(["run", "--mode", "paper", *own]) == 2
    assert "candles would come from two venues" in capsys.readouterr().err
