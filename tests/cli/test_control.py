"""A person commands a running daemon: what is typed, what is answered, what happens, over restarts and crashes."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.live.venues import FIRST_MS, Daemon, control, exchange, make_store
from trader.cli.app import main
from trader.core.timeframe import HOUR_MS
from trader.engine.control.address import connect

END_MS = FIRST_MS + 24 * HOUR_MS
NOBODY = 65_534


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    make_store(root, END_MS)
    return root


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


class Person:
    """Somebody who types commands for the daemon of a folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._where = ["--set", f"DATA_DIR={folder / 'data'}"]
        self._capsys = capsys

    def types(self, line: str) -> tuple[int, str]:
        """Return exit code and output of `start.py LINE`."""
        self._capsys.readouterr()
        code = main([*line.split(), *self._where])
        out, err = self._capsys.readouterr()
        return code, err + out

    def done(self, line: str) -> str:
        """Return the output of a command that must succeed."""
        code, said = self.types(line)
        assert code == 0, said
        return said

    @property
    def status(self) -> Any:
        return json.loads(self.done("status --json"))


@pytest.fixture
def started(folder: Path) -> Iterator[Callable[[str], Daemon]]:
    """Return what starts a daemon on the exchange at an address; none outlives the test."""
    daemons: list[Daemon] = []

    def start(url: str) -> Daemon:
        daemons.append(Daemon(folder, REST_URL=url))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.process.kill()
        daemon.process.wait()


@pytest.fixture
def person(folder: Path, capsys: pytest.CaptureFixture[str]) -> Person:
    return Person(folder, capsys)


def test_a_person_commands_a_daemon_over_a_crash_and_a_restart(
    data: Path, folder: Path, person: Person, started: Callable[[str], Daemon]
) -> None:
    socket = folder / "data" / "live" / "embedded-spot" / "control.sock"
    code, said = person.types("kill")
    assert code == 1
    assert f"touch {folder / 'data' / 'KILL'} is the kill switch without" in said
    with exchange(data, folder / "ex.log", "--to", str(END_MS), "--speed", "1200", "--hold") as url:
        first = started(url)
        first.wait_for("opened: ")
        control(url, "speed", speed=120)
        closes_one_coin(person)
        is_refused_what_cannot_be(person)
        pauses_and_resumes(person, first, url)
        if os.geteuid() == 0:
            is_closed_to_another_user(socket)
        assert "MIN_STRENGTH = 0.41 (was 0.4)" in person.done("set MIN_STRENGTH=0.41 --wait")
        assert "no entries until it is lifted\n" in person.done("kill --yes")
        assert person.status["trades"] == []
        first.end(signal.SIGKILL)
        assert socket.exists(), "it is left behind"
        code, said = person.types("status")
        assert (code, "no daemon runs below" in said) == (1, True)
        second = started(url)
        second.wait_for("streams are up")
        is_as_it_was(person, second)
        lifts_what_it_threw_and_no_more(person, second, folder / "data" / "KILL")
        assert second.end(signal.SIGTERM) == 0
    assert not socket.exists()
    commands = [json.loads(line)["command"] for line in (socket.parent / "commands.jsonl").read_text().splitlines()]
    assert [each["do"] for each in commands] == ["close", "pause", "resume", "set", "kill", "unset", "lift"]


def closes_one_coin(person: Person) -> None:
    trade = person.status["trades"][0]
    assert abs(trade["price"] - trade["stop"]) / trade["price"] == pytest.approx(trade["stop_distance"])
    said = person.done(f"close {trade['symbol'].lower()}")
    assert f"accepted: {trade['symbol']}: 1 open trade closes" in said
    assert "it acts at the next candle close of 1min, 2026-01-05 " in said
    assert f"trade {trade['id']}, {trade['symbol']} {trade['direction']}: " in said
    assert said.endswith("done\n")
    assert trade["id"] not in [each["id"] for each in person.status["trades"]]


