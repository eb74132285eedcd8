"""`python start.py train` as a person types it: a version in the registry, first words, and what is refused."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.runs import stored
from tests.engine.train.lessons import tables
from tests.shared import ROOT
from trader.cli.app import INTERRUPTED, main
from trader.cli.train import _duration, _Pace
from trader.ml.registry.store import Registry

COMMAND = ["train", "--coins", "BTCUSDT", "--timeframes", "1min", "--folds", "2", "--name", "mine", "--promote"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home") / "candles"
    stored(root, tables())
    return root


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin in an empty directory, without the settings of who runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TRADER_")]:
        monkeypatch.delenv(name)


def train(*arguments: str) -> int:
    """Return how the command ends; in a thread, which on Linux is nice alone: the tests behind it are not."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(main, arguments).result()


def interrupted(*arguments: str, when: str) -> subprocess.CompletedProcess[str]:
    """Run `start.py` as a process of its own, and press Ctrl-C once it says `when`."""
    command = [sys.executable, str(ROOT / "start.py"), *arguments]
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)  # as it is where tests run in the background
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, ignored)
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith(when):
            process.send_signal(signal.SIGINT)
            break
    out, rest = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, "".join([*said, rest]))


@pytest.mark.timeout(400)
def test_a_training_that_was_interrupted_goes_on_and_ends_with_a_version_and_its_verdict_first(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*COMMAND, "--data", str(data), "--models", "models"]
    ended = interrupted(*command, when="fold 2 of 2: recogniser, loss")
    assert (ended.returncode, ended.stdout) == (INTERRUPTED, ""), ended.stderr
    kept = data / "training" / "mine"
    assert ended.stderr.splitlines()[-1] == (
        f"interrupted: the folds that are done are kept in {kept}; the same command goes on"
    )
    assert len(list(kept.iterdir())) == 1
    assert not Path("models").exists()
    code = train(*command)
    out, told = capsys.readouterr()
    assert code == 0, told
    assert "1 of 2 folds are there from an earlier run and are not learned again" in told
    assert "fold 2 of 2: recogniser, loss" in told
    assert "fold 1 of 2: " not in told
    first, *_, last = out.splitlines()
    assert first.startswith("no edge"), "a generated market has none"
    assert last == "mine@v0001 is current"
    for days in ("2026-01-17 to 2026-01-23", "2026-01-23 to 2026-01-29"):
        assert re.search(rf"^{days} +[\d,]+ +0\.\d{{4}}", out, re.MULTILINE)
    found = Registry(tmp_path / "models").open("mine")
    assert {"report.html", "report.json", "reference.json"} < set(found.metadata.files)
    assert found.metadata.description.note == first
    assert sum(file.size for file in found.metadata.files.values()) < 3_000_000
    assert not kept.exists(), "what was kept for a second start is not needed any more"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--coins", "SOLUSDT"], "no candles of SOLUSDT: it has BTCUSDT, ETHUSDT. Name others with --coins"),
        (["--folds", "20"], "are 24.0 days; 20 folds need 40 days at least"),
        (["--from", "2027-01-01"], "there is no time to run over; stored are 2026-01-05 00:00 to"),
        (["--name", "Mine"], "model 'Mine': allowed: a small letter"),
    ],
)
def test_what_cannot_be_trained_is_said_with_what_would_do(
    arguments: list[str], said: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ["--data", str(data), "--models", str(tmp_path), "--set", "LOG_FILE="]
    assert train("train", *own, *arguments) != 0
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_time_left_is_said_once_there_is_a_pace() -> None:
    assert _Pace().words(1, 1_000) == "in all 0%"
    assert re.fullmatch(r"in all 50%, about \d+ s left", _Pace().words(500, 1_000))
    assert _Pace().words(1_000, 1_000) == "all is learned"
    assert (_duration(40.0), _duration(600.0)) == ("40 s", "10 min")
