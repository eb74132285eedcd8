"""`python start.py backtest` as a person types it: files, exit codes, first words."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import START_MS
from tests.engine.runs import generated, stored
from tests.shared import ROOT
from trader.cli.app import main
from trader.core.timeframe import DAY_MS
from trader.reports.trades_log import COLUMNS

LOOSE = ["MIN_PROBABILITY=0.5", "MIN_STRENGTH=0.5", "MIN_ATR_PCT=0.0"]
#: No model is there in a folder of the tests' own.
PLAIN = {"TRADER_STRATEGY": "geometry"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with four days of two coins."""
    root = tmp_path_factory.mktemp("home") / "candles"
    stored(root, generated())
    return root


def start(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `start.py` as a process of its own, without the settings of who runs the tests."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TRADER_")}
    command = [sys.executable, str(ROOT / "start.py"), *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**ours, **PLAIN, **environ}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def done(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Return what a run printed and the folder of its files."""
    home = tmp_path_factory.mktemp("run")
    pairs = [part for pair in LOOSE for part in ("--set", pair)]
    span = ["--from", "2025-01-01", "--to", "2025-01-04"]
    own = ["--coins", "BTCUSDT,ETHUSDT", "--timeframes", "1min,5min", "--capital", "5000", "--workers", "2"]
    return start("backtest", *own, *span, "--data", str(data), "--out", "out", *pairs, cwd=home), home / "out"


def test_the_files_are_where_they_were_wanted(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    process, out = done
    assert process.returncode == 0, process.stderr
    names = sorted(path.name for path in out.iterdir())
    assert [re.sub(r"_\d.*\.", ".", name) for name in names] == [
        "backtest_report.xlsx",
        "metrics.json",
        "report.html",
        "trades_log.csv",
    ]
    assert not (out.parent / "stat").exists()


def test_the_options_are_what_ran(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, out = done
    figures = json.loads((out / "metrics.json").read_text())
    assert figures["streams"] == ["BTCUSDT 1min", "ETHUSDT 1min", "BTCUSDT 5min", "ETHUSDT 5min"]
    assert (figures["start"], figures["end"]) == (START_MS, START_MS + 3 * DAY_MS)
    assert figures["candles"] == 2 * 3 * (1_440 + 288)


def test_the_log_of_trades_has_a_row_for_each_part(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, out = done
    with (out / "trades_log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert len({row["trade_id"] for row in rows}) > 30
    figures = json.loads((out / "metrics.json").read_text())
    assert 5_000 + sum(float(row["net_pnl"]) for row in rows) == pytest.approx(float(rows[-1]["equity_after"]))
    assert figures["refusals"]["total"]["trades"] == len({row["trade_id"] for row in rows})


def test_the_first_words_are_the_result_and_the_files(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    process, _ = done
    first, *rest = process.stdout.splitlines()
    assert first.startswith("Result after costs: ")
    assert "Buy-and-hold of BTCUSDT, ETHUSDT" in process.stdout
    assert any(line.startswith("! no stored filters for BTCUSDT, ETHUSDT") for line in rest)
    assert "Files in out: report.html, backtest_report_" in " ".join(rest)
    assert "Traceback" not in process.stderr


def test_each_override_is_said_on_the_error_stream(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    process, _ = done
    assert 'setting COINS = ["BTCUSDT", "ETHUSDT"] (option --coins)' in process.stderr
    assert "setting MIN_PROBABILITY = 0.5 (option --set)" in process.stderr


def test_data_source_alone_runs_a_backtest_into_a_folder_of_its_own(data: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"COINS: ETHUSDT\nDATA_DIR: {data}\nTIMEFRAMES: [5min]\n")
    for _ in range(2):
        process = start(cwd=tmp_path, DATA_SOURCE="backtest")
        assert process.returncode == 0, process.stderr
    runs = sorted(path for path in (tmp_path / "stat").iterdir() if path.name != "latest")
    assert len(runs) == 2
    assert (tmp_path / "stat" / "latest").resolve() == runs[-1].resolve()
    figures = json.loads((tmp_path / "stat" / "latest" / "metrics.json").read_text())
    assert figures["streams"] == ["ETHUSDT 5min"]


# --- what is refused ------------------------------------------------------------------------------------------


@pytest.fixture
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin in an empty directory, without the settings of who runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TRADER_")]:
        monkeypatch.delenv(name)
    for name, value in PLAIN.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_elsewhere")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--coins", "SUIUSDT"], "has no candles of SUIUSDT: it has BTCUSDT, ETHUSDT. Bring some with"),
        (["--set", "MARKET=futures"], "has no candles of BTCUSDT, ETHUSDT: it is empty"),
        (["--from", "2025-02-01"], "there is no time to run over; stored are 2025-01-01 00:00 to 2025-01-05 00:00"),
        (["--from", "2024-02-01", "--to", "2024-03-01"], "the store has 2025-01-01 00:00 to 2025-01-05 00:00"),
        (["--from", "yesterday"], "yesterday"),
        (["--timeframes", "1s"], "no stream is left to trade on"),
        (["--timeframes", "2min"], "2min"),
        (["--capital", "-1"], "BACKTEST_INITIAL_CAPITAL"),
        (["--workers", "-1"], "--workers"),
        (["--coins", "BTCUSTD"], "BTCUSTD"),
    ],
)
def test_what_cannot_run_is_refused_with_what_is_allowed(
    arguments: list[str], said: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", "--data", str(data), *arguments]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert said in error
    assert not Path("stat").exists()


@pytest.mark.usefixtures("_elsewhere")
def test_a_store_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--data", "nowhere"]) == 2
    error = capsys.readouterr().err
    assert "the store nowhere/spot has no candles of BTCUSDT, ETHUSDT: it is empty" in error
    assert "python start.py import PATH..." in error
    assert "--data" in error


@pytest.mark.usefixtures("_elsewhere")
def test_a_coin_without_data_beside_others_is_said_and_left_out(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--data", str(data), "--coins", "SUIUSDT,ETHUSDT", "--timeframes", "15min"]) == 0
    out = capsys.readouterr().out
    assert "! SUIUSDT is left out: there is no data of it" in out
    assert Path("stat/latest/trades_log.csv").exists()
