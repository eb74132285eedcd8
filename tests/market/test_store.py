"""The store gives back what it was given, keeps what it has, and knows what it holds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import M1, START_MS, same_table, table, walk
from trader.core.candle import PRICE_COLUMNS
from trader.core.errors import ConfigError, DataError
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from trader.market.overlay import MergeResult, concat, select
from trader.market.store import Store
from trader.market.table import CandleTable

FEBRUARY_MS = START_MS + 31 * DAY_MS
EXTRAS = {"quote_volume": 100.0, "count": 3, "taker_buy_volume": 0.0001, "taker_buy_quote_volume": 0.01}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def stored(store: Store, symbol: str = "BTCUSDT") -> CandleTable:
    return store.read("spot", symbol, M1)


def month_path(store: Store, month: str = "2025-01") -> Path:
    return store.root / "spot" / "BTCUSDT" / "1min" / f"{month}.parquet"


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_candles_merged_in_any_pieces_are_read_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    rows = data.draw(st.integers(1, 60))
    extras = data.draw(st.sampled_from([{}, EXTRAS, {"count": 7}]))
    start = data.draw(st.sampled_from([START_MS, FEBRUARY_MS - 20 * MINUTE_MS]))
    whole = walk(rows, seed=data.draw(st.integers(0, 5)), start_ms=start, **extras)
    store = Store(tmp_path_factory.mktemp("store"))
    piece_of = np.array(data.draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows)))
    for piece in data.draw(st.permutations(range(4))):
        store.merge("spot", select(whole, piece_of == piece))
    assert same_table(stored(store), whole)
    assert store.manifest("spot", "BTCUSDT", M1).rows == rows


def test_a_merge_done_again_changes_no_file(store: Store) -> None:
    whole = walk(500, start_ms=FEBRUARY_MS - 200 * MINUTE_MS)
    assert store.merge("spot", whole) == MergeResult(added=500)
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*.parquet")}
    assert store.merge("spot", whole) == MergeResult(same=500)
    assert {path: path.stat().st_mtime_ns for path in store.root.rglob("*.parquet")} == before
    assert sorted(path.stem for path in before) == ["2025-01", "2025-02"]


def test_the_stored_candle_stays_when_another_contradicts_it(store: Store) -> None:
    store.merge("spot", table([1, 2, 3]))
    result = store.merge("spot", table([1, 2.5, 3, 4], open=[1, 1, 2, 3]))
    assert result == MergeResult(added=1, same=2, conflicts=1, conflict_times=(START_MS + MINUTE_MS,))
    assert stored(store).close.tolist() == [1, 2, 3, 4]


def test_the_new_candle_stays_when_replacing_is_asked_for(store: Store) -> None:
    store.merge("spot", table([1, 2, 3], **EXTRAS))
    result = store.merge("spot", table([1, 2.5, 3], open=[1, 1, 2]), replace=True)
    assert result == MergeResult(same=2, replaced=1)
    after = stored(store)
    assert after.close.tolist() == [1, 2.5, 3]
    assert np.isnan(after.count).tolist() == [False, True, False]


def test_an_agreeing_candle_with_more_columns_enriches_the_stored_one(store: Store) -> None:
    store.merge("spot", table([1, 2, 3]))
    assert store.merge("spot", table([1, 2], **EXTRAS)) == MergeResult(enriched=2)
    assert stored(store).count.tolist()[:2] == [3, 3]
    assert np.isnan(stored(store).count[2])
    manifest = store.manifest("spot", "BTCUSDT", M1)
    assert (manifest.columns, manifest.partial) == (PRICE_COLUMNS, tuple(EXTRAS))
    assert store.merge("spot", table([1, 2, 3])) == MergeResult(same=3)


def test_float_noise_is_no_contradiction_and_a_tick_is_one(store: Store) -> None:
    store.merge("spot", table([0.1], volume=0.3))
    assert store.merge("spot", table([0.1], volume=0.1 + 0.2)).same == 1
    assert store.merge("spot", table([0.10000001], volume=0.3)).conflicts == 1


def test_absent_columns_are_absent_on_disk_and_nan_in_memory(store: Store) -> None:
    store.merge("spot", table([1, 2]))
    columns = pq.read_schema(month_path(store))
    assert columns.names == ["open_time", *PRICE_COLUMNS]
    assert str(columns.field("open_time").type) == "int64"
    assert np.isnan(stored(store).quote_volume).all()
    store.merge("spot", table([3], start_ms=START_MS + 2 * MINUTE_MS, count=4))
    assert str(pq.read_schema(month_path(store)).field("count").type) == "int64"


def test_reading_is_half_open_by_open_time_across_months(store: Store) -> None:
    whole = walk(100, start_ms=FEBRUARY_MS - 50 * MINUTE_MS)
    store.merge("spot", whole)
    read = store.read("spot", "BTCUSDT", M1, FEBRUARY_MS - 2 * MINUTE_MS, FEBRUARY_MS + MINUTE_MS)
    assert same_table(read, whole.rows(48, 51))
    assert len(store.read("spot", "BTCUSDT", M1, FEBRUARY_MS, FEBRUARY_MS)) == 0
    assert len(store.read("spot", "BTCUSDT", M1, None, FEBRUARY_MS)) == 50
    assert len(store.read("futures", "BTCUSDT", M1)) == 0


def test_a_long_month_is_read_in_part_by_its_row_groups(store: Store) -> None:
    second = Timeframe.SEC_1
    whole = table([1.0] * 200_000, timeframe=second)
    store.merge("spot", whole)
    start = START_MS + 100_000_000
    assert same_table(store.read("spot", "BTCUSDT", second, start, start + 5_000), whole.between(start, start + 5_000))


def test_the_manifest_names_spans_gaps_and_columns(store: Store) -> None:
    store.merge("spot", table([1] * 10, without=[3, 4, 8], **EXTRAS))
    manifest = store.manifest("spot", "BTCUSDT", M1)
    assert manifest.rows == 7
    assert (manifest.first, manifest.last) == (START_MS, START_MS + 9 * MINUTE_MS)
    minutes = [[(time - START_MS) // MINUTE_MS for time in gap] for gap in manifest.gaps]
    assert minutes == [[3, 5], [8, 9]]
    assert manifest.missing(M1) == 3
    assert manifest.columns == (*PRICE_COLUMNS, *EXTRAS)


def test_the_gap_between_months_is_one_gap(store: Store) -> None:
    store.merge("spot", table([1] * 3, start_ms=START_MS))
    store.merge("spot", table([1] * 3, start_ms=FEBRUARY_MS))
    assert store.manifest("spot", "BTCUSDT", M1).gaps == ((START_MS + 3 * MINUTE_MS, FEBRUARY_MS),)


def test_a_stream_that_is_not_there_has_an_empty_manifest_and_leaves_no_folder(store: Store) -> None:
    manifest = store.manifest("spot", "BTCUSDT", M1)
    assert (manifest.rows, manifest.first, manifest.spans) == (0, None, ())
    assert not (store.root / "spot").exists()


@pytest.mark.parametrize("damage", ["", "{", '{"version": 99, "summary": null, "months": {}}'])
def test_a_manifest_that_is_lost_or_nonsense_is_made_anew(store: Store, damage: str) -> None:
    store.merge("spot", walk(50))
    path = month_path(store).with_name("manifest.json")
    before = path.read_text()
    path.write_text(damage)
    assert store.manifest("spot", "BTCUSDT", M1).rows == 50
    assert path.read_text() == before


def test_a_manifest_that_disagrees_with_the_files_is_made_anew(store: Store) -> None:
    store.merge("spot", walk(50))
    other = Store(store.root / "other")
    other.merge("spot", walk(20))
    month_path(store).write_bytes(month_path(other).read_bytes())
    assert store.manifest("spot", "BTCUSDT", M1).rows == 20
    month_path(store).unlink()
    assert store.manifest("spot", "BTCUSDT", M1).rows == 0


def test_a_store_that_may_only_be_read_still_tells_what_it_holds(store: Store) -> None:
    store.merge("spot", walk(50))
    folder = month_path(store).parent
    (folder / "manifest.json").unlink()
    (folder / ".lock").unlink()
    (folder / ".lock").mkdir()  # what root cannot open either
    assert store.manifest("spot", "BTCUSDT", M1).rows == 50
    with pytest.raises(DataError, match="cannot be written"):
        store.merge("spot", walk(60))


def test_a_broken_month_is_named_and_the_others_can_be_read(store: Store) -> None:
    store.merge("spot", walk(100, start_ms=FEBRUARY_MS - 50 * MINUTE_MS))
    path = month_path(store)
    path.write_bytes(path.read_bytes()[:500])
    assert len(store.read("spot", "BTCUSDT", M1, FEBRUARY_MS)) == 50
    with pytest.raises(DataError, match=r"2025-01\.parquet is broken"):
        stored(store)
    with pytest.raises(DataError, match=r"2025-01\.parquet is broken"):
        store.merge("spot", walk(10))


def test_a_single_flipped_bit_of_a_month_is_found(store: Store) -> None:
    store.merge("spot", walk(500))
    whole = month_path(store).read_bytes()
    for at in range(100, len(whole) // 2, 997):
        month_path(store).write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(DataError, match=r"2025-01\.parquet is broken"):
            stored(store)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"open_time": [START_MS], "open": [1.0]}, "column high, low, close, volume is missing"),
        (
            {"open_time": [START_MS + MINUTE_MS, START_MS]} | {name: [1.0, 1.0] for name in PRICE_COLUMNS},
            "out of order",
        ),
    ],
)
def test_a_month_that_others_wrote_wrongly_is_named(store: Store, columns: dict[str, list[float]], words: str) -> None:
    month_path(store).parent.mkdir(parents=True)
    pq.write_table(pa.table(columns), month_path(store))
    with pytest.raises(DataError, match=words):
        stored(store)


def test_a_month_with_the_candles_of_another_is_named(store: Store) -> None:
    store.merge("spot", walk(10))
    month_path(store).rename(month_path(store, "2025-03"))
    with pytest.raises(DataError, match="candles of other months"):
        stored(store)


def test_an_impossible_candle_is_refused_before_anything_is_written(store: Store) -> None:
    with pytest.raises(DataError, match=r"spot BTCUSDT 1min: 1 of 3 .* high 0.5 < low 1.0"):
        store.merge("spot", table([1, 1, 1], high=[1, 0.5, 1]))
    assert not any(store.root.iterdir())


def test_candles_out_of_order_are_refused(store: Store) -> None:
    turned = select(table([1, 2, 3]), np.array([2, 1, 0]))
    with pytest.raises(DataError, match="time goes back"):
        store.merge("spot", turned)


@pytest.mark.parametrize("symbol", ["../evil", "", ".hidden", "BTC/USDT", "a\0b"])
def test_a_symbol_that_cannot_name_a_folder_is_refused(store: Store, symbol: str) -> None:
    with pytest.raises(DataError, match="cannot name a folder"):
        store.read("spot", symbol, M1)


def test_an_unknown_market_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="'margin' is unknown; allowed: spot, futures"):
        store.symbols("margin")


def test_the_store_lists_markets_coins_and_timeframes_and_nothing_else(store: Store) -> None:
    store.merge("spot", table([1, 2], symbol="币安人生USDT"))
    store.merge("spot", table([1, 2], symbol="BTCUSDT", timeframe="1h"))
    store.merge("spot", table([1, 2], symbol="BTCUSDT", timeframe="1s"))
    (store.root / "spot" / "monthly" / "klines" / "BTCUSDT").mkdir(parents=True)
    (store.root / "logs").mkdir()
    assert store.markets() == ["spot"]
    assert store.symbols("spot") == ["BTCUSDT", "币安人生USDT"]
    assert store.timeframes("spot", "BTCUSDT") == [Timeframe.SEC_1, Timeframe.HOUR_1]
    assert store.symbols("futures") == []


def test_exchange_info_is_given_back_as_it_was_stored(store: Store) -> None:
    info = {"serverTime": 1, "symbols": [{"symbol": "币安人生USDT", "filters": []}]}
    assert store.exchange_info("spot") is None
    store.save_exchange_info("spot", info)
    assert store.exchange_info("spot") == info
    assert store.exchange_info("futures") is None


def test_exchange_info_may_be_packed_and_is_named_when_broken(store: Store) -> None:
    folder = store.root / "futures"
    folder.mkdir()
    path = folder / "exchange_info.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"symbols": []}).encode()))
    assert store.exchange_info("futures") == {"symbols": []}
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"exchange_info\.json\.gz is broken"):
        store.exchange_info("futures")


def test_funding_is_kept_under_the_minute_it_fell_due_and_stored_rates_stay(store: Store) -> None:
    at = START_MS + 8 * HOUR_MS
    assert store.merge_funding("futures", "BTCUSDT", [(at + 7, 0.0001), (START_MS, -0.0002)]).added == 2
    again = store.merge_funding("futures", "BTCUSDT", [(at, 0.5), (START_MS, -0.0002), (at + 8 * HOUR_MS, 0.0)])
    assert (again.added, again.same, again.conflicts, again.conflict_times) == (1, 1, 1, (at,))
    assert store.funding("futures", "BTCUSDT") == [(START_MS, -0.0002), (at, 0.0001), (at + 8 * HOUR_MS, 0.0)]
    assert store.funding("futures", "BTCUSDT", START_MS + 1, at + 1) == [(at, 0.0001)]
    assert store.funding("futures", "ETHUSDT") == []
    assert store.symbols("futures") == []


@pytest.mark.parametrize(("time", "rate"), [(START_MS + 30_000, 0.0), (START_MS, 1.0), (START_MS, float("nan"))])
def test_impossible_funding_is_refused(store: Store, time: int, rate: float) -> None:
    with pytest.raises(DataError, match="BTCUSDT: funding"):
        store.merge_funding("futures", "BTCUSDT", [(time, rate)])


def test_nothing_laid_together_is_an_empty_table() -> None:
    assert len(concat("BTCUSDT", M1, [])) == 0
