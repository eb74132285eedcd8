from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import M1, START_MS, candle, table
from trader.core.candle import Candle
from trader.core.events import Instant
from trader.core.timeframe import Timeframe
from trader.engine.live.instants import Hole, InstantAssembler

M5 = Timeframe.MIN_5
FULL = {"quote_volume": 1.0, "count": 1.0, "taker_buy_volume": 1.0, "taker_buy_quote_volume": 1.0}
TWO = {"BTCUSDT": M1, "ETHUSDT": M1}


def assembler(
    exits: dict[str, Timeframe] = TWO, wait_s: float = 2.5, longer: tuple[Timeframe, ...] = ()
) -> InstantAssembler:
    streams = [(symbol, timeframe) for symbol, base in exits.items() for timeframe in (base, *longer)]
    maker = InstantAssembler(exits, streams, START_MS, wait_s)
    maker.times.begin(0.0)
    return maker


def ready(maker: InstantAssembler, now_s: float) -> list[Instant]:
    """Return all instants that are ready at `now_s`."""
    instants = []
    while (instant := maker.next(now_s)) is not None:
        instants.append(instant)
    return instants


def eth(at: int, close: float = 10.0) -> Candle:
    return candle(close, at=at, symbol="ETHUSDT")


def test_an_instant_waits_for_all_coins_that_are_due() -> None:
    maker = assembler()
    maker.push(candle(at=0))
    assert ready(maker, 0.0) == []
    maker.push(eth(0))
    (instant,) = ready(maker, 0.1)
    assert instant.time == START_MS + 60_000
    assert [c.symbol for c in instant.candles] == ["BTCUSDT", "ETHUSDT"]


def test_a_coin_of_a_longer_base_is_not_waited_for_between_its_closes() -> None:
    maker = assembler({"BTCUSDT": M1, "ETHUSDT": M5})
    for at in range(4):
        maker.push(candle(at=at))
        assert len(ready(maker, 0.0)) == 1
    maker.push(candle(at=4))
    assert ready(maker, 0.0) == []


def test_order_of_arrival_changes_nothing() -> None:
    packets = [candle(100 + at, at=at, **FULL) for at in range(12)]
    packets += [candle(10 + at, at=at, symbol="ETHUSDT", **FULL) for at in range(12)]
    straight = assembler(longer=(M5,))
    for packet in sorted(packets, key=lambda c: c.open_time):
        straight.push(packet)
    expected = ready(straight, 0.0)
    assert len(expected) == 12
    random.Random(3).shuffle(packets)
    shuffled = assembler(longer=(M5,))
    got = []
    for packet in packets:
        shuffled.push(packet)
        got += ready(shuffled, 0.0)
    assert got == expected


def test_longer_candles_close_in_the_same_instant_after_the_shorter() -> None:
    maker = assembler({"BTCUSDT": M1}, longer=(M5,))
    for at in range(5):
        maker.push(candle(100 + at, at=at))
    last = ready(maker, 0.0)[-1]
    assert [c.timeframe for c in last.candles] == [M1, M5]
    assert last.candles[1].close == 104


def test_a_hole_is_reported_and_held_until_settled() -> None:
    maker = assembler({"BTCUSDT": M1})
    maker.push(candle(at=0))
    assert maker.push(candle(at=3)) == Hole("BTCUSDT", START_MS + 60_000, START_MS + 180_000)
    assert len(ready(maker, 0.0)) == 1
    maker.settle("BTCUSDT", START_MS + 60_000, START_MS + 180_000, [candle(at=1)])
    assert [i.time for i in ready(maker, 0.0)] == [START_MS + 120_000, START_MS + 240_000]
    assert maker.counters.absent == 1


def test_after_the_wait_an_instant_goes_on_and_the_candle_comes_late() -> None:
    maker = assembler(wait_s=2.0)
    maker.push(candle(at=0))
    assert ready(maker, 10.0) == []
    assert maker.deadline_s() == 12.0
    (instant,) = ready(maker, 12.0)
    assert [c.symbol for c in instant.candles] == ["BTCUSDT"]
    assert maker.missing("ETHUSDT") == {START_MS}
    maker.push(eth(0))
    (late,) = ready(maker, 13.0)
    assert (late.late, late.time, late.candles) == (True, instant.time, (eth(0),))
    assert maker.missing("ETHUSDT") == set()


def test_doubles_are_ignored_and_contradictions_counted() -> None:
    maker = assembler({"BTCUSDT": M1})
    maker.push(candle(at=0, **FULL))
    maker.push(candle(at=0, **FULL))
    assert len(ready(maker, 0.0)) == 1
    maker.push(candle(at=0, **FULL))
    maker.push(candle(close=101, at=0, **FULL))
    assert ready(maker, 0.0) == []
    assert (maker.counters.duplicates, maker.counters.contradictions) == (2, 1)


def test_longer_candles_go_on_from_seeded_history() -> None:
    maker = InstantAssembler({"BTCUSDT": M1}, [("BTCUSDT", M1), ("BTCUSDT", M5)], START_MS + 180_000, 1.0)
    maker.times.begin(0.0)
    maker.seed(table([1.0, 2.0, 3.0]))
    maker.push(candle(4.0, at=3))
    maker.push(candle(5.0, at=4))
    longer = ready(maker, 0.0)[-1].candles[1]
    assert (longer.open_time, longer.open, longer.close) == (START_MS, 1.0, 5.0)


def test_a_candle_that_was_called_absent_too_early_still_counts() -> None:
    maker = assembler()
    maker.settle("BTCUSDT", START_MS, START_MS + 60_000, [])
    maker.push(candle(at=0))
    maker.push(eth(0))
    (instant,) = ready(maker, 0.0)
    assert len(instant.candles) == 2


@given(st.lists(st.integers(0, 30), max_size=60), st.randoms())
def test_every_candle_is_in_exactly_one_instant_and_time_never_goes_back(order: list[int], rng: random.Random) -> None:
    maker = assembler({"BTCUSDT": M1}, wait_s=0.0)
    seen: list[int] = []
    times: list[int] = []
    for at in order:
        hole = maker.push(candle(at=at))
        if hole is not None and rng.random() < 0.5:
            maker.settle("BTCUSDT", hole.start, hole.end, [])
        for instant in ready(maker, 0.0):
            seen += [c.open_time for c in instant.candles]
            if not instant.late:
                times.append(instant.time)
    assert len(seen) == len(set(seen))
    assert times == sorted(set(times))
