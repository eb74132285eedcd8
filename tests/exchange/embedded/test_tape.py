"""What can be known of a symbol at the play's time, without any socket."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.builders import START_MS, same_table, table, walk
from tests.exchange.embedded.sources import TableSource, coin, rounded
from trader.core.candle import Candle
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from trader.exchange.embedded.clock import PlayClock
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.history import BlockCache
from trader.exchange.embedded.options import MAX_SPEED, NO_FILTERS
from trader.exchange.embedded.path import derive_trades
from trader.exchange.embedded.tape import Tape
from trader.market.resample import resample
from trader.market.table import CandleTable
from trader.market.trades import candles_from_trades

M1, M5, H1 = Timeframe.MIN_1, Timeframe.MIN_5, Timeframe.HOUR_1


def tape_at(now: int, tables: list[CandleTable], market: str = "spot", anchor: int = START_MS) -> Tape:
    """Return the tape of the only symbol, with the play standing at `now`."""
    clock = PlayClock(now, MAX_SPEED)
    floor = Floor(market, TableSource({market: tables}), clock, BlockCache(), anchor, NO_FILTERS)
    return floor.tapes[tables[0].symbol]


def rows_of(candles: list[Candle]) -> list[tuple[int, float]]:
    return [(candle.open_time, candle.close) for candle in candles]


@pytest.mark.parametrize("minutes", [0, 1, 7, 60, 1_439])
def test_nothing_later_than_now_shows(minutes: int) -> None:
    whole = coin("BTCUSDT", 2_000)
    now = START_MS + minutes * MINUTE_MS
    candles = tape_at(now, [whole]).klines(M1, None, None, 5_000)
    expected = whole.between(0, now)
    assert [candle.open_time for candle in candles] == [*expected.open_time.tolist(), now]
    assert [candle.close for candle in candles[:-1]] == expected.close.tolist()


def test_the_last_row_is_always_the_open_candle() -> None:
    whole = coin("BTCUSDT", 600)
    tape = tape_at(START_MS + 7 * MINUTE_MS, [whole])
    *_, last = tape.klines(M5, None, None, 10)
    passed = whole.between(START_MS + 5 * MINUTE_MS, START_MS + 7 * MINUTE_MS)
    assert last.open_time == START_MS + 5 * MINUTE_MS
    assert (last.open, last.close) == (passed.open[0], passed.close[-1])
    assert (last.high, last.low) == (passed.high.max(), passed.low.min())
    assert last.volume == round(passed.volume.sum(), 8)


def test_an_open_candle_of_which_nothing_has_passed_is_flat() -> None:
    whole = coin("BTCUSDT", 600)
    candle = tape_at(START_MS + 10 * MINUTE_MS, [whole]).open_candle(M1)
    assert {candle.open, candle.high, candle.low, candle.close} == {whole.close[9]}
    assert (candle.volume, candle.count) == (0, 0)


def test_before_the_first_candle_there_is_nothing() -> None:
    assert tape_at(START_MS - HOUR_MS, [coin("BTCUSDT", 10)]).klines(M1, None, None, 10) == []


def test_within_a_candle_its_trades_show_what_has_passed() -> None:
    whole = coin("BTCUSDT", 600)
    half = START_MS + 5 * MINUTE_MS + 30_000
    tape = tape_at(half, [whole])
    candle = tape.open_candle(M1)
    assert candle.open == whole.open[5]
    assert whole.low[5] <= candle.low <= candle.close <= candle.high <= whole.high[5]
    assert 0 < candle.volume < whole.volume[5]
    assert tape.last_price() == candle.close
    assert tape.recent_trades(1).times_ms[0] < half


def test_longer_candles_are_the_resampled_ones() -> None:
    whole = coin("BTCUSDT", 20_000)
    tape = tape_at(START_MS + 20_000 * MINUTE_MS, [whole])
    for timeframe in (M5, H1, Timeframe.DAY_1):
        assert same_table(tape.history.table(timeframe, 0, START_MS + 30 * DAY_MS), resample(whole, timeframe))


def test_stored_longer_candles_serve_where_the_finest_do_not_reach_back() -> None:
    whole = coin("BTCUSDT", 3_000)
    late = whole.between(START_MS + 1_000 * MINUTE_MS, START_MS + 3_000 * MINUTE_MS)
    tape = tape_at(START_MS + 2_000 * MINUTE_MS, [late, resample(whole, M5)])
    rows = tape.klines(M5, START_MS, None, 1_000)
    assert [row.open_time for row in rows] == list(range(START_MS, START_MS + 2_001 * MINUTE_MS, M5.ms))
    assert tape.klines(H1, START_MS, None, 1_000)[0].open_time == START_MS + 17 * HOUR_MS


def test_a_missing_candle_makes_the_longer_one_missing() -> None:
    whole = rounded(table([100.0] * 60, without=[7]))
    times = [row.open_time for row in tape_at(START_MS + HOUR_MS, [whole]).klines(M5, None, None, 100)]
    assert START_MS + M5.ms not in times
    assert len(times) == 12


def test_pages_from_a_start_come_first_to_last() -> None:
    tape = tape_at(START_MS + 500 * MINUTE_MS, [coin("BTCUSDT", 600)])
    first = tape.klines(M1, START_MS + 10 * MINUTE_MS, None, 100)
    assert [first[0].open_time, first[-1].open_time] == [START_MS + 10 * MINUTE_MS, START_MS + 109 * MINUTE_MS]
    last = tape.klines(M1, None, START_MS + 20 * MINUTE_MS, 3)
    assert [row.open_time for row in last] == [START_MS + back * MINUTE_MS for back in (18, 19, 20)]
    assert len(tape.klines(M1, START_MS + 498 * MINUTE_MS, None, 100)) == 3
    assert tape.klines(M1, START_MS + 501 * MINUTE_MS, None, 100) == []


@pytest.mark.parametrize("timeframe", ["1s", "15s", "1min"])
def test_derived_trades_give_their_candles_back(timeframe: str) -> None:
    length = Timeframe.parse(timeframe)
    whole = rounded(walk(500, seed=3, timeframe=timeframe))
    trades = derive_trades(whole, 0.01, 0.001, 0)
    again = candles_from_trades(
        whole.symbol,
        length,
        trades.times_ms,
        trades.prices,
        trades.quantities,
        trades.is_buyer_maker,
        START_MS,
        START_MS + 500 * length.ms,
        ids=trades.ids,
    )
    for name in ("open_time", "open", "high", "low", "close", "volume", "taker_buy_volume"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name), name)


def test_trades_are_on_the_grid_of_tick_and_step() -> None:
    trades = derive_trades(coin("BTCUSDT", 300), 0.01, 0.001, 0)
    assert np.allclose(trades.prices * 100, np.round(trades.prices * 100), atol=1e-6)
    assert (trades.quantities > 0).all()


def test_candles_without_volume_have_no_trades_and_leave_no_hole_in_the_ids() -> None:
    whole = rounded(table([100.0, 101, 101, 102], volume=[1.0, 0, 0, 1]))
    tape = tape_at(START_MS + 4 * MINUTE_MS, [whole])
    trades = tape.trades_between(START_MS, START_MS + 4 * MINUTE_MS)
    assert (np.diff(trades.ids) == 1).all()
    firsts, lasts = tape.trades.spans(whole)
    assert firsts[1] == lasts[1] == -1
    assert firsts[3] == lasts[0] + 1


def test_ids_do_not_depend_on_where_a_play_is_taken_up() -> None:
    whole = coin("BTCUSDT", 20_000)
    early, late = (tape_at(START_MS + minutes * MINUTE_MS, [whole]) for minutes in (100, 18_000))
    span = (START_MS, START_MS + 60 * MINUTE_MS)
    assert early.trades_between(*span).ids.tolist() == late.trades_between(*span).ids.tolist()


def test_trades_are_found_by_their_id_before_and_behind_the_anchor() -> None:
    whole = coin("BTCUSDT", 20_000)
    tape = tape_at(START_MS + 19_000 * MINUTE_MS, [whole], anchor=START_MS + 9_000 * MINUTE_MS)
    for minute in (3, 8_999, 17_000):
        wanted = tape.trades_between(START_MS + minute * MINUTE_MS, START_MS + (minute + 2) * MINUTE_MS)
        found = tape.trades_from(int(wanted.ids[5]), 10)
        assert found.ids.tolist() == wanted.ids[5:15].tolist()
        assert found.times_ms.tolist() == wanted.times_ms[5:15].tolist()
    assert len(tape.trades_from(int(tape.recent_trades(1).ids[0]) + 1, 10)) == 0


def test_the_day_sums_its_candles() -> None:
    whole = coin("BTCUSDT", 3_000)
    now = START_MS + 2_000 * MINUTE_MS
    day = tape_at(now, [whole]).day()
    passed = whole.between(now - DAY_MS, now)
    assert (day.open, day.last) == (passed.open[0], passed.close[-1])
    assert day.volume == pytest.approx(passed.volume.sum())
    assert day.last_id - day.first_id + 1 == 16 * len(passed)


def test_absent_columns_stay_unknown() -> None:
    whole = walk(100)
    assert math.isnan(tape_at(START_MS + 50 * MINUTE_MS, [whole]).klines(M5, None, None, 3)[0].quote_volume)
