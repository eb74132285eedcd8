"""Rows that only the careful reader understands, and trades that are refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import M1, START_MS
from tests.market.import_files import archive, imported, only_stream, written
from trader.core.candle import PRICE_COLUMNS
from trader.core.timeframe import MINUTE_MS, SECOND_MS, Timeframe
from trader.market.importing.report import ImportReport, StreamReport, utc
from trader.market.importing.times import from_text
from trader.market.manifest import Manifest
from trader.market.store import Store

HEADINGS = "time,open,high,low,close,volume"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1735689600", (START_MS, True)),
        ("1735689600.5", (START_MS + 500, True)),
        ("1735689600000", (START_MS, True)),
        ("1735689600000000", (START_MS, True)),
        ("1735689600000500", (START_MS, False)),
        ("1735689600000000000", (START_MS, True)),
        ("1.7356896e12", (START_MS, True)),
        ("2025-01-01", (START_MS, True)),
        (" 2025-01-01T00:00:00Z ", (START_MS, True)),
        ("2025-01-01 02:00:00+02:00", (START_MS, True)),
        ("2025-01-01 00:00:00.000500", (START_MS, False)),
        ("01/02/2025", (-1, True)),
        ("-5", (-1, True)),
        ("nan", (-1, True)),
        ("", (-1, True)),
    ],
)
def test_times_of_any_unit_and_spelling(text: str, expected: tuple[int, bool]) -> None:
    assert from_text(text) == expected


def test_a_bad_line_among_dates_is_refused_and_the_dates_are_read(store: Store, source: Path) -> None:
    rows = [
        "2025-01-01 00:00,1,1,1,1,1",
        "yesterday,1,1,1,1,1",
        "2025-01-01 00:01,1,1,1,1,",
        "2025-01-01 00:02,1,1,1,1,1",
    ]
    written(source / "BTCUSDT-1m.csv", "\n".join([HEADINGS, *rows, ""]))
    stream = only_stream(imported(store, source))
    assert [(line, why) for _, refusals in stream.refused for line, why in refusals.named] == [
        (3, "time 'yesterday' is not a time"),
        (4, "volume nan"),
    ]
    assert len(store.read("spot", "BTCUSDT", M1)) == 2


def test_a_long_table_with_a_bad_line_keeps_its_coins(store: Store, source: Path) -> None:
    rows = [f"{START_MS},BTCUSDT,1,1,1,1,1", "what,is,this", f"{START_MS},ETHUSDT,1,1,1,1,1"]
    written(source / "all-1m.csv", "\n".join(["time,symbol,open,high,low,close,volume", *rows, ""]))
    report = imported(store, source)
    assert store.symbols("spot") == ["BTCUSDT", "ETHUSDT"]
    assert sum(stream.refused_rows for stream in report.streams.values()) == 1


def test_a_table_whose_time_is_missing_in_a_row_refuses_that_row(store: Store, source: Path) -> None:
    source.mkdir()
    columns = {name: [1.0, 1.0] for name in PRICE_COLUMNS}
    pq.write_table(pa.table({"open_time": [START_MS, None]} | columns), source / "BTCUSDT-1m.parquet")
    stream = only_stream(imported(store, source))
    assert stream.refused[0][1].named == [(2, "no time")]
    assert "  refused: BTCUSDT-1m.parquet, row 2: no time" in list(imported(store, source).lines())


def test_numbers_stored_as_text_are_read(store: Store, source: Path) -> None:
    source.mkdir()
    columns = {name: ["1.5"] for name in PRICE_COLUMNS}
    pq.write_table(pa.table({"open_time": [str(START_MS)]} | columns), source / "BTCUSDT-1m.parquet")
    assert only_stream(imported(store, source)).result.added == 1


def test_a_table_of_something_else_is_passed_over_or_fails_when_named(store: Store, source: Path) -> None:
    source.mkdir()
    path = source / "scores.parquet"
    pq.write_table(pa.table({"name": ["a"], "score": [1.0]}), path)
    assert imported(store, source).skipped[0][0] == str(path)
    assert imported(store, path).broken[0][0] == str(path)


def trade_rows(*rows: tuple[object, ...], headings: str = "id,price,qty,time,is_buyer_maker") -> str:
    return "\n".join([headings, *(",".join(map(str, row)) for row in rows), ""])


def test_impossible_trades_are_refused_by_line(store: Store, source: Path) -> None:
    rows = [(at, 10.0 + at, 1.0, START_MS + at * SECOND_MS, "True") for at in range(10)]
    rows[2] = (2, -1.0, 1.0, START_MS + 2 * SECOND_MS, "False")
    rows[3] = (3, 13.0, 1.0, START_MS + 3 * SECOND_MS, "perhaps")
    written(source / "trades-BTCUSDT-spot.csv", trade_rows(*rows))
    stream = only_stream(imported(store, source))
    named = [each for _, refusals in stream.refused for each in refusals.named]
    assert named == [(5, "maker 'perhaps' is neither true nor false"), (4, "price -1.0, quantity 1.0")]
    found = store.read("spot", "BTCUSDT", Timeframe.SEC_1)
    assert ((found.open_time - START_MS) // SECOND_MS).tolist() == [5, 6, 7, 8]  # 1 to 4 are around what is missing


def test_trades_without_ids_of_which_one_is_refused_give_no_candles(store: Store, source: Path) -> None:
    rows = [(10.0 if at != 5 else -1.0, 1.0, START_MS + at * 500, "1") for at in range(10)]
    path = written(source / "trades-BTCUSDT-spot.csv", trade_rows(*rows, headings="price,qty,time,m"))
    assert "trades without ids" in imported(store, path).broken[0][1]


def test_trades_of_several_coins_in_one_file_are_refused(store: Store, source: Path) -> None:
    rows = [(at, coin, 1.0, 1.0, START_MS, "True") for at, coin in enumerate(("BTCUSDT", "ETHUSDT"))]
    path = written(source / "trades.csv", trade_rows(*rows, headings="id,symbol,price,qty,time,is_buyer_maker"))
    assert "trades of 2 coins in one file" in imported(store, path).broken[0][1]


def test_trades_without_ids_are_taken_as_they_come(store: Store, source: Path) -> None:
    rows = [(10.0, 1.0, START_MS + at * 500, "1") for at in range(10)]
    written(source / "trades-BTCUSDT-spot.csv", trade_rows(*rows, headings="price,qty,time,m"))
    imported(store, source)
    assert store.read("spot", "BTCUSDT", Timeframe.SEC_1).volume.tolist() == [2, 2, 2]


def test_an_import_of_many_rows_is_stored_in_several_goes(store: Store, source: Path) -> None:
    day = 1440
    rows = "".join(f"{START_MS + at * MINUTE_MS},1,1,1,1,1\n" for at in range(day))
    again = "".join(f"{START_MS + at * MINUTE_MS},1,1,1,1,1\n" for at in range(day // 2, 2 * day))
    written(source / "a" / "BTCUSDT-1m-a.csv", rows)
    written(source / "b" / "BTCUSDT-1m-b.csv", again)
    stream = only_stream(imported(store, source))
    assert (stream.result.added, stream.result.same) == (2 * day, day // 2)


def test_many_gaps_are_counted_and_the_first_named(store: Store, source: Path) -> None:
    written(source / "BTCUSDT-1m.csv", archive([*range(0, 10), *range(11, 40, 3)]))
    lines = list(imported(store, source).lines())
    assert sum(line.startswith("  gap: ") for line in lines) == 5
    assert "  … and 5 gaps more" in lines


def test_a_report_speaks_of_seconds_where_there_are_any() -> None:
    assert (utc(START_MS), utc(START_MS + 1_000)) == ("2025-01-01 00:00", "2025-01-01 00:00:01")
    empty = Manifest(0, None, None, (), (), (), ())
    report = ImportReport(streams={("spot", "A", M1): StreamReport("spot", "A", M1, rows=1, manifest=empty)})
    assert list(report.lines()) == ["spot A 1min: 1 rows: 0 new"]
