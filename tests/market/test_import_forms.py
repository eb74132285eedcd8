"""Every form in which people have candles ends as the same candles in the store."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.builders import M1, START_MS, same_table, walk
from tests.market.import_files import HEADINGS, archive, archive_row, imported, only_stream, written, zipped
from trader.core.candle import EXTRA_COLUMNS, PRICE_COLUMNS
from trader.core.timeframe import HOUR_MS, MINUTE_MS, SECOND_MS, Timeframe
from trader.market.store import Store
from trader.market.table import CandleTable


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


def minutes(store: Store, market: str = "spot", symbol: str = "BTCUSDT", timeframe: Timeframe = M1) -> list[int]:
    read = store.read(market, symbol, timeframe)
    return ((read.open_time - START_MS) // timeframe.ms).tolist()


@pytest.mark.parametrize("headings", [False, True])
@pytest.mark.parametrize("scale", [1, 1_000])
@pytest.mark.parametrize("packing", ["csv", "zip", "gz"])
def test_archives_with_or_without_headings_in_ms_or_microseconds(
    store: Store, source: Path, headings: bool, scale: int, packing: str
) -> None:
    text = archive(headings=headings, scale=scale)
    path = source / f"BTCUSDT-1m-2025-01.{packing}"
    if packing == "zip":
        zipped(path, BTCUSDT_1m_2025_01=text)
    elif packing == "gz":
        path = written(source / "BTCUSDT-1m-2025-01.csv.gz", gzip.compress(text.encode()))
    else:
        written(path, text)
    stream = only_stream(imported(store, path))
    assert (stream.rows, stream.result.added, stream.refused_rows) == (5, 5, 0)
    read = store.read("spot", "BTCUSDT", M1)
    assert minutes(store) == [0, 1, 2, 3, 4]
    assert read.present() == EXTRA_COLUMNS
    assert (read.volume[0], read.count[0], read.taker_buy_quote_volume[0]) == (2.5, 7.0, 125.0)


def test_the_template_of_the_users_own_files(store: Store, source: Path) -> None:
    path = source / "BTCUSDT" / "5min" / "monthly" / "BTCUSDT-trades-2025-01_5min.csv"
    rows = [f"{START_MS + at * 5 * MINUTE_MS},1,2,0.5,1.5,10" for at in range(3)]
    written(path, "\n".join(["timestamp,open,high,low,close,volume", *rows, ""]))
    assert only_stream(imported(store, source)).result.added == 3
    assert minutes(store, timeframe=Timeframe.MIN_5) == [0, 1, 2]


@pytest.mark.parametrize(
    ("headings", "row"),
    [
        ("Open time;Open;High;Low;Close;Volume;Number of trades", "{ms};1;2;0.5;1.5;10;4"),
        ("date,close,open,high,low,vol", "{iso},1.5,1,2,0.5,10"),
        ("timestamp\topen\thigh\tlow\tclose\tvolume", "{s}\t1\t2\t0.5\t1.5\t10"),
        ("T,O,H,L,C,V", "{ns},1,2,0.5,1.5,10"),
        ('"time","open","high","low","close","volume"', '"{ms}","1","2","0.5","1.5","10"'),
        ("# made by hand\n\ntime,open,high,low,close,volume", "{iso}Z,1,2,0.5,1.5,10"),
        ("\ufefftime,open,high,low,close,volume", "{ms},1,2,0.5,1.5,10"),
        ("datetime,open,high,low,close,volume", "{iso}+02:00,1,2,0.5,1.5,10"),
    ],
)
def test_usual_headings_delimiters_and_spellings_of_time(store: Store, source: Path, headings: str, row: str) -> None:
    shift = 2 * HOUR_MS if "+02:00" in row else 0
    rows = []
    for minute in range(3):
        ms = START_MS + minute * MINUTE_MS + shift
        iso = str(np.datetime64(ms, "ms").astype("datetime64[s]")).replace("T", " ")
        rows.append(row.format(ms=ms, iso=iso, s=ms // 1000, ns=ms * 1_000_000))
    written(source / "BTCUSDT_1m.csv", "\r\n".join([headings, *rows, ""]))
    assert only_stream(imported(store, source)).refused_rows == 0
    read = store.read("spot", "BTCUSDT", M1)
    assert minutes(store) == [0, 1, 2]
    assert [read.open[0], read.high[0], read.low[0], read.close[0], read.volume[0]] == [1, 2, 0.5, 1.5, 10]


def test_a_long_table_is_parted_by_its_symbols(store: Store, source: Path) -> None:
    times = [START_MS, START_MS + MINUTE_MS]
    rows = [f"{time},{coin},1,1,1,{price},1" for time in times for coin, price in (("ETH/USDT", 1), ("BTCUSDT", 1))]
    written(source / "all-1m.csv", "\n".join(["time,symbol,open,high,low,close,volume", *rows, ""]))
    report = imported(store, source)
    assert [(key[1], stream.rows) for key, stream in report.streams.items()] == [("BTCUSDT", 2), ("ETHUSDT", 2)]
    assert store.symbols("spot") == ["BTCUSDT", "ETHUSDT"]


def test_a_table_may_name_its_timeframes(store: Store, source: Path) -> None:
    rows = [f"{START_MS},{name},1,1,1,1,1" for name in ("1m", "1h")]
    written(source / "BTCUSDT.csv", "\n".join(["time,interval,open,high,low,close,volume", *rows, ""]))
    imported(store, source)
    assert store.timeframes("spot", "BTCUSDT") == [M1, Timeframe.HOUR_1]


@pytest.mark.parametrize("times", ["int", "datetime", "index"])
def test_parquet_of_pandas(store: Store, source: Path, times: str) -> None:
    whole = walk(50)
    frame = pd.DataFrame({name: getattr(whole, name) for name in PRICE_COLUMNS})
    frame.insert(0, "open_time", whole.open_time)
    if times != "int":
        frame["open_time"] = pd.to_datetime(frame["open_time"], unit="ms", utc=True)
    if times == "index":
        frame = frame.set_index("open_time").rename_axis(None)
    source.mkdir()
    frame.to_parquet(source / "BTCUSDT-1m.parquet")
    assert only_stream(imported(store, source)).result.added == 50
    assert same_table(store.read("spot", "BTCUSDT", M1), whole)


def test_another_store_is_imported_and_ones_own_is_not(tmp_path: Path) -> None:
    other, store = Store(tmp_path / "other"), Store(tmp_path / "mine")
    whole = walk(100)
    other.merge("futures", whole)
    assert only_stream(imported(store, other.root)).result.added == 100
    assert same_table(store.read("futures", "BTCUSDT", M1), whole)
    assert imported(store, store.root).failed
    written(store.root / "BTCUSDT" / "1min" / "monthly" / "BTCUSDT-trades-2025-01_1min.csv", archive(range(200, 203)))
    assert only_stream(imported(store, store.root)).result.added == 3


def test_newest_first_is_turned_round(store: Store, source: Path) -> None:
    written(source / "BTCUSDT-1m.csv", archive(reversed(range(5))))
    assert only_stream(imported(store, source)).refused_rows == 0
    assert minutes(store) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("folder", "options", "market"),
    [
        ("usdm", {}, "futures"),
        ("spot", {"default_market": "futures"}, "spot"),
        ("x", {"default_market": "futures"}, "futures"),
        ("spot", {"market": "futures"}, "futures"),
    ],
)
def test_the_market_is_the_options_else_the_names_else_the_settings(
    store: Store, source: Path, folder: str, options: dict[str, str], market: str
) -> None:
    written(source / folder / "BTCUSDT-1m.csv", archive())
    assert only_stream(imported(store, source, **options)).market == market
    assert minutes(store, market) == [0, 1, 2, 3, 4]


def test_options_tell_what_no_name_tells(store: Store, source: Path) -> None:
    path = written(source / "candles.csv", archive())
    assert "which coin?" in imported(store, path).broken[0][1]
    assert "which timeframe?" in imported(store, path, symbol="BTCUSDT").broken[0][1]
    assert only_stream(imported(store, path, symbol="BTCUSDT", timeframe=M1)).result.added == 5


def test_the_checksum_beside_an_archive_is_compared(store: Store, source: Path) -> None:
    path = zipped(source / "BTCUSDT-1m-2025-01.zip", BTCUSDT_1m_2025_01=archive())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    beside = written(source / f"{path.name}.CHECKSUM", f"{'0' * 64}  {path.name}\n")
    assert "SHA-256" in imported(store, source).broken[0][1]
    beside.write_text(f"{digest}  {path.name}\n")
    assert only_stream(imported(store, source)).result.added == 5


def test_funding_archives_and_tables(store: Store, source: Path) -> None:
    rows = (
        f"calc_time,funding_interval_hours,last_funding_rate\n{START_MS + 3},8,0.0001\n{START_MS + 8 * HOUR_MS},8,0.5\n"
    )
    zipped(source / "BTCUSDT-fundingRate-2025-01.zip", BTCUSDT_fundingRate_2025_01=rows)
    table = f"symbol,funding_time,funding_rate\nETHUSDT,{START_MS},0.0002\nETHUSDT,{START_MS + 31_000},0.1\n"
    written(source / "rates.csv", table)
    report = imported(store, source)
    assert not report.failed
    assert store.funding("futures", "BTCUSDT") == [(START_MS, 0.0001), (START_MS + 8 * HOUR_MS, 0.5)]
    assert store.funding("futures", "ETHUSDT") == [(START_MS, 0.0002)]
    assert report.funding["ETHUSDT"].refused[0][1].total == 1


def trades(first_second: int, seconds: int, first_id: int, price: float = 10.0, bare: bool = False) -> str:
    rows = []
    for at in range(seconds):
        id, time = first_id + at, START_MS + (first_second + at) * SECOND_MS
        rows.append(f"{id},{price + at},2.0,{id},{id},{time},false")
    headings = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
    return "\n".join([headings] * (not bare) + [*rows, ""])


@pytest.mark.parametrize("bare", [False, True])
def test_aggregated_trades_of_whole_days_become_1s_candles_without_a_seam(
    store: Store, source: Path, bare: bool
) -> None:
    written(source / "um" / "BTCUSDT-aggTrades-2025-01-01.csv", trades(86_390, 5, 1, 10.0, bare))
    written(source / "um" / "BTCUSDT-aggTrades-2025-01-02.csv", trades(86_402, 3, 6, 20.0, bare))
    imported(store, source)
    read = store.read("futures", "BTCUSDT", Timeframe.SEC_1)
    assert ((read.open_time - START_MS) // 1000).tolist() == list(range(86_390, 2 * 86_400))
    assert read.close[:15].tolist() == [10, 11, 12, 13, 14, 14, 14, 14, 14, 14, 14, 14, 20, 21, 22]
    assert read.volume[:15].tolist() == [2] * 5 + [0] * 7 + [2] * 3


def test_a_piece_of_the_trades_loses_its_first_and_last_second(store: Store, source: Path) -> None:
    path = written(source / "trades-BTCUSDT-spot.csv", trades(10, 5, 1))
    stream = only_stream(imported(store, path))
    assert minutes(store, timeframe=Timeframe.SEC_1) == [11, 12, 13]
    assert "3 candles were built from 5 trades" in stream.notes[0]


def test_a_file_in_pieces_of_days_is_stored_as_one_stream(store: Store, source: Path) -> None:
    for day in range(3):
        zipped(source / f"BTCUSDT-1m-2025-01-0{day + 1}.zip", day=archive(range(day * 1440, day * 1440 + 1440)))
    stream = only_stream(imported(store, source))
    assert (stream.rows, stream.result.added) == (4320, 4320)
    assert stream.manifest is not None
    assert stream.manifest.gaps == ()


def test_the_quick_and_the_careful_way_read_the_same(store: Store, source: Path, tmp_path: Path) -> None:
    whole = walk(300, count=3)
    rows = [f"{c.open_time},{c.open!r},{c.high!r},{c.low!r},{c.close!r},{c.volume!r},3" for c in whole.candles()]
    headings = "time,open,high,low,close,volume,count"
    written(source / "BTCUSDT-1m.csv", "\n".join([headings, *rows, ""]))
    written(source / "ETHUSDT-1m.csv", "\n".join([headings, "nonsense", *rows, ""]))
    imported(store, source)
    quick, careful = (store.read("spot", symbol, M1) for symbol in ("BTCUSDT", "ETHUSDT"))
    renamed = CandleTable("BTCUSDT", *(getattr(careful, name) for name in careful.__struct_fields__[1:]))
    assert same_table(quick, whole)
    assert same_table(renamed, whole)


def test_headings_are_those_of_the_archives(source: Path, store: Store) -> None:
    assert len(HEADINGS.split(",")) == len(archive_row(0).split(",")) == 12
