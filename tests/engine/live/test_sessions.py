"""The daemon as a person runs it: stopped, killed, started again, beside another, with a kill file."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.engine.live.venues import FIRST_MS, Daemon, control, exchange, make_store
from trader.core.timeframe import HOUR_MS

END_MS = FIRST_MS + 8 * HOUR_MS


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    make_store(root, END_MS)
    return root


@pytest.fixture(scope="module")
def straight(data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the trades of a run without interruption."""
    folder = tmp_path_factory.mktemp("straight")
    with exchange(data, folder / "ex.log", "--to", str(END_MS), "--speed", "max", "--hold") as url:
        daemon = Daemon(folder, REST_URL=url)
        assert daemon.finish() == 0, daemon.said()
    assert daemon.trades_log.count("\n") > 3, "the run must trade"
    return daemon.trades_log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["sigterm", "kill -9"])
def test_a_restart_takes_up_pool_and_log_where_they_were(
    data: Path, straight: str, tmp_path: Path, number: int
) -> None:
    with exchange(data, tmp_path / "ex.log", "--to", str(END_MS), "--speed", "3000", "--hold") as url:
        first = Daemon(tmp_path, REST_URL=url)
        first.wait_for("ended with")
        first.end(number)
        control(url, "speed", speed="max")
        second = Daemon(tmp_path, REST_URL=url)
        assert second.finish() == 0, second.said()
    assert "taken up at equity" in second.said()
    rows, whole = second.trades_log.splitlines(), straight.splitlines()
    assert rows[:2] == whole[:2], "the head and the first trade are those of a run without interruption"
    numbers = [int(row.split(",")[0]) for row in rows[1:]]
    assert len(set(numbers)) == max(numbers), "trades count on: none is lost, none is booked as another"


def test_sigterm_stops_within_five_seconds_and_says_what_stays_open(data: Path, tmp_path: Path) -> None:
    with exchange(data, tmp_path / "ex.log", "--to", str(END_MS), "--speed", "3000", "--hold") as url:
        daemon = Daemon(tmp_path, REST_URL=url)
        daemon.wait_for("opened: ")
        control(url, "speed", speed=1)
        assert daemon.end(signal.SIGTERM) == 0
    assert "stopped; what is open stays open" in daemon.said()


def test_ctrl_c_ends_with_130(data: Path, tmp_path: Path) -> None:
    with exchange(data, tmp_path / "ex.log", "--speed", "60", "--hold") as url:
        daemon = Daemon(tmp_path, REST_URL=url)
        daemon.wait_for("trading on embedded spot")
        assert daemon.end(signal.SIGINT) == 130


def test_a_second_daemon_is_refused_with_the_name_of_the_first(data: Path, tmp_path: Path) -> None:
    with exchange(data, tmp_path / "ex.log", "--speed", "60", "--hold") as url:
        first = Daemon(tmp_path, REST_URL=url)
        first.wait_for("trading on embedded spot")
        second = Daemon(tmp_path, REST_URL=url)
        assert second.finish() == 2
        first.end()
    assert f"a daemon is running already (process {first.process.pid}" in second.said()


def test_the_kill_file_closes_everything_and_its_removal_lifts(data: Path, tmp_path: Path) -> None:
    with exchange(data, tmp_path / "ex.log", "--to", str(END_MS), "--speed", "1200", "--hold") as url:
        daemon = Daemon(tmp_path, REST_URL=url)
        daemon.wait_for("opened: ")
        control(url, "speed", speed=120)
        kill = tmp_path / "data" / "KILL"
        kill.touch()
        daemon.wait_for("guard kill_switch on")
        kill.unlink()
        daemon.wait_for("guard kill_switch off")
        daemon.end()


def test_a_snapshot_of_another_play_is_put_aside_in_words(data: Path, tmp_path: Path) -> None:
    with exchange(data, tmp_path / "ex.log", "--speed", "600", "--hold") as url:
        first = Daemon(tmp_path, REST_URL=url)
        first.wait_for("streams are up")
        first.end()
        second = Daemon(tmp_path, "--coins", "BTCUSDT", REST_URL=url)
        second.wait_for("trading on embedded spot")
        second.end()
    assert "the snapshot does not fit" in second.said()
    home = tmp_path / "data" / "live" / "embedded-spot"
    assert list(home.glob("*.aside"))


@pytest.mark.parametrize("mode", ["demo", "testnet", "live"])
def test_modes_that_need_orders_are_refused(mode: str, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, "--mode", mode)
    assert daemon.finish() == 2
    assert "not there yet" in daemon.said() or "cannot do yet" in daemon.said()
