"""`python start.py train` as a person types it: a version in the registry, first words, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.test_backtest import start
from tests.engine.runs import stored
from tests.engine.train.lessons import tables
from trader.cli.app import main
from trader.cli.train import _duration, _Pace
from trader.ml.registry.store import Registry


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home") / "candles"
    stored(root, tables())
    return root


@pytest.mark.timeout(400)
def test_a_training_ends_with_a_version_that_is_current_and_its_verdict_first(data: Path, tmp_path: Path) -> None:
    own = ["--coins", "BTCUSDT,ETHUSDT", "--timeframes", "1min", "--folds", "1", "--name", "mine", "--promote"]
    done = start("train", *own, "--data", str(data), "--models", "models", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("no edge"), "a generated market has none"
    assert last == "mine@v0001 is current"
    assert re.search(r"^2026-01-17 to 2026-01-29 +[\d,]+ +0\.\d{4}", done.stdout, re.MULTILINE)
    assert "fold 1 of 1: recogniser, loss" in done.stderr
    registry = Registry(tmp_path / "models")
    found = registry.open("mine")
    assert {"report.html", "report.json", "reference.json"} < set(found.metadata.files)
    assert found.metadata.description.note == first
    assert sum(file.size for file in found.metadata.files.values()) < 3_000_000
    assert not (data / "training" / "mine").exists(), "what was kept for a second start is not needed any more"


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
    assert main(["train", *own, *arguments]) != 0
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_time_left_is_said_once_there_is_a_pace() -> None:
    assert _Pace().words(1, 1_000) == "in all 0%"
    assert re.fullmatch(r"in all 50%, about \d+ s left", _Pace().words(500, 1_000))
    assert _Pace().words(1_000, 1_000) == "all is learned"
    assert (_duration(40.0), _duration(600.0)) == ("40 s", "10 min")
