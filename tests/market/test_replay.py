"""Instants come in order, each with its candles in order, and nothing is lost between blocks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START_MS, candle, same_candle, table, walk
from trader.core.candle import EXTRA_COLUMNS, Candle
from trader.core.events import FundingRate, Instant
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.market.replay import BLOCK, replay, replay_streams
from trader.market.resample import Resampler
from trader.market.table import CandleTable

M1, M5, M15 = Timeframe.MIN_1, Timeframe.MIN_5, Timeframe.MIN_15
FOREVER = START_MS + 10**12


def at(minute: int) -> int:
    return START_MS + minute * MINUTE_MS


def plainly(tables: Sequence[CandleTable], start_ms: int, end_ms: int) -> list[tuple[int, list[Candle]]]:
    """Return the instants the slow way: all candles, grouped by their close."""
    order = {id(each): index for index, each in enumerate(tables)}
    found: dict[int, list[tuple[int, int, Candle]]] = {}
    for each in tables:
        for one in each.candles():
            if start_ms < one.close_time <= end_ms:
                found.setdefault(one.close_time, []).append((each.timeframe.ms, order[id(each)], one))
    return [(time, [one for *_, one in sorted(found[time], key=lambda row: row[:2])]) for time in sorted(found)]


def same(instants: Sequence[Instant], expected: Sequence[tuple[int, list[Candle]]]) -> bool:
    return [each.time for each in instants] == [time for time, _ in expected] and all(
        len(each.candles) == len(plain) and all(map(same_candle, each.candles, plain))
        for each, (_, plain) in zip(instants, expected, strict=True)
    )


def shown(instants: Sequence[Instant]) -> list[tuple[int, list[str]]]:
    return [
        ((each.time - START_MS) // MINUTE_MS, [f"{one.symbol} {one.timeframe}" for one in each.candles])
        for each in instants
    ]


def test_every_close_of_one_coin_is_an_instant() -> None:
    history = table([1, 2, 3], without=[1], count=7)
    instants = list(replay([history], START_MS, FOREVER))
    assert shown(instants) == [(1, ["BTCUSDT 1min"]), (3, ["BTCUSDT 1min"])]
    assert same_candle(instants[1].candles[0], candle(3, open=2, at=2, count=7))
    assert instants[0].funding == ()
    assert not instants[0].late


def test_candles_that_close_together_keep_the_order_of_the_coins() -> None:
    tables = [table([1, 2], symbol="B", without=[0]), table([1, 2], symbol="A")]
    assert shown(list(replay(tables, START_MS, FOREVER))) == [(1, ["A 1min"]), (2, ["B 1min", "A 1min"])]


def test_shorter_timeframes_come_first() -> None:
    tables = [table([1], symbol="A", timeframe=M5), table(range(1, 7), symbol="B")]
    assert shown(list(replay(tables, START_MS, FOREVER)))[4:] == [(5, ["B 1min", "A 5min"]), (6, ["B 1min"])]


def test_an_instant_is_in_the_run_by_its_time() -> None:
    tables = [walk(20), walk(4, timeframe=M5, symbol="E")]
    times = [each.time for each in replay(tables, at(7), at(12))]
    assert times == [at(minute) for minute in (8, 9, 10, 11, 12)]


def test_nothing_comes_of_nothing() -> None:
    assert list(replay([], START_MS, FOREVER)) == []
    assert list(replay([CandleTable.empty("A", M1)], START_MS, FOREVER)) == []
    assert list(replay([walk(3)], at(5), at(9))) == []


def test_a_funding_rate_is_in_the_first_instant_at_or_behind_its_time() -> None:
    history = table(range(1, 7), without=[2, 3])
    funding = {
        "BTCUSDT": [(at(0), 0.1), (at(1), 0.2), (at(3), 0.3), (at(3) + 1, 0.4), (at(7), 0.5)],
        "X": [(at(1), 9.0)],
    }
    due = {each.time: each.funding for each in replay([history], START_MS, FOREVER, funding)}
    assert due == {
        at(1): (FundingRate("BTCUSDT", at(1), 0.2),),
        at(2): (),
        at(5): (FundingRate("BTCUSDT", at(3), 0.3), FundingRate("BTCUSDT", at(3) + 1, 0.4)),
        at(6): (),
    }


def test_funding_rates_that_fall_due_together_keep_the_order_of_the_coins() -> None:
    tables = [walk(3, symbol="B"), walk(3, symbol="A")]
    (first, *_) = replay(tables, START_MS, FOREVER, {"A": [(at(1), 0.1)], "B": [(at(1), 0.2)]})
    assert [rate.symbol for rate in first.funding] == ["B", "A"]


@pytest.mark.parametrize("without", [[], [5], range(BLOCK - 3, BLOCK + 5), range(3 * BLOCK)])
def test_blocks_do_not_show(without: Sequence[int]) -> None:
    keep = sorted(set(range(3 * BLOCK + 11)) - set(without))
    closes = [float(row + 1) for row in range(3 * BLOCK + 11)]
    tables = [
        table(closes, without=without, **dict.fromkeys(EXTRA_COLUMNS, 3.0)),
        table(closes[: 2 * BLOCK], symbol="E"),
    ]
    end = at(3 * BLOCK + 9)
    funding = {"BTCUSDT": [(at(minute), float(minute)) for minute in range(1, 3 * BLOCK, 4_801)]}
    instants = list(replay(tables, START_MS, end, funding))
    rates = [(rate.time, each.time) for each in instants for rate in each.funding]
    assert same(instants, plainly(tables, START_MS, end))
    assert [time for time, _ in rates] == [time for time, _ in funding["BTCUSDT"]]
    assert all(0 <= there - time <= (0 if time <= at(2 * BLOCK) else len(without) * MINUTE_MS) for time, there in rates)
    assert len(keep) == len(tables[0])


@st.composite
def histories(draw: st.DrawFn) -> list[CandleTable]:
    result = []
    for symbol in ("B", "A", "C")[: draw(st.integers(1, 3))]:
        rows = draw(st.integers(1, 30))
        without = [row for row in range(rows) if not draw(st.integers(0, 4))]
        start = at(15 * draw(st.integers(0, 2)))
        timeframe = draw(st.sampled_from([M1, M1, M5, M15]))
        result.append(table([1.0] * rows, symbol=symbol, timeframe=timeframe, start_ms=start, without=without))
    return result


@given(histories(), st.integers(-20, 60), st.integers(0, 200))
def test_replay_is_all_candles_grouped_by_their_close(tables: list[CandleTable], first: int, count: int) -> None:
    start, end = at(first), at(first + count)
    assert same(list(replay(tables, start, end)), plainly(tables, start, end))


def built(base: CandleTable, to: Timeframe) -> list[Candle]:
    """Return the longer candles as the daemon makes them: one base candle after the other."""
    if to is base.timeframe:
        return list(base.candles())
    resampler = Resampler(base.symbol, base.timeframe, to)
    return [longer for longer in map(resampler.push, base.candles()) if longer]


@given(histories(), st.integers(0, 60))
def test_streams_are_what_the_daemon_builds_candle_by_candle(tables: list[CandleTable], minutes: int) -> None:
    found: dict[int, list[tuple[int, int, Candle]]] = {}
    for rank, base in enumerate(tables):
        for to in (M1, M5, M15):
            for one in built(base, to) if to.ms >= base.timeframe.ms else ():
                found.setdefault(one.close_time, []).append((to.ms, rank, one))
    start = at(minutes)
    expected = [
        (time, [one for *_, one in sorted(found[time], key=lambda row: row[:2])])
        for time in sorted(found)
        if time > start
    ]
    assert same(list(replay_streams(tables, [M5, M1, M15], start, FOREVER)), expected)


def test_streams_give_the_longer_candles_with_the_base() -> None:
    instants = list(replay_streams([walk(15), walk(15, symbol="E")], [M5], START_MS, FOREVER))
    assert shown(instants)[4] == (5, ["BTCUSDT 1min", "E 1min", "BTCUSDT 5min", "E 5min"])
    assert len(instants) == 15
