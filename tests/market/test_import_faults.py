"""What is broken leaves the store as it was and is named; what is impossible is refused by line and reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import M1, START_MS, table, walk
from tests.market.import_files import archive, archive_row, imported, only_stream, written, zipped
from trader.core.errors import ConfigError
from trader.core.timeframe import MINUTE_MS
from trader.market.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


def snapshot(store: Store) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in store.root.rglob("*") if path.is_file()}


def broken_zip(path: Path) -> Path:
    zipped(path, a=archive(range(100)))
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    return written(path, bytes(data))


def cut_parquet(path: Path) -> Path:
    whole = Store(path.parent / "whole")
    whole.merge("spot", walk(500))
    (month,) = whole.root.rglob("*.parquet")
    return written(path, month.read_bytes()[:-100])


BROKEN = {
    "cut zip": lambda folder: written(
        folder / "BTCUSDT-1m.zip", zipped(folder / "x" / "whole.zip", a=archive(range(100))).read_bytes()[:300]
    ),
    "zip with a bad CRC": lambda folder: broken_zip(folder / "BTCUSDT-1m.zip"),
    "cut parquet": lambda folder: cut_parquet(folder / "BTCUSDT-1m.parquet"),
    "half a CSV": lambda folder: written(folder / "BTCUSDT-1m.csv", archive(range(100))[:-40]),
    "cut gz": lambda folder: written(folder / "BTCUSDT-1m.csv.gz", b"\x1f\x8b\x08\x00 nothing"),
    "not text": lambda folder: written(folder / "BTCUSDT-1m.csv", b"time,open,high,low,close,volume\n\xff\xfe\x00\n"),
    "empty": lambda folder: written(folder / "BTCUSDT-1m.csv", ""),
    "headings alone": lambda folder: written(folder / "BTCUSDT-1m.csv", "time,open,high,low,close,volume,symbol\n"),
    "a column too few": lambda folder: written(folder / "BTCUSDT-1m.csv", "time,open,high,low,close\n1,2,3,4,5\n"),
    "odd width": lambda folder: written(folder / "BTCUSDT-1m.csv", "1,2,3,4,5,6,7,8\n"),
    "zip of nothing": lambda folder: zipped(folder / "BTCUSDT-1m.zip"),
    "other endings": lambda folder: written(folder / "BTCUSDT-1m.feather", "x"),
    "unknown timeframe": lambda folder: written(folder / "BTCUSDT-3m.csv", archive()),
    "wrong length": lambda folder: written(folder / "BTCUSDT-5m.csv", archive(range(20))),
    "wrong spacing": lambda folder: written(
        folder / "BTCUSDT-1m.csv", "".join(f"{START_MS + at * 5 * MINUTE_MS},1,1,1,1,1\n" for at in range(20))
    ),
    "too fine": lambda folder: written(
        folder / "BTCUSDT-5m.csv", "".join(f"{START_MS + at * MINUTE_MS},1,1,1,1,1\n" for at in range(20))
    ),
    "JSON that is cut": lambda folder: written(folder / "exchange_info.json", '{"symbols": ['),
    "JSON of something else": lambda folder: written(folder / "orders.json", "[]"),
    "a table of something else": lambda folder: written(folder / "log.csv", "name,value\na,1\n"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_leaves_the_store_as_it_was_and_the_others_are_imported(
    store: Store, source: Path, name: str
) -> None:
    store.merge("spot", table([7.0] * 10))
    before = snapshot(store)
    path = BROKEN[name](source)
    report = imported(store, path)
    assert report.failed
    assert [where for where, _ in report.broken] == [str(path)]
    assert any(line.startswith(f"FAILED: {path}: ") for line in report.lines())
    assert snapshot(store) == before
    good = written(source / "good" / "ETHUSDT-1m.csv", archive())
    assert imported(store, path, good).failed
    assert len(store.read("spot", "ETHUSDT", M1)) == 5


def test_a_table_of_something_else_below_a_folder_is_passed_over(store: Store, source: Path) -> None:
    written(source / "log.csv", "name,value\na,1\n")
    written(source / "orders.json", "[]")
    written(source / "README.md", "words")
    written(source / "BTCUSDT-1m.csv", archive())
    report = imported(store, source)
    assert not report.failed
    assert len(report.skipped) == 2
    assert sum(line.startswith("passed over: ") for line in report.lines()) == 2


def test_nothing_to_import_is_a_failure(store: Store, source: Path) -> None:
    source.mkdir()
    report = imported(store, source)
    assert list(report.lines()) == ["FAILED: nothing was found to import"]


def test_a_path_that_is_not_there_is_wrong_use(store: Store, source: Path) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        imported(store, source)


def test_refused_rows_are_named_by_line_and_reason_and_the_rest_is_kept(store: Store, source: Path) -> None:
    rows = archive(range(8), headings=True).splitlines()
    rows[2] = rows[2].replace(",100.0,100.0,100.0,100.0,", ",100.0,90.0,100.0,100.0,")
    rows[4] = rows[4].replace("100.0", "soon", 1)
    rows[5] = rows[5] + ",extra"
    rows[6] = rows[6].replace(str(START_MS + 5 * MINUTE_MS), str(START_MS + 5 * MINUTE_MS + 1), 1)
    written(source / "BTCUSDT-1m.csv", "\n".join([*rows, ""]))
    report = imported(store, source)
    stream = only_stream(report)
    assert (stream.rows, stream.result.added, stream.refused_rows) == (8, 4, 4)
    text = "\n".join(report.lines())
    assert "spot BTCUSDT 1min: 8 rows: 4 new, 4 refused" in text
    assert "refused: BTCUSDT-1m.csv, line 3: high 90.0 < low 100.0" in text
    assert "refused: BTCUSDT-1m.csv, line 5: open 'soon' is not a number" in text
    assert "refused: BTCUSDT-1m.csv, line 6: 13 columns, 12 expected" in text
    assert f"refused: BTCUSDT-1m.csv, line 7: open time {START_MS + 5 * MINUTE_MS + 1} is not on the grid" in text
    assert "gap: 2025-01-01 00:01 to 2025-01-01 00:02, 1 candles" in text


def test_many_refused_rows_are_counted_by_their_fault(store: Store, source: Path) -> None:
    rows = [archive_row(minute) if minute % 2 else archive_row(minute).replace("100.0", "-1") for minute in range(100)]
    written(source / "BTCUSDT-1m.csv", "\n".join([*rows, ""]))
    lines = list(imported(store, source).lines())
    assert sum(line.startswith("  refused: ") for line in lines) == 5
    assert "  refused in all: 50 × price of zero or less" in lines


def test_empty_lines_are_passed_over_and_line_numbers_stay_true(store: Store, source: Path) -> None:
    rows = [archive_row(0), "", archive_row(1).replace("100.0", "0", 1), "", archive_row(2)]
    written(source / "BTCUSDT-1m.csv", "\n".join([*rows, ""]))
    stream = only_stream(imported(store, source))
    assert stream.refused[0][1].named[0][0] == 3
    assert stream.result.added == 2


def test_repeated_rows_are_harmless_and_contradicting_ones_are_refused(store: Store, source: Path) -> None:
    rows = [archive_row(0), archive_row(1), archive_row(1), archive_row(1, 101.0), archive_row(2)]
    written(source / "BTCUSDT-1m.csv", "\n".join([*rows, ""]))
    stream = only_stream(imported(store, source))
    assert (stream.result.added, stream.repeated, stream.refused_rows) == (3, 1, 1)
    assert stream.refused[0][1].named[0][0] == 4


def test_a_time_between_two_milliseconds_is_refused(store: Store, source: Path) -> None:
    rows = [archive_row(0, scale=1000), archive_row(1, scale=1000)]
    rows[1] = rows[1].replace(str((START_MS + MINUTE_MS) * 1000), str((START_MS + MINUTE_MS) * 1000 + 123))
    written(source / "BTCUSDT-1m.csv", "\n".join([*rows, ""]))
    stream = only_stream(imported(store, source))
    assert (stream.result.added, stream.refused[0][1].named) == (1, [(2, "open time has a fraction of a millisecond")])


def test_contradictions_with_the_store_are_told_and_replaced_only_on_request(store: Store, source: Path) -> None:
    written(source / "BTCUSDT-1m.csv", archive())
    imported(store, source)
    path = written(source / "BTCUSDT-1m.csv", archive_row(0, 101.0) + "\n" + archive_row(1) + "\n")
    report = imported(store, path)
    assert not report.failed
    assert "spot BTCUSDT 1min: 2 rows: 0 new, 1 already there, 1 contradicting" in next(report.lines())
    assert store.read("spot", "BTCUSDT", M1).close[0] == 100
    assert only_stream(imported(store, path, replace=True)).result.replaced == 1
    assert store.read("spot", "BTCUSDT", M1).close[0] == 101


def test_a_last_line_without_an_end_is_kept_and_remarked_upon(store: Store, source: Path) -> None:
    written(source / "BTCUSDT-1m.csv", archive().rstrip("\n"))
    stream = only_stream(imported(store, source))
    assert stream.result.added == 5
    assert "the last line has no end" in stream.notes[0]


def test_a_stored_month_that_is_broken_is_named_and_other_streams_go_on(store: Store, source: Path) -> None:
    store.merge("spot", table([7.0]))
    (month,) = store.root.rglob("*.parquet")
    month.write_bytes(b"broken")
    written(source / "BTCUSDT-1m.csv", archive())
    written(source / "ETHUSDT-1m.csv", archive())
    report = imported(store, source)
    assert [where for where, _ in report.broken] == ["spot BTCUSDT 1min"]
    assert len(store.read("spot", "ETHUSDT", M1)) == 5


def test_an_older_exchange_info_does_not_replace_a_newer_one(store: Store, source: Path) -> None:
    def info(time: int) -> str:
        return json.dumps(
            {"serverTime": time, "symbols": [{"symbol": "A", "contractType": "PERPETUAL", "filters": []}]}
        )

    written(source / "a.json", info(2))
    written(source / "b.json", info(1))
    report = imported(store, source, market="spot")
    assert [line.partition(": ")[2] for line in report.exchange_info] == [
        "1 symbols",
        "older than the stored one, which stays",
    ]
    stored = store.exchange_info("futures")
    assert stored is not None
    assert stored["serverTime"] == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_bytes_of_any_kind_raise_nothing(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    whole = archive(range(6), headings=data.draw(st.booleans())).encode()
    at = data.draw(st.integers(0, len(whole)))
    noise = data.draw(st.binary(max_size=30))
    folder = tmp_path_factory.mktemp("noise")
    ending = data.draw(st.sampled_from(["csv", "zip", "parquet", "json", "csv.gz"]))
    path = written(folder / f"BTCUSDT-1m.{ending}", whole[:at] + noise + whole[at + data.draw(st.integers(0, 40)) :])
    list(imported(Store(folder / "data"), path).lines())


def test_a_link_to_nowhere_and_a_checksum_are_passed_over(store: Store, source: Path) -> None:
    path = written(source / "BTCUSDT-1m.csv", archive())
    (source / "ETHUSDT-1m.csv").symlink_to(source / "nowhere.csv")
    beside = written(source / "x.zip.CHECKSUM", "0  x.zip")
    assert only_stream(imported(store, source, path, beside)).rows == 5
