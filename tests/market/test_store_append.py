"""Candles that come one by one: readable at once, folded into the months later, never lost and never doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import M1, START_MS, candle, candles, same_table, table, table_of, walk
from trader.core.errors import DataError
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.market import stream_files, tail
from trader.market.overlay import MergeResult
from trader.market.store import Store

FOLD_AT = stream_files.FOLD_AT


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def tail_path(store: Store, symbol: str = "BTCUSDT") -> Path:
    return store.root / "spot" / symbol / "1min" / tail.NAME


def closes(store: Store) -> list[float]:
    return store.read("spot", "BTCUSDT", M1).close.tolist()


def test_an_appended_candle_can_be_read_at_once_and_by_others(store: Store) -> None:
    rows = candles([1, 2, 3], quote_volume=4.0)
    for row in rows:
        assert store.append("spot", [row]) == {}
    assert same_table(Store(store.root).read("spot", "BTCUSDT", M1), table_of(rows))
    assert store.manifest("spot", "BTCUSDT", M1).rows == 3
    assert store.timeframes("spot", "BTCUSDT") == [M1]
    assert not list(store.root.rglob("*.parquet"))


def test_one_call_takes_candles_of_many_streams(store: Store) -> None:
    store.append("spot", [candle(at=5), candle(symbol="ETHUSDT"), candle(at=6), candle(timeframe="1h")])
    assert len(store.read("spot", "BTCUSDT", M1)) == 2
    assert store.symbols("spot") == ["BTCUSDT", "ETHUSDT"]
    assert store.timeframes("spot", "BTCUSDT") == [M1, Timeframe.HOUR_1]


def test_folding_moves_the_waiting_candles_into_the_months(store: Store) -> None:
    store.append("spot", candles([1, 2, 3]))
    assert store.fold() == {("spot", "BTCUSDT", M1): MergeResult(added=3)}
    assert not tail_path(store).exists()
    assert closes(store) == [1, 2, 3]
    assert store.fold() == {("spot", "BTCUSDT", M1): MergeResult()}


def test_a_stream_folds_by_itself_when_enough_candles_wait(store: Store) -> None:
    rows = list(walk(FOLD_AT).candles())
    folded = store.append("spot", rows)
    assert folded == {("BTCUSDT", M1): MergeResult(added=FOLD_AT)}
    assert not tail_path(store).exists()
    assert len(store.read("spot", "BTCUSDT", M1)) == FOLD_AT


def test_a_candle_that_is_stored_already_is_not_doubled(store: Store) -> None:
    store.merge("spot", table([1, 2, 3]))
    store.append("spot", candles([1, 2, 3, 4]))
    store.append("spot", candles([1, 2, 3, 4]))
    assert closes(store) == [1, 2, 3, 4]
    assert store.manifest("spot", "BTCUSDT", M1).rows == 4
    assert store.fold()["spot", "BTCUSDT", M1] == MergeResult(added=1, same=7)
    assert closes(store) == [1, 2, 3, 4]


def test_what_was_stored_first_stays_and_the_contradiction_is_counted(store: Store) -> None:
    store.merge("spot", table([1]))
    store.append("spot", [candle(9), candle(2, at=1)])
    store.append("spot", [candle(8, at=1)])
    assert closes(store) == [1, 2]
    folded = store.fold()["spot", "BTCUSDT", M1]
    assert (folded.added, folded.conflicts) == (1, 2)
    assert closes(store) == [1, 2]


def test_a_merge_takes_the_waiting_candles_along_and_counts_its_own(store: Store) -> None:
    store.append("spot", candles([1, 2]))
    assert store.merge("spot", table([1, 2, 3])) == MergeResult(added=1, same=2)
    assert not tail_path(store).exists()
    store.append("spot", [candle(7, at=3)])
    replaced = store.merge("spot", table([7.5], start_ms=START_MS + 3 * MINUTE_MS), replace=True)
    assert replaced == MergeResult(replaced=1)
    assert closes(store) == [1, 2, 3, 7.5]


def test_a_late_candle_takes_its_place(store: Store) -> None:
    store.append("spot", [candle(1), candle(3, at=2)])
    assert len(store.manifest("spot", "BTCUSDT", M1).gaps) == 1
    store.append("spot", [candle(2, at=1)])
    assert closes(store) == [1, 2, 3]
    assert store.manifest("spot", "BTCUSDT", M1).gaps == ()


def test_a_record_cut_by_a_crash_is_passed_over_and_the_next_append_is_whole(store: Store) -> None:
    store.append("spot", candles([1, 2, 3]))
    path = tail_path(store)
    path.write_bytes(path.read_bytes()[:-20])
    assert closes(store) == [1, 2]
    store.append("spot", [candle(3, at=2), candle(4, at=3)])
    assert closes(store) == [1, 2, 3, 4]


def test_a_record_that_fails_its_checksum_is_passed_over(store: Store) -> None:
    store.append("spot", candles([1, 2, 3]))
    path = tail_path(store)
    data = bytearray(path.read_bytes())
    data[tail.RECORD_BYTES + 20] ^= 1
    path.write_bytes(data + bytes(tail.RECORD_BYTES))
    assert closes(store) == [1, 3]


def test_an_impossible_candle_is_refused_and_the_store_stays_as_it_was(store: Store) -> None:
    store.append("spot", [candle(1)])
    with pytest.raises(DataError, match=r"spot BTCUSDT 1min: .* high 1\.0 < low 2\.0"):
        store.append("spot", [candle(2, at=1), candle(2, at=2, high=1.0, low=2.0, open=1.5)])
    assert closes(store) == [1]


def test_a_month_that_cannot_be_folded_keeps_the_candles_waiting(store: Store) -> None:
    store.merge("spot", table([1]))
    month = store.root / "spot" / "BTCUSDT" / "1min" / "2025-01.parquet"
    good = month.read_bytes()
    month.write_bytes(b"broken")
    store.append("spot", [candle(2, at=1)])
    with pytest.raises(DataError, match="is broken"):
        store.fold()
    month.write_bytes(good)
    assert closes(store) == [1, 2]


def test_a_crash_between_folding_and_emptying_the_tail_doubles_nothing(store: Store) -> None:
    store.append("spot", candles([1, 2, 3]))
    waiting = tail_path(store).read_bytes()
    store.fold()
    tail_path(store).write_bytes(waiting)
    assert closes(store) == [1, 2, 3]
    assert store.manifest("spot", "BTCUSDT", M1).rows == 3
    assert store.fold()["spot", "BTCUSDT", M1] == MergeResult(same=3)
