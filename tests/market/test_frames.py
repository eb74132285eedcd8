"""What a frame remembers, and its one rule for each way in which a candle can come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.builders import START_MS, candle, candles, same_candle, same_table, table, table_of, walk
from trader.core.candle import EXTRA_COLUMNS, PRICE_COLUMNS, Candle
from trader.core.errors import DataError
from trader.core.timeframe import Timeframe
from trader.market.frames import Frame, Frames, Gap, Repair, Verdict
from trader.market.table import CandleTable

M1 = Timeframe.MIN_1
EXTRAS = dict.fromkeys(EXTRA_COLUMNS, 2.0)


def frame(length: int = 10, *appended: Candle) -> Frame:
    result = Frame("BTCUSDT", M1, length)
    for each in appended:
        result.append(each)
    return result


def at(minute: int) -> int:
    return START_MS + minute * M1.ms


def span(first: int, end: int) -> Gap:
    return Gap(at(first), at(end))


def minutes(shown: Frame) -> list[int]:
    return [(time - START_MS) // M1.ms for time in shown.open_time.tolist()]


def test_a_new_candle_is_appended() -> None:
    shown = frame()
    assert [shown.append(each) for each in candles([1, 2, 3])] == [Verdict.NEW] * 3
    assert shown.column("close").tolist() == [1, 2, 3]
    assert shown.last
    assert same_candle(shown.last, candle(3, open=2, at=2))
    assert shown.due_ms == at(3)


@pytest.mark.parametrize("length", [1, 2, 7, 60, 1000])
def test_it_keeps_the_last_candles_whatever_its_length(length: int) -> None:
    history = walk(2500, **EXTRAS)
    shown = Frame("BTCUSDT", M1, length)
    for row, each in enumerate(history.candles()):
        shown.append(each)
        if row % 97 == 0:
            assert same_table(shown.table(), history.rows(max(0, row + 1 - length), row + 1))
    assert same_table(shown.table(), history.rows(2500 - length, 2500))


@pytest.mark.parametrize("length", [60, 1000, 43_300])
def test_the_views_cost_no_more_than_an_eighth(length: int) -> None:
    shown = Frame("BTCUSDT", M1, length, EXTRA_COLUMNS)
    assert shown.nbytes <= 1.15 * length * 8 * 10


def test_a_view_is_contiguous_read_only_and_no_copy() -> None:
    shown = frame(10, *candles(range(1, 30)))
    view = shown.column("close")
    assert view.flags.c_contiguous
    assert view.base is not None
    assert np.shares_memory(view, shown.column("close"))
    for each in (view, shown.open_time):
        with pytest.raises(ValueError, match="read-only"):
            each[0] = 1


def test_columns_that_the_first_candle_lacks_are_not_kept() -> None:
    bare, full = frame(10, candle(1)), frame(10, candle(1, **EXTRAS))
    assert bare.columns == PRICE_COLUMNS
    assert full.columns == (*PRICE_COLUMNS, *EXTRA_COLUMNS)
    assert bare.nbytes * 10 == full.nbytes * 6
    bare.append(candle(2, at=1, **EXTRAS))
    assert np.isnan(bare.column("count")).tolist() == [True, True]
    assert np.isnan(bare.table().count).all()


def test_columns_can_be_chosen() -> None:
    shown = Frame("BTCUSDT", M1, 5, ["taker_buy_volume"])
    shown.append(candle(1, taker_buy_volume=0.5, count=3))
    assert shown.columns == (*PRICE_COLUMNS, "taker_buy_volume")
    assert shown.last
    assert same_candle(shown.last, candle(1, taker_buy_volume=0.5))


def test_an_empty_frame_has_nothing_and_breaks_nothing() -> None:
    shown = frame()
    assert (len(shown), shown.last, shown.due_ms, shown.gaps, shown.lost, shown.unbroken) == (0, None, -1, (), (), 0)
    assert len(shown.table()) == len(shown.column("close")) == len(shown.open_time) == 0
    assert shown.repair(CandleTable.empty("BTCUSDT", M1)) == Repair(0, 0, 0)
    assert shown.append(candle(1, **EXTRAS)) is Verdict.NEW
    assert shown.columns == (*PRICE_COLUMNS, *EXTRA_COLUMNS)


def test_a_duplicate_is_ignored_and_counted() -> None:
    shown = frame(10, *candles([1, 2, 3]))
    assert shown.append(candles([1, 2])[1]) is Verdict.DUPLICATE
    assert shown.counts[Verdict.DUPLICATE] == 1
    assert shown.column("close").tolist() == [1, 2, 3]


def test_of_a_contradiction_the_first_stands_until_the_record_comes() -> None:
    shown = frame(10, *candles([1, 2, 3]))
    other = candle(9, at=1)
    assert shown.append(other) is Verdict.CONTRADICTION
    assert shown.column("close").tolist() == [1, 2, 3]
    assert (shown.counts[Verdict.CONTRADICTION], shown.disputed) == (1, {at(1)})
    assert shown.repair(table_of([other])) == Repair(filled=0, appended=0, replaced=1)
    assert shown.column("close").tolist() == [1, 9, 3]
    assert shown.disputed == set()


def test_a_record_that_agrees_settles_a_dispute() -> None:
    shown = frame(10, *candles([1, 2, 3]))
    shown.append(candle(9, at=1))
    assert shown.repair(table_of(candles([1, 2, 3]))) == Repair(0, 0, 0)
    assert shown.disputed == set()


def test_a_record_without_a_column_keeps_what_is_known_of_it() -> None:
    shown = frame(10, candle(1, **EXTRAS))
    assert shown.repair(table([1])) == Repair(0, 0, 0)
    assert shown.last == candle(1, **EXTRAS)


def test_a_candle_ahead_leaves_a_gap_that_is_remembered() -> None:
    shown = frame(10, candle(1), candle(2, at=1))
    assert shown.append(candle(5, at=4)) is Verdict.AHEAD
    assert shown.gaps == (span(2, 4),)
    assert (len(shown), shown.unbroken) == (3, 1)


def test_an_overtaken_candle_fills_its_part_of_the_gap() -> None:
    shown = frame(10, candle(1), candle(5, at=4))
    assert shown.append(candle(3, at=2)) is Verdict.FILLED
    assert shown.gaps == (span(1, 2), span(3, 4))
    assert shown.column("close").tolist() == [1, 3, 5]
    assert [shown.append(candle(minute, at=minute)) for minute in (3, 1)] == [Verdict.FILLED] * 2
    assert (shown.gaps, minutes(shown), shown.unbroken) == ((), [0, 1, 2, 3, 4], 5)


def test_a_repair_closes_the_gap_and_takes_what_is_later() -> None:
    shown = frame(10, candle(1), candle(5, at=4), candle(8, at=7))
    record = table(range(1, 14), open=range(1, 14), without=[11])
    assert shown.repair(record.rows(0, 7)) == Repair(filled=5, appended=0, replaced=0)
    assert (shown.gaps, minutes(shown)) == ((), list(range(8)))
    assert shown.repair(record) == Repair(filled=0, appended=4, replaced=0)
    assert (shown.gaps, minutes(shown)[-2:]) == ((span(11, 12),), [10, 12])
    assert shown.append(candle(1, at=13)) is Verdict.NEW


def test_a_repair_of_part_of_a_gap_leaves_the_rest() -> None:
    shown = frame(10, candle(1), candle(9, at=8))
    shown.repair(table(range(1, 10), without=[3, 4, 7]))
    assert shown.gaps == (span(3, 5), span(7, 8))


def test_a_gap_that_is_given_up_stays_empty() -> None:
    shown = frame(10, candle(1), candle(5, at=4))
    shown.give_up(shown.gaps[0])
    assert (shown.gaps, shown.lost, shown.unbroken) == ((), (span(1, 4),), 1)
    assert shown.append(candle(2, at=2)) is Verdict.LATE
    assert shown.repair(table(range(1, 6))).filled == 0
    assert (shown.gaps, minutes(shown)) == ((), [0, 4])


def test_what_is_older_than_the_frame_is_late() -> None:
    shown = frame(3, *candles(range(1, 8)))
    assert shown.append(candle(1)) is Verdict.LATE
    assert shown.append(candle(1, open_time=START_MS - M1.ms)) is Verdict.LATE
    assert shown.counts[Verdict.LATE] == 2
    assert minutes(shown) == [4, 5, 6]


def test_gaps_and_disputes_that_fall_out_of_the_frame_are_forgotten() -> None:
    shown = frame(4, candle(1), candle(4, at=3), candle(6, at=5), candle(7, at=6))
    shown.append(candle(9, at=3))
    shown.give_up(shown.gaps[0])
    for minute in (7, 8):
        shown.append(candle(minute, at=minute))
    assert (shown.gaps, shown.lost, shown.disputed) == ((), (), set())
    assert minutes(shown) == [5, 6, 7, 8]


def test_a_repair_larger_than_the_frame_keeps_the_newest() -> None:
    shown = frame(5, candle(1))
    assert shown.repair(walk(100)) == Repair(filled=0, appended=99, replaced=1)
    assert minutes(shown) == [95, 96, 97, 98, 99]


def test_an_empty_frame_takes_a_table_with_its_columns() -> None:
    history = walk(50, **EXTRAS)
    shown = frame(20)
    assert shown.repair(history) == Repair(0, 50, 0)
    assert same_table(shown.table(), history.rows(30, 50))
    assert same_table(shown.table(3), history.rows(47, 50))


def test_times_off_the_grid_are_refused() -> None:
    shown = frame(5, candle(1))
    with pytest.raises(DataError, match="off the grid"):
        shown.append(candle(1, open_time=START_MS + 1))
    with pytest.raises(DataError, match="off the grid"):
        shown.repair(table([1], start_ms=START_MS + 1))
    with pytest.raises(ValueError, match="at least 1"):
        frame(0)


def test_pandas_gets_a_copy_with_times() -> None:
    shown = frame(10, *candles([1, 2, 3]))
    data = shown.to_pandas()
    shown.append(candle(4, at=3))
    assert list(data.columns) == list(PRICE_COLUMNS)
    assert data["close"].tolist() == [1, 2, 3]
    assert str(data.index[1]) == "2025-01-01 00:01:00+00:00"


def test_frames_find_the_stream_of_a_candle() -> None:
    frames = Frames([("A", M1), ("B", M1), ("A", Timeframe.MIN_5)], 10)
    for at_ in (0, 2):
        frames.append(candle(7, at=at_, symbol="B"))
    frames.append(candle(8, symbol="A", timeframe="5min"))
    assert [len(each) for each in frames] == [0, 2, 1]
    assert frames.gaps() == [(frames["B", M1], span(1, 2))]
    assert len(frames) == 3
    with pytest.raises(KeyError):
        frames.append(candle(1, symbol="C"))


def test_100_coins_with_6_timeframes_of_1000_candles_take_54_mb() -> None:
    timeframes = list(Timeframe)[3:9]
    frames = Frames([(f"C{coin}", timeframe) for coin in range(100) for timeframe in timeframes], 1000, EXTRA_COLUMNS)
    assert frames.nbytes == 54_000_000


class FrameMachine(RuleBasedStateMachine):
    """A frame beside a plain dictionary that follows the rules of the module's text."""

    @initialize(length=st.integers(1, 12))
    def begin(self, length: int) -> None:
        self.frame = Frame("BTCUSDT", M1, length)
        self.rows: dict[int, Candle] = {}
        self.given_up: set[int] = set()

    @rule(ahead=st.integers(-15, 4), close=st.sampled_from([1.0, 1.0, 1.0, 2.0]))
    def append(self, ahead: int, close: float) -> None:
        time = max(self.rows, default=at(20)) + ahead * M1.ms
        each = candle(close, open_time=time)
        assert self.frame.append(each) is self.expected(each)
        if self.expected(each) in (Verdict.NEW, Verdict.AHEAD, Verdict.FILLED):
            self.keep({time: each})

    @rule(ahead=st.integers(-15, 4), closes=st.lists(st.sampled_from([0, 1, 1, 2]), min_size=1, max_size=12))
    def repair(self, ahead: int, closes: list[int]) -> None:
        first = max(self.rows, default=at(20)) + ahead * M1.ms
        times = [first + row * M1.ms for row, close in enumerate(closes) if close]
        record = {time: candle(closes[(time - first) // M1.ms], open_time=time) for time in times}
        taken = {time: each for time, each in record.items() if self.expected(each) is not Verdict.LATE}
        expected = [self.expected(each) for each in taken.values()]
        self.frame.repair(table_of(list(record.values())) if record else CandleTable.empty("BTCUSDT", M1))
        assert expected.count(Verdict.FILLED) == sum(at in self.missing() for at in taken)
        self.keep(taken)

    @rule(which=st.integers(0, 3))
    def give_up(self, which: int) -> None:
        if which < len(self.frame.gaps):
            gap = self.frame.gaps[which]
            self.given_up |= set(range(gap.start_ms, gap.end_ms, M1.ms))
            self.frame.give_up(gap)

    def expected(self, each: Candle) -> Verdict:
        time, last = each.open_time, max(self.rows, default=each.open_time - M1.ms)
        if time > last:
            return Verdict.NEW if time == last + M1.ms else Verdict.AHEAD
        if time in self.rows:
            return Verdict.DUPLICATE if same_candle(self.rows[time], each) else Verdict.CONTRADICTION
        return Verdict.FILLED if time in self.missing() else Verdict.LATE

    def missing(self) -> set[int]:
        inside = range(min(self.rows), max(self.rows), M1.ms) if self.rows else ()
        return set(inside) - set(self.rows) - self.given_up

    def keep(self, more: dict[int, Candle]) -> None:
        self.rows |= more
        self.rows = {time: self.rows[time] for time in sorted(self.rows)[-self.frame.length :]}

    @invariant()
    def same(self) -> None:
        if hasattr(self, "frame") and self.rows:
            assert same_table(self.frame.table(), table_of(list(self.rows.values())))
            gaps = {time for gap in self.frame.gaps for time in range(gap.start_ms, gap.end_ms, M1.ms)}
            assert gaps == self.missing()


TestFrameAgainstItsModel = FrameMachine.TestCase
TestFrameAgainstItsModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_any_order_with_repair_ends_in_the_same_frame(order: list[int]) -> None:
    history = walk(10)
    shown = frame(10)
    for row in order:
        shown.append(next(history.rows(row, row + 1).candles()))
    first = min(minutes(shown))
    shown.repair(history)
    assert (shown.gaps, minutes(shown)) == ((), list(range(first, 10)))
    assert same_table(shown.table(), history.rows(first, 10))
