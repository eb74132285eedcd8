"""Candles from trades: exact, flat where nothing traded, missing where trades are missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START_MS, same_table, table_of
from tests.shared import shared_path
from trader.core.candle import Candle
from trader.core.errors import DataError
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.market.resample import resample
from trader.market.table import CandleTable
from trader.market.trades import TradeCandles, TradeGap, TradeTable, candles_from_trades

S1, S15, S30 = Timeframe.SEC_1, Timeframe.SEC_15, Timeframe.SEC_30

#: id, ms after `START_MS`, price, quantity, buyer is maker.
Trade = tuple[int, int, float, float, bool]


def trade(id: int, at_ms: int, price: float = 100.0, quantity: float = 1.0, maker: bool = False) -> Trade:
    return id, START_MS + at_ms, price, quantity, maker


def batch(trades: Sequence[Trade], seconds: int, timeframe: Timeframe = S1, **rest: object) -> CandleTable:
    ids, times, prices, quantities, makers = (np.array(column) for column in zip(*trades, strict=True))
    end = START_MS + seconds * 1000
    return candles_from_trades(
        "X",
        timeframe,
        times,
        prices,
        quantities,
        makers,
        START_MS,
        end,
        ids=ids,
        **rest,  # type: ignore[arg-type]
    )


def live(trades: Sequence[Trade], builder: TradeCandles) -> list[Candle]:
    return [candle for each in trades for candle in builder.push(*each)]


def seconds_of(candles: CandleTable | Sequence[Candle]) -> list[int]:
    times = candles.open_time if isinstance(candles, CandleTable) else [candle.open_time for candle in candles]
    return [(int(time) - START_MS) // 1000 for time in times]


def test_a_candle_sums_its_trades() -> None:
    trades = [trade(1, 0, 100, 0.1), trade(2, 10, 102, 0.2, maker=True), trade(3, 999, 101, 0.3)]
    (candle,) = batch(trades, 1).candles()
    assert (candle.open, candle.high, candle.low, candle.close) == (100, 102, 100, 101)
    assert (candle.volume, candle.quote_volume, candle.count) == (0.6, 60.7, 3)
    assert (candle.taker_buy_volume, candle.taker_buy_quote_volume) == (0.4, 40.3)


def test_counts_tell_how_many_trades_a_row_aggregates() -> None:
    assert batch([trade(1, 0), trade(2, 5)], 1, counts=np.array([3.0, 4.0])).count.tolist() == [7]


def test_a_second_without_trades_is_flat_at_the_last_price() -> None:
    candles = batch([trade(1, 500, 100), trade(2, 600, 105), trade(3, 3100, 101)], 5)
    assert candles.close.tolist() == [105, 105, 105, 101, 101]
    assert candles.low.tolist() == [100, 105, 105, 101, 101]
    assert candles.volume.tolist() == [2, 0, 0, 1, 0]
    assert candles.count.tolist() == [2, 0, 0, 1, 0]


def test_candles_begin_with_the_first_known_price() -> None:
    trades = [trade(7, 2500, 100)]
    assert seconds_of(batch(trades, 4)) == [2, 3]
    assert batch(trades, 4, last_price=99.0).close.tolist() == [99, 99, 100, 100]
    assert batch([trade(6, -10, 98), *trades], 4).close.tolist() == [98, 98, 100, 100]


def test_a_longer_candle_opens_at_the_price_before_when_its_first_second_has_no_trade() -> None:
    trades = [trade(1, 100, 100), trade(2, 14_000, 103), trade(3, 15_999, 99), trade(4, 31_000, 101)]
    candles = batch(trades, 45, S15)
    assert candles.open.tolist() == [100, 99, 99]
    assert candles.high.tolist() == [103, 99, 101]
    assert batch([trade(1, 14_000), trade(2, 15_500)], 30, S15).open_time.tolist() == [START_MS + 15_000]


def test_ids_restore_the_order_and_drop_duplicates() -> None:
    trades = [trade(1, 0, 100), trade(2, 100, 101), trade(3, 200, 102), trade(4, 1500, 103)]
    shuffled = [trades[2], trades[0], trades[3], trades[2], trades[1], trades[1]]
    assert same_table(batch(shuffled, 2), batch(trades, 2))


def test_within_a_candle_ids_count_and_between_candles_times() -> None:
    candles = batch([trade(1, 1000, 100), trade(2, 990, 101), trade(3, 1200, 102), trade(4, 1100, 103)], 2)
    assert candles.close.tolist() == [101, 103]
    assert candles.open.tolist() == [101, 100]


def test_a_jump_of_the_ids_leaves_out_every_candle_it_may_touch() -> None:
    trades = [trade(1, 0), trade(2, 1100), trade(5, 3900), trade(6, 5000)]
    assert seconds_of(batch(trades, 7)) == [0, 4, 5, 6]


def test_bounds_off_the_grid_are_refused() -> None:
    nothing = np.empty(0)
    with pytest.raises(DataError, match="multiples of 15000"):
        candles_from_trades("X", S15, nothing.astype(int), nothing, nothing, nothing == 0, 1000, 30000)


def test_begun_in_mid_stream_the_first_candle_does_not_come() -> None:
    builder = TradeCandles("X", S1)
    assert builder.advance(START_MS + 10_000) == []
    assert seconds_of(live([trade(8, 500), trade(9, 1100), trade(10, 2300)], builder)) == [1]
    assert builder.gaps == []


def test_going_on_behind_known_trades_nothing_is_missing() -> None:
    builder = TradeCandles("X", S1, last_id=7, last_price=99.0, from_ms=START_MS)
    candles = live([trade(8, 1500, 100), trade(9, 2100, 101)], builder)
    assert [candle.close for candle in candles] == [99, 100]
    assert [candle.volume for candle in candles] == [0, 1]


def test_a_known_trade_needs_the_candle_behind_it() -> None:
    with pytest.raises(ValueError, match="come together"):
        TradeCandles("X", S1, last_id=7)


def test_time_closes_candles_without_trades() -> None:
    builder = TradeCandles("X", S1, last_id=0, last_price=99.0, from_ms=START_MS)
    builder.push(*trade(1, 200, 100))
    assert builder.advance(START_MS + 999) == []
    closed = builder.advance(START_MS + 3000)
    assert seconds_of(closed) == [0, 1, 2]
    assert [candle.count for candle in closed] == [1, 0, 0]
    assert seconds_of(live([trade(2, 4500)], builder)) == [3]


def test_without_any_price_no_flat_candle_is_invented() -> None:
    builder = TradeCandles("X", S1, last_id=0, from_ms=START_MS)
    assert builder.advance(START_MS + 2000) == []
    assert seconds_of(live([trade(1, 2500), trade(2, 3000)], builder)) == [2]


def test_a_duplicate_is_ignored_and_counted() -> None:
    builder = TradeCandles("X", S1, last_id=0, last_price=1.0, from_ms=START_MS)
    candles = live([trade(1, 0), trade(1, 0), trade(2, 100), trade(1, 0), trade(3, 1000)], builder)
    assert [candle.volume for candle in candles] == [2]
    assert builder.duplicates == 2


def test_live_a_jump_of_the_ids_is_a_gap_until_settled() -> None:
    builder = TradeCandles("X", S1, last_id=0, last_price=1.0, from_ms=START_MS)
    trades = [trade(1, 0), trade(2, 1100), trade(5, 3900), trade(6, 5000), trade(7, 6000)]
    assert seconds_of(live(trades, builder)) == [0, 4, 5]
    assert builder.gaps == [TradeGap(START_MS + 1000, START_MS + 4000, 3, 5)]
    builder.settle(builder.gaps[0])
    assert builder.gaps == []


def test_a_jump_within_a_candle_loses_that_candle() -> None:
    builder = TradeCandles("X", S1, last_id=0, last_price=1.0, from_ms=START_MS)
    assert seconds_of(live([trade(1, 0), trade(3, 500), trade(4, 1000), trade(5, 2000)], builder)) == [1]
    assert builder.gaps == [TradeGap(START_MS, START_MS + 1000, 2, 3)]


def test_flat_candles_given_before_a_jump_showed_are_doubted() -> None:
    builder = TradeCandles("X", S1, last_id=0, last_price=1.0, from_ms=START_MS)
    builder.push(*trade(1, 0))
    assert seconds_of(builder.advance(START_MS + 3000)) == [0, 1, 2]
    builder.push(*trade(4, 3500))
    assert builder.gaps == [TradeGap(START_MS, START_MS + 4000, 2, 4)]


def test_a_late_trade_makes_the_given_candles_doubtful() -> None:
    builder = TradeCandles("X", S1, last_id=0, last_price=1.0, from_ms=START_MS)
    builder.push(*trade(1, 0, 100))
    builder.advance(START_MS + 3000)
    assert builder.push(*trade(2, 900, 105)) == []
    assert builder.late == 1
    assert builder.gaps == [TradeGap(START_MS, START_MS + 3000, 2, 2)]
    assert builder.advance(START_MS + 4000)[0].close == 105


def test_a_gap_of_trades_is_repaired_by_the_batch() -> None:
    trades = [trade(id, id * 300, 100 + id) for id in range(1, 40)]
    builder = TradeCandles("X", S1, last_id=0, last_price=100.0, from_ms=START_MS)
    kept = live([each for each in trades if not 10 <= each[0] < 15], builder)
    (gap,) = builder.gaps
    whole = batch(trades, 11, last_price=100.0)
    repaired = whole.between(gap.start_ms, gap.end_ms)
    assert sorted([*seconds_of(kept), *seconds_of(repaired)]) == list(range(11))
    assert same_table(table_of(kept), CandleTable("X", S1, *_without(whole, gap)))


def _without(whole: CandleTable, gap: TradeGap) -> list[np.ndarray]:
    keep = (whole.open_time < gap.start_ms) | (whole.open_time >= gap.end_ms)
    return [getattr(whole, name)[keep] for name in whole.__struct_fields__[2:]]


@st.composite
def streams(draw: st.DrawFn) -> list[Trade]:
    waits = draw(st.lists(st.integers(0, 2500), min_size=1, max_size=40))
    times = np.cumsum(waits).tolist()
    return [
        trade(row + 1, at, draw(st.integers(1, 10**7)) / 100, draw(st.integers(1, 10**8)) / 10**5, draw(st.booleans()))
        for row, at in enumerate(times)
    ]


@given(streams(), st.sampled_from([S1, S15]))
def test_trade_by_trade_gives_the_bits_of_the_batch(trades: list[Trade], timeframe: Timeframe) -> None:
    end = trades[-1][1] + timeframe.ms
    end -= end % timeframe.ms
    builder = TradeCandles("X", timeframe, last_id=0, last_price=1.0, from_ms=START_MS)
    candles = live(trades, builder) + builder.advance(end)
    whole = batch(trades, (end - START_MS) // 1000, timeframe, last_price=1.0)
    assert same_table(table_of(candles), whole) if candles else not len(whole)


@given(streams())
def test_longer_candles_are_the_resampled_seconds(trades: list[Trade]) -> None:
    for last_price in (1.0, float("nan")):
        seconds = batch(trades, 150, S1, last_price=last_price)
        assert same_table(resample(seconds, S15), batch(trades, 150, S15, last_price=last_price))


@given(streams(), st.sets(st.integers(2, 39)))
def test_what_comes_despite_missing_trades_is_right(trades: list[Trade], lost: set[int]) -> None:
    end = trades[-1][1] // 1000 * 1000 + 1000
    builder = TradeCandles("X", S1, last_id=0, last_price=1.0, from_ms=START_MS)
    kept = [each for each in trades if each[0] not in lost or each is trades[-1]]
    candles = live(kept, builder) + builder.advance(end)
    right = {candle.open_time: candle for candle in batch(trades, (end - START_MS) // 1000, last_price=1.0).candles()}
    assert all(candle == right[candle.open_time] for candle in candles)
    doubtful = {time for gap in builder.gaps for time in range(gap.start_ms, gap.end_ms, 1000)}
    assert {candle.open_time for candle in candles} == set(right) - doubtful


def recorded(name: str) -> TradeTable:
    frame = pd.read_parquet(shared_path("data", "trades", f"trades-{name}.parquet"))
    frame = frame.rename(columns={"timestamp": "time", "id": "trade_id", "amount": "qty"})
    columns = [frame[column].to_numpy() for column in ("trade_id", "time", "price", "qty", "is_buyer_maker")]
    return TradeTable("X", *columns)


def built(trades: TradeTable, timeframe: Timeframe) -> CandleTable:
    start = -(-int(trades.times_ms[0]) // MINUTE_MS) * MINUTE_MS
    end = int(trades.times_ms[-1]) // MINUTE_MS * MINUTE_MS
    return candles_from_trades(
        "X",
        timeframe,
        trades.times_ms,
        trades.prices,
        trades.quantities,
        trades.is_buyer_maker,
        start,
        end,
        ids=trades.ids,
    )


@pytest.mark.parametrize("coin", ["BTCUSDT", "ETHUSDT"])
def test_real_trades_give_the_exchanges_own_minutes(coin: str) -> None:
    ours = resample(built(recorded(f"{coin}-spot-2024-08-08"), S1), Timeframe.MIN_1)
    frame = pd.read_parquet(shared_path("data", "spot", f"{coin}-1m-2024.parquet"))
    theirs = frame[frame["open_time"].isin(ours.open_time)]
    assert len(ours) == len(theirs) >= 4
    for name in ("open_time", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(ours, name), theirs[name].to_numpy())


@pytest.mark.parametrize("name", ["BTCUSDT-usdm-2024-08-08", "ETHUSDT-usdm-2024-08-08", "XRPETH-spot-2019-10-11"])
def test_real_seconds_make_the_longer_candles(name: str) -> None:
    trades = recorded(name)
    seconds = built(trades, S1)
    assert np.array_equal(np.diff(seconds.open_time), np.full(len(seconds) - 1, 1000))
    for timeframe in (S15, S30, Timeframe.MIN_1):
        assert same_table(resample(seconds, timeframe), built(trades, timeframe))


def test_real_trades_one_by_one_give_the_bits_of_the_batch() -> None:
    trades = recorded("BTCUSDT-usdm-2024-08-08")
    builder = TradeCandles("X", S1)
    rows = zip(
        trades.ids.tolist(),
        trades.times_ms.tolist(),
        trades.prices.tolist(),
        trades.quantities.tolist(),
        trades.is_buyer_maker.tolist(),
        strict=True,
    )
    candles = table_of([candle for row in rows for candle in builder.push(*row)])
    whole = built(trades, S1)
    inside = candles.between(int(whole.open_time[0]), int(whole.open_time[-1]) + 1)
    assert same_table(inside, whole)
