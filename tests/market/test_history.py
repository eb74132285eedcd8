"""What the store knows of a stream: its own candles in their span, built ones around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import START_MS, same_table, walk
from trader.core.errors import DataError
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from trader.market.history import finest_stored, history, joined, stream_from, stream_table
from trader.market.resample import resample
from trader.market.store import Store
from trader.market.table import CandleTable

M1, M5, M15, M30, H1 = (Timeframe.parse(name) for name in ("1min", "5min", "15min", "30min", "1h"))
SPAN = (START_MS, START_MS + DAY_MS)


def stored(root: Path, *tables: CandleTable) -> Store:
    """Return a store with these spot candles."""
    store = Store(root)
    for table in tables:
        store.merge("spot", table)
    return store


def read(store: Store, timeframe: Timeframe, start: int = SPAN[0], end: int = SPAN[1]) -> CandleTable:
    return history(store, "spot", "BTCUSDT", timeframe, start, end)


def opens(table: CandleTable) -> list[int]:
    """Return open times as minutes after the start."""
    return ((table.open_time - START_MS) // MINUTE_MS).tolist()


def test_the_finest_timeframe_is_the_first_with_candles(tmp_path: Path) -> None:
    store = stored(tmp_path, walk(10, timeframe=M30), walk(10, timeframe=M5))
    assert finest_stored(store, "spot", "BTCUSDT") is M5
    assert finest_stored(store, "spot", "ETHUSDT") is None


def test_nothing_stored_is_an_empty_table(tmp_path: Path) -> None:
    table = read(Store(tmp_path), M5)
    assert (len(table), table.symbol, table.timeframe) == (0, "BTCUSDT", M5)


def test_a_timeframe_that_is_not_stored_is_built_from_the_longest_that_fits(tmp_path: Path) -> None:
    minutes = walk(120)
    other = walk(24, seed=9, timeframe=M5)
    store = stored(tmp_path, minutes, other)
    assert same_table(read(store, M15), resample(other, M15))
    assert same_table(read(store, M1), minutes)
    assert len(read(store, Timeframe.SEC_30)) == 0


def test_what_is_read_is_cut_to_the_time_asked_for(tmp_path: Path) -> None:
    store = stored(tmp_path, walk(120))
    assert opens(read(store, M15, START_MS + 16 * MINUTE_MS, START_MS + 61 * MINUTE_MS)) == [30, 45, 60]
    assert opens(read(store, M1, START_MS + MINUTE_MS, START_MS + 3 * MINUTE_MS)) == [1, 2]
    assert len(read(store, M15, START_MS + DAY_MS, START_MS)) == 0


def test_own_candles_win_inside_their_span_and_built_ones_stand_around_it(tmp_path: Path) -> None:
    minutes = walk(120)
    own = walk(6, seed=5, timeframe=M5, start_ms=START_MS + 30 * MINUTE_MS)
    store = stored(tmp_path, minutes, own)
    built = resample(minutes, M5)
    before = built.between(START_MS, int(own.open_time[0]))
    after = built.between(int(own.open_time[-1]) + M5.ms, SPAN[1])
    assert (len(before), len(after)) == (6, 12)
    assert same_table(read(store, M5), joined([before, own, after]))


def test_a_gap_of_own_candles_stays_though_it_could_be_built(tmp_path: Path) -> None:
    own = walk(12, seed=5, timeframe=M5, without=[4, 5])
    store = stored(tmp_path, walk(120), own)
    assert opens(read(store, M5)) == [0, 5, 10, 15, 30, 35, 40, 45, 50, 55, *range(60, 120, 5)]


def test_a_gap_of_the_finer_candles_makes_the_longer_one_missing(tmp_path: Path) -> None:
    store = stored(tmp_path, walk(60, without=[17]))
    assert opens(read(store, M15)) == [0, 30, 45]


def test_tables_that_overlap_are_refused() -> None:
    with pytest.raises(DataError, match="BTCUSDT 1min: candles overlap"):
        joined([walk(10), walk(10)])


# --- the streams of a run -------------------------------------------------------------------------------------


def test_the_base_of_a_run_is_its_own_history(tmp_path: Path) -> None:
    minutes = walk(120)
    store = stored(tmp_path, minutes)
    assert same_table(stream_table(store, "spot", "BTCUSDT", M1, M1, *SPAN), minutes)


def test_longer_streams_are_built_from_the_base_though_they_are_stored(tmp_path: Path) -> None:
    minutes, own = walk(120), walk(24, seed=5, timeframe=M5)
    store = stored(tmp_path, minutes, own)
    assert same_table(stream_table(store, "spot", "BTCUSDT", M1, M5, *SPAN), resample(minutes, M5))


def test_before_the_base_a_longer_stream_is_the_stored_one(tmp_path: Path) -> None:
    begin = START_MS + 2 * HOUR_MS
    minutes = walk(120, start_ms=begin)
    own = walk(40, seed=5, timeframe=M15)
    store = stored(tmp_path, minutes, own)
    table = stream_table(store, "spot", "BTCUSDT", M1, M15, *SPAN)
    assert same_table(table, joined([own.between(START_MS, begin), resample(minutes, M15)]))


def test_a_base_that_begins_amid_a_longer_candle_leaves_that_one_to_the_store(tmp_path: Path) -> None:
    minutes = walk(120, start_ms=START_MS + 20 * MINUTE_MS)
    own = walk(8, seed=5, timeframe=M15)
    store = stored(tmp_path, minutes, own)
    table = stream_table(store, "spot", "BTCUSDT", M1, M15, *SPAN)
    assert opens(table) == [0, 15, *range(30, 135, 15)]
    assert same_table(table.rows(0, 2), own.rows(0, 2))
    assert same_table(table.rows(2, len(table)), resample(minutes, M15))


def test_the_span_of_the_base_is_what_counts_not_all_that_is_stored(tmp_path: Path) -> None:
    minutes, own = walk(240), walk(4, seed=5, timeframe=H1)
    store = stored(tmp_path, minutes, own)
    start = START_MS + HOUR_MS
    table = stream_table(store, "spot", "BTCUSDT", M1, H1, start, SPAN[1])
    assert same_table(table, resample(minutes.between(start, SPAN[1]), H1))


@pytest.mark.parametrize("timeframe", [M1, M5, M15, H1])
@pytest.mark.parametrize("start", [START_MS, START_MS + 37 * MINUTE_MS])
def test_a_stream_from_a_base_at_hand_is_the_one_read_from_the_store(
    timeframe: Timeframe, start: int, tmp_path: Path
) -> None:
    store = stored(tmp_path, walk(600, without=[100, 101, 350]), walk(40, seed=5, timeframe=M15))
    base = read(store, M1, START_MS - DAY_MS, SPAN[1])
    ours = stream_from(store, "spot", base, timeframe, start, SPAN[1])
    assert same_table(ours, stream_table(store, "spot", "BTCUSDT", M1, timeframe, start, SPAN[1]))


def test_without_any_base_candle_the_stored_stream_is_all_there_is(tmp_path: Path) -> None:
    own = walk(8, seed=5, timeframe=M15)
    store = stored(tmp_path, own, walk(5, start_ms=START_MS + DAY_MS))
    assert same_table(stream_table(store, "spot", "BTCUSDT", M1, M15, *SPAN), own)


@pytest.mark.parametrize("timeframe", [M1, M5, M15])
def test_a_candle_that_has_not_closed_by_the_end_is_not_there(timeframe: Timeframe, tmp_path: Path) -> None:
    store = stored(tmp_path, walk(120), walk(24, seed=5, timeframe=M5, start_ms=START_MS + DAY_MS))
    for start, end in (
        (START_MS, START_MS + 97 * MINUTE_MS + 500),
        (START_MS + DAY_MS, START_MS + DAY_MS + 7 * MINUTE_MS),
    ):
        table = stream_table(store, "spot", "BTCUSDT", M1, timeframe, start, end)
        assert (table.open_time + timeframe.ms <= end).all()
