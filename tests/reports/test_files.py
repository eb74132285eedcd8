"""Files get to their place whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.reports.conftest import WHEN, Written
from tests.reports.results import a_run
from trader.core.errors import DataError
from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable
from trader.reports.files import point_latest, run_directory, stamp, whole, write_text
from trader.reports.write import write_reports


def test_the_files_have_their_names(traded: Written) -> None:
    names = sorted(path.name for path in traded.files.directory.iterdir())
    assert names == ["backtest_report_2026-01-05_12-30-00.xlsx", "metrics.json", "report.html", "trades_log.csv"]


def test_an_error_leaves_neither_a_draft_nor_a_half(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    write_text(path, "before")
    with pytest.raises(DataError):
        break_off(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def break_off(path: Path) -> None:
    with whole(path) as draft:
        draft.write_text("half")
        raise DataError("broken")


def test_what_was_written_before_an_error_stays_whole(tmp_path: Path) -> None:
    result, _ = a_run(4, days=5)

    def broken(symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        raise DataError(f"{symbol} {timeframe}: the store is broken")

    with pytest.raises(DataError):
        write_reports(result, tmp_path, broken, WHEN)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["backtest_report_2026-01-05_12-30-00.xlsx", "metrics.json", "trades_log.csv"]


def test_line_ends_are_the_same_everywhere(traded: Written) -> None:
    for path in (traded.files.trades_log, traded.files.metrics):
        assert b"\r" not in path.read_bytes()
        assert path.read_bytes().endswith(b"\n")


def test_names_carry_utc() -> None:
    assert stamp(datetime(2026, 1, 5, 23, 30, tzinfo=timezone(timedelta(hours=-2)))) == "2026-01-06_01-30-00"


def test_runs_of_the_same_second_have_directories_of_their_own(tmp_path: Path) -> None:
    names = [run_directory(tmp_path / "stat", WHEN).name for _ in range(3)]
    assert names == ["2026-01-05_12-30-00", "2026-01-05_12-30-00-2", "2026-01-05_12-30-00-3"]


def test_latest_points_to_the_last_run(tmp_path: Path) -> None:
    for second in (1, 2):
        run = run_directory(tmp_path, datetime(2026, 1, 5, second=second, tzinfo=UTC))
        (run / "metrics.json").write_text(str(second))
        latest = point_latest(tmp_path, run)
    assert latest == tmp_path / "latest"
    assert (latest / "metrics.json").read_text() == "2"
    assert latest.readlink() == Path(run.name)


def test_a_text_file_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "latest").write_text("2025-01-01_00-00-00\n")
    run = run_directory(tmp_path, WHEN)
    assert point_latest(tmp_path, run).resolve() == run.resolve()


def test_a_directory_named_latest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "mine.txt").write_text("kept")
    run = run_directory(tmp_path, WHEN)
    assert point_latest(tmp_path, run) == run
    assert (tmp_path / "latest" / "mine.txt").read_text() == "kept"


def test_where_no_link_can_be_made_a_text_file_names_the_run(tmp_path: Path) -> None:
    too_long_for_a_link = tmp_path / ("x" * 5_000)
    latest = point_latest(tmp_path, too_long_for_a_link)
    assert not latest.is_symlink()
    assert latest.read_text() == f"{too_long_for_a_link.name}\n"
