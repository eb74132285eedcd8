"""Longer candles are exact, or they are missing."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import START_MS, candle, same_table, table, table_of, walk
from tests.shared import shared_path
from trader.core.candle import EXTRA_COLUMNS, VALUE_COLUMNS
from trader.core.errors import ConfigError, DataError
from trader.core.timeframe import DAY_MS, HOUR_MS, Timeframe
from trader.market.resample import Resampler, base_timeframe, resample
from trader.market.sums import round8
from trader.market.table import CandleTable

M1, M5, M15, M30 = Timeframe.MIN_1, Timeframe.MIN_5, Timeframe.MIN_15, Timeframe.MIN_30
SUMS = ("volume", "quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume")
UNIT = 10**8


def pushed(base: CandleTable, to: Timeframe) -> CandleTable:
    """Return what a `Resampler` gives, candle by candle."""
    resampler = Resampler(base.symbol, base.timeframe, to)
    built = [longer for longer in map(resampler.push, base.candles()) if longer]
    return table_of(built) if built else CandleTable.empty(base.symbol, to)


def decimal_sum(values: np.ndarray) -> float:
    """Return the float nearest to the exact sum of the decimals that `values` print as."""
    return float(sum(Decimal(repr(value)) for value in values.tolist()))


@st.composite
def tables(draw: st.DrawFn, minutes: int = 40, most: int = 10**6 * UNIT // 40) -> CandleTable:
    """Draw a table of minutes with gaps, volumes of up to 8 decimals, and perhaps no extra columns."""
    count = draw(st.integers(1, minutes))
    present = draw(st.lists(st.booleans(), min_size=count, max_size=count).filter(any))
    units = st.lists(st.integers(0, most), min_size=count, max_size=count)
    columns = {name: np.array(draw(units)) / UNIT for name in SUMS if name != "count"}
    columns["count"] = np.array(draw(st.lists(st.integers(0, 10**6), min_size=count, max_size=count)), float)
    if draw(st.booleans()):
        columns = {"volume": columns["volume"]}
    closes = draw(st.lists(st.integers(1, 10**7), min_size=count, max_size=count))
    start = START_MS + draw(st.integers(0, 20)) * M1.ms
    missing = [row for row, here in enumerate(present) if not here]
    return table(np.array(closes) / 100, start_ms=start, without=missing, **columns)


def test_a_longer_candle_spans_its_parts() -> None:
    parts = table(
        [101, 99, 103, 98, 100],
        open=[100, 101, 99, 103, 98],
        high=[102, 101, 104, 103, 101],
        low=[99.5, 97, 99, 98, 98],
        volume=[1, 2, 3, 4, 5],
        count=[1, 1, 1, 1, 6],
    )
    (longer,) = resample(parts, M5).candles()
    assert (longer.open, longer.high, longer.low, longer.close) == (100, 104, 97, 100)
    assert (longer.open_time, longer.volume, longer.count) == (START_MS, 15, 10)
    assert np.isnan(longer.quote_volume)


def test_sums_are_decimals_of_8_places() -> None:
    parts = table([1.0] * 5, volume=[0.1, 0.2, 0.3, 0.1, 0.00000001])
    assert resample(parts, M5).volume.tolist() == [0.70000001]


@pytest.mark.parametrize("without", [[0], [2], [4], [0, 1, 2, 3, 4]])
def test_a_missing_part_makes_the_longer_candle_missing(without: list[int]) -> None:
    parts = table(range(1, 16), without=without)
    assert resample(parts, M5).open_time.tolist() == [START_MS + 5 * M1.ms, START_MS + 10 * M1.ms]


def test_beginning_and_ending_in_the_middle_gives_nothing_there() -> None:
    parts = table(range(1, 20), start_ms=START_MS + 2 * M1.ms)
    assert resample(parts, M5).open_time.tolist() == [START_MS + minute * M1.ms for minute in (5, 10, 15)]


def test_its_own_timeframe_is_the_table_itself() -> None:
    parts = walk(7)
    assert resample(parts, M1) is parts


@given(tables(), st.sampled_from([M5, M15, M30]))
def test_candle_by_candle_gives_the_bits_of_the_batch(base: CandleTable, to: Timeframe) -> None:
    assert same_table(pushed(base, to), resample(base, to))


@given(tables(minutes=70, most=10**5 * UNIT))
def test_by_steps_gives_the_bits_of_at_once(base: CandleTable) -> None:
    assert same_table(resample(resample(base, M5), M15), resample(base, M15))
    assert same_table(resample(resample(resample(base, M5), M15), M30), resample(base, M30))


@given(tables(minutes=70, most=10**9 * UNIT))
def test_huge_sums_by_steps_differ_by_the_last_bits_at_most(base: CandleTable) -> None:
    stepped, direct = resample(resample(base, M5), M30), resample(base, M30)
    for name in ("open_time", "open", "high", "low", "close", "count"):
        np.testing.assert_array_equal(getattr(stepped, name), getattr(direct, name))
    for name in SUMS:
        np.testing.assert_allclose(getattr(stepped, name), getattr(direct, name), rtol=4e-16, atol=0)


@given(st.lists(st.integers(0, 10**6 * UNIT // 2), min_size=30, max_size=30))
def test_a_sum_is_the_float_nearest_to_the_decimal_sum(units: list[int]) -> None:
    volumes = np.array(units) / UNIT
    built = resample(table([1.0] * 30, volume=volumes), M30)
    assert built.volume[0] == decimal_sum(volumes)


@given(st.integers(-(2**26) * UNIT, 2**26 * UNIT))
def test_a_decimal_of_8_places_is_its_own_rounding(units: int) -> None:
    value = float(Decimal(units).scaleb(-8))
    assert round8(value) == value


def test_seeding_takes_up_the_candle_in_the_making() -> None:
    base = walk(23)
    resampler = Resampler("BTCUSDT", M1, M5)
    resampler.seed(base.rows(0, 18))
    built = [longer for longer in map(resampler.push, base.rows(18, 23).candles()) if longer]
    assert same_table(table_of(built), resample(base, M5).rows(3, 4))


def test_seeding_with_a_repaired_table_mends_the_candle_in_the_making() -> None:
    base = walk(10)
    resampler = Resampler("BTCUSDT", M1, M5)
    for each in base.candles():
        if each.open_time != START_MS + 6 * M1.ms and each.open_time < START_MS + 9 * M1.ms:
            resampler.push(each)
    resampler.seed(base.rows(0, 9))
    built = resampler.push(next(base.rows(9, 10).candles()))
    assert built
    assert same_table(table_of([built]), resample(base, M5).rows(1, 2))


def test_seeding_with_nothing_begins_anew() -> None:
    resampler = Resampler("BTCUSDT", M1, M5)
    resampler.push(candle(1))
    resampler.seed(CandleTable.empty("BTCUSDT", M1))
    assert [resampler.push(candle(1, at=at)) for at in range(4)] == [None] * 4
    assert resampler.push(candle(1, at=4))


def test_a_candle_that_is_not_later_is_refused() -> None:
    resampler = Resampler("BTCUSDT", M1, M5)
    resampler.push(candle(1, at=1))
    for at in (0, 1):
        with pytest.raises(DataError, match="pushed after"):
            resampler.push(candle(1, at=at))


def test_times_off_the_grid_or_going_back_are_refused() -> None:
    with pytest.raises(DataError, match="not a multiple"):
        resample(table([1, 2], start_ms=START_MS + 1), M5)
    back = table([1, 2])
    with pytest.raises(DataError, match="do not ascend"):
        resample(CandleTable.build("A", M1, back.open_time[::-1], **{n: getattr(back, n) for n in VALUE_COLUMNS}), M5)


def test_only_multiples_can_be_built() -> None:
    with pytest.raises(ConfigError, match="multiple of 15min"):
        resample(walk(3, timeframe=M15), M5)
    with pytest.raises(ConfigError, match="multiple of 5min"):
        Resampler("BTCUSDT", M5, M1)


def test_the_base_is_the_finest_of_all() -> None:
    assert base_timeframe([M15, M5, M30]) is M5
    assert base_timeframe([M15, M5], Timeframe.SEC_1) is Timeframe.SEC_1
    assert base_timeframe([M5], M15) is M5
    with pytest.raises(ConfigError, match="at least one"):
        base_timeframe([])


def test_every_timeframe_is_built_from_every_shorter_one() -> None:
    for base in Timeframe:
        assert base_timeframe([other for other in Timeframe if other.ms >= base.ms]) is base


LONGER = [M5, M15, M30, Timeframe.HOUR_1, Timeframe.HOUR_4, Timeframe.DAY_1]


def real(*parts: str) -> CandleTable:
    frame = pd.read_parquet(shared_path("data", *parts))
    columns = {name: frame[name].to_numpy(np.float64) for name in VALUE_COLUMNS if name in frame}
    return CandleTable.build("REAL", M1, frame["open_time"].to_numpy(np.int64), **columns)


@pytest.mark.parametrize("to", LONGER)
def test_real_minutes_give_what_pandas_gives(to: Timeframe) -> None:
    base = real("spot", "BTCUSDT-1m-2023.parquet").between(1_678_838_580_000, 1_680_307_200_000)
    frame = pd.DataFrame({name: getattr(base, name) for name in VALUE_COLUMNS[:5]})
    groups = frame.groupby(base.open_time // to.ms)
    rules = {"open": "first", "high": "max", "low": "min", "close": "last"}
    whole = groups.size().to_numpy() == to.ms // M1.ms
    oracle, built = groups.agg(rules)[whole], resample(base, to)
    assert 0 < len(built) < len(groups)
    np.testing.assert_array_equal(built.open_time, oracle.index.to_numpy() * to.ms)
    for name in rules:
        np.testing.assert_array_equal(getattr(built, name), oracle[name].to_numpy())


@pytest.mark.parametrize("to", LONGER)
def test_real_sums_are_the_decimal_sums(to: Timeframe) -> None:
    base = real("spot", "BTCUSDT-spot12-1m-2025-10-29.parquet")
    assert base.present() == EXTRA_COLUMNS
    built = resample(base, to)
    assert len(built) >= 2
    for row, time in enumerate(built.open_time[:50].tolist()):
        parts = base.between(time, time + to.ms)
        for name in SUMS:
            total = getattr(built, name)[row]
            if total < 2**24:
                assert total == decimal_sum(getattr(parts, name))
            else:
                assert total == pytest.approx(decimal_sum(getattr(parts, name)), rel=3e-16)


@pytest.mark.parametrize("name", ["BTCUSDT-spot12-1m-2025-10-29", "ETHUSDT-spot12-1m-2025-10-29"])
def test_real_minutes_give_the_same_bits_one_by_one(name: str) -> None:
    base = real("spot", f"{name}.parquet")
    for to in LONGER:
        assert same_table(pushed(base, to), resample(base, to))


@settings(max_examples=20)
@given(st.integers(0, DAY_MS // M1.ms), st.integers(1, 3 * HOUR_MS // M1.ms))
def test_a_piece_of_the_past_gives_the_same_candles(first: int, count: int) -> None:
    base = walk(DAY_MS // M1.ms + 3 * HOUR_MS // M1.ms, seed=5)
    piece, whole = resample(base.rows(first, first + count), M15), resample(base, M15)
    inside = np.isin(whole.open_time, piece.open_time)
    assert same_table(
        piece, CandleTable("BTCUSDT", M15, whole.open_time[inside], *(getattr(whole, n)[inside] for n in VALUE_COLUMNS))
    )