def is_refused_what_cannot_be(person: Person) -> None:
    for line, wanted, text in [
        ("close DOGEUSDT", 2, "refused: DOGEUSDT is not traded here; allowed: BTCUSDT, ETHUSDT"),
        ("set MIN_PROBABILITY=2", 2, "refused: MIN_PROBABILITY = 2 (asked for): allowed: a number of at least 0"),
        ("set MIN_PROBABILITY", 2, "change number 1: allowed: NAME=VALUE"),
        ("set MARKET=futures", 2, "refused: MARKET cannot change while running; allowed: MIN_PROBABILITY"),
        ("resume", 0, "there is nothing to resume"),
        ("lift", 0, "there is nothing to lift"),
        ("unset MIN_PROBABILITY", 0, "nobody has changed MIN_PROBABILITY"),
        ("status --mode paper", 1, "no daemon of MODE=paper runs below"),
        ("close", 2, "Missing argument 'SYMBOL'"),
    ]:
        code, said = person.types(line)
        assert (code, text in said) == (wanted, True), (line, code, said)


def pauses_and_resumes(person: Person, daemon: Daemon, url: str) -> None:
    assert "a person paused entries\ndone\n" in person.done("pause --wait")
    before = daemon.said().count("opened: ")
    control(url, "speed", speed=3_000)
    daemon.wait_for("refused: entries are paused", count=2)
    control(url, "speed", speed=600)
    assert daemon.said().count("opened: ") == before
    status = person.status
    assert (status["paused"], status["guards"]) == (True, ["paused by a person"])
    assert status["funnel"]["paused"] >= 2
    assert "accepted: entries resume" in person.done("resume")
    control(url, "speed", speed=3_000)
    daemon.wait_for("opened: ", count=before + 1)
    control(url, "speed", speed=600)


def is_closed_to_another_user(socket: Path) -> None:
    """Show that file permissions keep another user out, and the daemon itself where they are loosened."""
    os.seteuid(NOBODY)
    try:
        with pytest.raises(PermissionError):
            connect(socket, 5.0)
        os.seteuid(0)
        socket.chmod(0o666)
        os.seteuid(NOBODY)
        with connect(socket, 5.0) as connection, connection.makefile("rb") as lines:
            assert b"this daemon belongs to another user" in lines.readline()
            assert lines.readline() == b""
    finally:
        os.seteuid(0)
        socket.chmod(0o600)


def is_as_it_was(person: Person, daemon: Daemon) -> None:
    status = person.status
    assert (status["killed"], status["guards"]) == (True, ["kill switch (by a person)"])
    assert [(each["name"], each["value"]) for each in status["changed"]] == [("MIN_STRENGTH", "0.41")]
    assert "MIN_STRENGTH = 0.41 as a person commanded, it stands over 0.4 of the settings" in daemon.said()
    assert status["pid"] == daemon.process.pid
    said = person.done("status")
    assert said.startswith(f"daemon embedded-spot (process {daemon.process.pid}): embedded spot, stored candles of ")
    assert "guards on: kill switch (by a person)" in said
    assert "changed by a person: MIN_STRENGTH = 0.41" in said
    assert "MIN_STRENGTH = 0.4 again (was 0.41)" in person.done("unset min_strength --wait")


def lifts_what_it_threw_and_no_more(person: Person, daemon: Daemon, kill_file: Path) -> None:
    kill_file.touch()
    daemon.wait_for(f"{kill_file} is there")
    code, said = person.types("lift")
    assert (code, said) == (1, f"refused: {kill_file} is there and keeps the kill switch on: delete it\n")
    kill_file.unlink()
    daemon.wait_for(f"{kill_file} is gone")
    end = time.monotonic() + 20
    while person.status["guards"] != ["kill switch (by a person)"]:
        assert time.monotonic() < end, person.status
    assert person.done("lift --wait").endswith("the kill switch was lifted\ndone\n")
    assert not person.status["killed"]
