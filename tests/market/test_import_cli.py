"""`python start.py import`: exit codes and what a person reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.market.import_files import archive, archive_row, written
from trader.cli.app import DONE, FAILED, WRONG_USE, main
from trader.core.timeframe import Timeframe
from trader.market.store import Store


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: object) -> int:
    return main(["import", *map(str, arguments)])


def test_an_import_says_what_it_did_and_ends_with_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(folder / "BTCUSDT-1m.csv", archive())
    assert run(path, "--data", folder / "store") == DONE
    said = capsys.readouterr().out
    assert "spot BTCUSDT 1min: 5 rows: 5 new" in said
    assert "stored: 5 candles from 2025-01-01 00:00 to 2025-01-01 00:05, no gaps" in said
    assert Store(folder / "store").timeframes("spot", "BTCUSDT") == [Timeframe.MIN_1]


def test_the_settings_tell_folder_and_market_when_no_option_does(folder: Path) -> None:
    path = written(folder / "candles.csv", archive())
    assert (
        run(path, "--coin", "btc/usdt", "--timeframe", "1m", "--set", "MARKET=futures", "--set", "DATA_DIR=d") == DONE
    )
    assert Store(folder / "d").symbols("futures") == ["BTCUSDT"]


def test_a_broken_file_ends_with_1_and_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(folder / "BTCUSDT-1m.parquet", "broken")
    assert run(path, "--data", folder / "store") == FAILED
    assert f"FAILED: {path}: broken Parquet" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [(), ("nowhere.csv",), (".", "--market", "margin"), (".", "--timeframe", "3m"), (".", "--set", "MARKT=spot")],
)
def test_wrong_use_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments) == WRONG_USE


def test_replacing_is_an_option(folder: Path) -> None:
    store = folder / "store"
    run(written(folder / "BTCUSDT-1m.csv", archive()), "--data", store)
    other = written(folder / "BTCUSDT-1m.csv", archive_row(0, 101.0) + "\n")
    assert run(other, "--data", store) == DONE
    assert Store(store).read("spot", "BTCUSDT", Timeframe.MIN_1).close[0] == 100
    assert run(other, "--data", store, "--replace") == DONE
    assert Store(store).read("spot", "BTCUSDT", Timeframe.MIN_1).close[0] == 101


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == DONE
    assert "python start.py import ~/Downloads/BTCUSDT-1m-2025-01.zip" in capsys.readouterr().out
