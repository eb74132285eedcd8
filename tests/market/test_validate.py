"""Which rows cannot be candles, and in which words they are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START_MS, table, walk
from trader.core.errors import DataError
from trader.core.timeframe import DAY_MS, MINUTE_MS
from trader.market.overlay import select
from trader.market.table import CandleTable
from trader.market.validate import NAMES, Fault, check, reason, require_possible

NAN, INF = math.nan, math.inf


def with_times(minutes: list[float], closes: list[float] | None = None) -> CandleTable:
    """Return candles that open at these minutes, in this order, flat at these closes."""
    close = closes or [1.0] * len(minutes)
    flat = table(close, open=close)
    columns = {name: getattr(flat, name) for name in ("open", "high", "low", "close", "volume")}
    times = START_MS + (np.array(minutes) * MINUTE_MS).astype(np.int64)
    return CandleTable.build("BTCUSDT", flat.timeframe, times, **columns)


@pytest.mark.parametrize(
    ("columns", "fault", "words"),
    [
        ({"close": [1, NAN, 1]}, Fault.NOT_A_NUMBER, "close nan"),
        ({"volume": [1, INF, 1]}, Fault.NOT_A_NUMBER, "volume inf"),
        ({"count": [1, -INF, 1]}, Fault.NOT_A_NUMBER, "count -inf"),
        ({"low": [1, 0, 1]}, Fault.NOT_POSITIVE, "low 0.0 <= 0"),
        ({"open": [1, -1, 1], "low": [1, -1, 1]}, Fault.NOT_POSITIVE, "open -1.0, low -1.0 <= 0"),
        ({"high": [1, 0.5, 1]}, Fault.HIGH_BELOW_LOW, "high 0.5 < low 1.0"),
        ({"open": [1, 3, 1], "high": [1, 2, 1]}, Fault.HIGH_BELOW_BODY, "high 2.0 < open 3.0 or close 1.0"),
        ({"open": [1, 2, 1], "high": [1, 3, 1], "low": [1, 1.5, 1]}, Fault.LOW_ABOVE_BODY, "low 1.5 > open 2.0"),
        ({"volume": [1, -1, 1]}, Fault.NEGATIVE, "volume -1.0 < 0"),
        ({"count": [1, -1, 1]}, Fault.NEGATIVE, "count -1.0 < 0"),
        ({"taker_buy_volume": [1, 1.1, 1]}, Fault.TAKER_ABOVE_VOLUME, "taker buy volume 1.1 of 1.0"),
        (
            {"quote_volume": [2, 2, 2], "taker_buy_quote_volume": [2, 2.1, 2]},
            Fault.TAKER_ABOVE_VOLUME,
            "quote 2.1 of 2.0",
        ),
        ({"count": [1, 1.5, 1]}, Fault.BROKEN_COUNT, "count 1.5 is not a whole number"),
    ],
)
def test_an_impossible_row_alone_is_refused_with_its_values(
    columns: dict[str, list[float]], fault: Fault, words: str
) -> None:
    rows = table([1, 1, 1], **columns)
    codes = check(rows)
    assert codes.tolist() == [0, fault, 0]
    assert words in reason(rows, 1, codes)


@pytest.mark.parametrize(
    ("minutes", "faults", "words"),
    [
        ([0, 1.5, 2], [0, Fault.OFF_GRID, 0], "is not on the grid of 1min"),
        ([0, -30 * 366 * 1440 * 2, 2], [0, Fault.NOT_OUR_TIME, 0], "before 1970"),
        ([0, 80 * 366 * 1440, 2], [0, Fault.NOT_OUR_TIME, 0], "after 2099"),
        ([1, 0, 2], [0, Fault.BACKWARDS, 0], "time goes back"),
    ],
)
def test_a_row_at_an_impossible_time_is_refused(minutes: list[float], faults: list[int], words: str) -> None:
    rows = with_times(minutes)
    codes = check(rows)
    assert codes.tolist() == faults
    assert words in reason(rows, 1, codes)


def test_one_row_far_in_the_future_does_not_condemn_those_behind_it() -> None:
    codes = check(with_times([0, 1, 50_000, 2, 3, 4, 5]))
    assert codes.tolist() == [0, 0, Fault.BACKWARDS, 0, 0, 0, 0]


def test_of_rows_with_one_time_the_first_stays() -> None:
    rows = with_times([0, 1, 1, 2, 0], [1, 2, 3, 4, 1])
    codes = check(rows)
    assert codes.tolist() == [0, 0, Fault.CONTRADICTS, 0, Fault.REPEATED]
    assert "contradicts an earlier row" in reason(rows, 2, codes)


def test_a_row_that_repeats_an_impossible_one_is_judged_alone() -> None:
    rows = table([1, 1], high=[0.5, 1])
    same_time = CandleTable.build(
        "BTCUSDT",
        rows.timeframe,
        np.full(2, START_MS),
        **{name: getattr(rows, name) for name in ("open", "high", "low", "close", "volume")},
    )
    assert check(same_time).tolist() == [Fault.HIGH_BELOW_LOW, 0]


@given(st.lists(st.integers(0, 30), max_size=40))
def test_what_stays_ascends_and_as_much_stays_as_can(minutes: list[int]) -> None:
    codes = check(with_times([float(minute) for minute in minutes]))
    kept = [minute for minute, code in zip(minutes, codes, strict=True) if code == Fault.NONE]
    assert kept == sorted(set(kept))
    firsts = list(dict.fromkeys(minutes))
    best: list[int] = []
    for at, minute in enumerate(firsts):
        best.append(1 + max((best[before] for before in range(at) if firsts[before] < minute), default=0))
    assert len(kept) == max(best, default=0)


def test_every_candle_of_a_market_is_possible() -> None:
    rows = walk(5_000, quote_volume=1.0, count=2, taker_buy_volume=0.0, taker_buy_quote_volume=1.0)
    assert not check(rows).any()
    require_possible(rows, "here")
    require_possible(rows.rows(0, 0), "here")


def test_absent_optional_columns_are_no_fault() -> None:
    assert not check(table([1, 2, 3], count=[NAN, 1, NAN])).any()


def test_whole_tables_are_required_in_words_that_name_place_row_and_reason() -> None:
    rows = select(table([1, 1, 1], high=[1, 1, 0.5]), np.array([0, 2, 1]))
    with pytest.raises(DataError, match=r"^there: 1 of 3 candles are impossible; the first at 1: high 0.5 < low 1.0$"):
        require_possible(rows, "there")


def test_every_fault_has_a_name() -> None:
    assert set(NAMES) == set(Fault) - {Fault.NONE}


def test_days_lie_on_their_own_grid() -> None:
    assert not check(table([1, 1], timeframe="1d")).any()
    assert check(table([1], timeframe="1d", start_ms=START_MS + DAY_MS // 2)).tolist() == [Fault.OFF_GRID]
