"""The last 30 days by the hour, and the rule of correlation that looks at them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.builders import START_MS, candle
from tests.trading.worlds import World, wish
from trader.core.candle import Candle
from trader.core.signal import Pattern
from trader.core.timeframe import HOUR_MS, MINUTE_MS, Timeframe
from trader.trading.hourly import HOURS, Hourly, correlation, needs_hours

H1 = Timeframe.HOUR_1
COINS = ("BTCUSDT", "ETHUSDT")
#: Prices that move together hour by hour, and ones that have nothing to do with them.
WAVE = [100 + math.sin(hour * 0.7) for hour in range(400)]
NOISE = [100 + random.Random(hour).uniform(-1, 1) for hour in range(400)]


def correlated(mode: str, other: Sequence[float] = WAVE, hours: int = 120, **overrides: Any) -> World:
    """Return a world of hourly candles: an open trade on ETHUSDT, both coins known for `hours` hours."""
    rules: dict[str, Any] = {"MAX_POSITION_SIZE_PCT": 0.1, "PATTERN_TARGETS": {}, **overrides}
    wide = {pattern.value: {"sl_pct": 0.2, "tp_pct": 0.5} for pattern in Pattern}
    world = World(COINS, H1, CORRELATION_MODE=mode, **rules | {"PATTERN_TARGETS": wide})
    for hour in range(hours):
        readings = [wish(other[hour], symbol="ETHUSDT", timeframe=H1)] if hour == hours - 2 else []
        world.tick(WAVE[hour], readings=readings, others=[world.candle(other[hour], symbol="ETHUSDT")])
    assert world.trade.symbol == "ETHUSDT"
    return world


def ask(world: World, **reading: Any) -> dict[str, float]:
    """Let BTCUSDT give a signal; return the reductions of its entry, or {} when it was refused."""
    world.tick(100.0, readings=[wish(timeframe=H1, **reading)])
    if not world.book.pending:
        return {}
    factors = world.pending.factors
    assert factors is not None
    return factors.reductions


def test_a_coin_that_moves_together_with_an_open_trade_is_halved() -> None:
    assert ask(correlated("halve")) == {"correlated": 0.5}


def test_or_skipped_with_the_other_coin_and_its_r() -> None:
    world = correlated("skip")
    assert ask(world) == {}
    assert world.rules() == {"correlated": 1}
    assert world.refusal().values["with"] == "ETHUSDT"
    assert world.refusal().values["r"] > 0.99


def test_or_left_alone_when_the_rule_is_off() -> None:
    world = correlated("off")
    assert ask(world) == {}
    assert world.rules() == {"opened": 1}
    assert world.book.hours == {}


def test_coins_that_move_against_each_other_count_too() -> None:
    assert ask(correlated("halve", [200 - price for price in WAVE])) == {"correlated": 0.5}


def test_coins_that_have_nothing_in_common_do_not() -> None:
    assert ask(correlated("halve", NOISE)) == {}


@pytest.mark.parametrize(("hours", "reductions"), [(100, {}), (101, {"correlated": 0.5})])
def test_below_a_hundred_common_returns_r_is_undefined(hours: int, reductions: dict[str, float]) -> None:
    """The instant of the question completes one more hour of BTCUSDT alone."""
    assert ask(correlated("halve", hours=hours)) == reductions


@pytest.mark.parametrize("mode", ["halve", "skip", "off"])
def test_decisions_for_which_r_is_undefined_are_counted_by_pair(mode: str) -> None:
    world, pair = correlated(mode, hours=99), "BTCUSDT/ETHUSDT"
    counted = []
    for stream in (H1, Timeframe.HOUR_4, Timeframe.DAY_1):
        others = [world.candle(100.0, symbol="ETHUSDT")]
        world.tick(100.0, readings=[wish(timeframe=stream)], others=others)
        world.save_and_load()
        counted.append(world.book.undefined_correlations.get(pair, 0))
    assert counted == ([0, 0, 0] if mode == "off" else [1, 1, 1])  # the second question meets 100 returns
    assert set(world.book.undefined_correlations) <= {pair}


def test_coins_without_hours_are_undefined_each_time_and_those_that_never_move_too() -> None:
    for price in (None, 100.0):
        world = correlated("skip", [100.0] * 200)
        if price is None:
            world.book.hours["ETHUSDT"].closes.clear()
        ask(world)
        assert world.book.undefined_correlations == {"BTCUSDT/ETHUSDT": 1}
        assert world.rules() == {"opened": 1}


def test_hours_that_nobody_keeps_any_more_are_forgotten() -> None:
    world = correlated("skip")
    world.settings = world.settings.model_copy(update={"CORRELATION_MODE": "off"})
    world.save_and_load()
    assert world.book.hours == {}


def test_only_trades_the_same_way_count_and_hedges_are_none() -> None:
    world = correlated("skip", MARKET="futures")
    assert ask(world, pattern=Pattern.DESCENDING_TRIANGLE, trend=1.01) == {}
    assert world.rules() == {"opened": 1}
    hedged = correlated("skip", MARKET="futures")
    hedged.trade.hedge = True
    ask(hedged)
    assert hedged.rules() == {"opened": 1}


def test_hours_that_one_coin_lacks_are_left_out_not_shifted() -> None:
    world = correlated("halve")
    eth = world.book.hours["ETHUSDT"]
    for hour in list(eth.closes)[10:20]:
        del eth.closes[hour]
    before = next(reversed(world.book.hours["BTCUSDT"].closes))
    assert len(eth.returns(before)) == 120 - 1 - 11
    assert ask(world) == {"correlated": 0.5}


def test_a_late_candle_that_completes_an_hour_is_seen_at_once() -> None:
    wide = {pattern.value: {"sl_pct": 0.2, "tp_pct": 0.5} for pattern in Pattern}
    half = Timeframe.MIN_30
    world = World(COINS, half, CORRELATION_MODE="skip", MAX_POSITION_SIZE_PCT=0.1, PATTERN_TARGETS=wide)
    for at in range(201):
        readings = [wish(symbol="ETHUSDT", timeframe=half)] if at == 190 else []
        world.tick(WAVE[at // 2], readings=readings, others=[world.candle(WAVE[at // 2], symbol="ETHUSDT")])
    world.tick(WAVE[100], readings=[wish(timeframe=half)])
    world.at -= 1
    world.tick(others=[world.candle(WAVE[100], symbol="ETHUSDT")], late=True)
    world.tick(WAVE[101], readings=[wish(timeframe=H1)], others=[world.candle(WAVE[101], symbol="ETHUSDT")])
    assert world.rules() == {"opened": 1}
    assert world.book.funnel["BTCUSDT"]["1h"] == {"correlated": 1}


def test_r_is_the_textbooks() -> None:
    chance = np.random.default_rng(7)
    xs, ys = chance.normal(size=(2, 300))
    one, other = dict(enumerate(xs.tolist())), {hour + 20: y for hour, y in enumerate(ys.tolist())}
    assert correlation(one, other) == pytest.approx(np.corrcoef(xs[20:], ys[:-20])[0, 1])
    assert correlation(one, dict.fromkeys(range(300), 0.01)) is None
    assert math.isnan(correlation(one, dict.fromkeys(range(300), math.nan)) or 0)
    assert correlation({}, {}) is None


# --- the hourly state -----------------------------------------------------------------------------------------


def minutes(first: int, count: int, price: float = 100.0, spread: float = 0.0) -> list[Candle]:
    """Return minute candles; those of one hour are higher and lower than the ones around in their middle."""
    return [
        candle(price, high=price + spread * (at % 60 == 30), low=price - spread * (at % 60 == 31), at=at)
        for at in range(first, first + count)
    ]


def taken(candles: Sequence[Candle]) -> Hourly:
    """Return the hours of these candles."""
    hours = Hourly()
    for each in candles:
        hours.take(each, each.close_time)
    return hours


def test_thirty_days_are_kept_and_no_more() -> None:
    hours = taken([candle(100.0 + at % 3, high=110.0, low=90.0, at=at, timeframe=H1) for at in range(HOURS + 200)])
    last = START_MS // HOUR_MS + HOURS + 200
    assert list(hours.closes) == list(range(last - HOURS, last + 1))  # one more, from which the first return counts
    assert list(hours.ranges) == list(range(last - HOURS + 1, last + 1))
    assert len(hours.returns(last)) == HOURS
    size = len(msgspec.msgpack.encode(hours))
    hours.take(candle(100.0, at=HOURS + 200, timeframe=H1), (last + 1) * HOUR_MS)
    assert len(msgspec.msgpack.encode(hours)) <= size + 8


def test_an_hour_is_complete_with_its_last_minute() -> None:
    hours = taken(minutes(0, 119, spread=1.0))
    assert list(hours.closes) == [START_MS // HOUR_MS + 1]
    assert taken(minutes(0, 120)).closes == {START_MS // HOUR_MS + 1: 100.0, START_MS // HOUR_MS + 2: 100.0}


def test_an_hour_whose_last_candle_is_missing_is_missing() -> None:
    hours = taken([each for each in minutes(0, 240) if each.close_time != START_MS + 2 * HOUR_MS])
    assert [hour - START_MS // HOUR_MS for hour in hours.closes] == [1, 3, 4]
    assert [hour - START_MS // HOUR_MS for hour in hours.returns(START_MS // HOUR_MS + 4)] == [4]


def test_coins_whose_candles_are_of_other_lengths_are_aligned_by_the_hour() -> None:
    fine = taken(minutes(0, 180))
    coarse = taken([candle(100.0, at=at, timeframe=Timeframe.MIN_15) for at in range(12)])
    assert list(fine.closes) == list(coarse.closes) == [START_MS // HOUR_MS + hour for hour in (1, 2, 3)]


def test_ranges_are_wilders() -> None:
    chance = random.Random(3)
    hours, rows, close = Hourly(), [], 100.0
    for at in range(60):
        before, close = close, close * (1 + chance.uniform(-0.02, 0.02))
        high, low = max(before, close) + chance.random(), min(before, close) - chance.random()
        rows.append((high, low, close))
        hours.take(candle(close, high=high, low=low, at=at, timeframe=H1), START_MS + (at + 1) * HOUR_MS)
    true_ranges = [rows[0][0] - rows[0][1]]
    for (_, _, before), (high, low, _) in pairwise(rows):
        true_ranges.append(max(high - low, abs(high - before), abs(low - before)))
    average = sum(true_ranges[:14]) / 14
    expected = [average / rows[13][2]]
    for true_range, (_, _, close) in zip(true_ranges[14:], rows[14:], strict=True):
        average = (average * 13 + true_range) / 14
        expected.append(average / close)
    assert list(hours.ranges.values()) == pytest.approx(expected)


def test_the_range_of_an_hour_is_that_of_its_minutes() -> None:
    fine = taken(minutes(0, 20 * 60, spread=2.0))
    coarse = taken([candle(100.0, high=102.0, low=98.0, at=at, timeframe=H1) for at in range(20)])
    assert (fine.closes, fine.ranges, fine.average) == (coarse.closes, coarse.ranges, coarse.average)
    assert len(fine.ranges) == 20 - 13


def test_hours_survive_save_and_load_in_the_middle_of_one() -> None:
    straight, cut = Hourly(), Hourly()
    for each in minutes(0, 20 * 60, spread=1.5):
        straight.take(each, each.close_time)
        cut.take(each, each.close_time)
        if each.open_time % (7 * MINUTE_MS) == 0:
            cut = msgspec.msgpack.decode(msgspec.msgpack.encode(cut), type=Hourly)
    assert cut == straight


def test_hours_are_kept_only_where_a_rule_looks_at_them() -> None:
    assert not needs_hours(World().settings)
    assert needs_hours(World(CORRELATION_MODE="skip").settings)
    assert needs_hours(World(MARKET="futures", HEDGING={"enable": True}).settings)
    assert not needs_hours(World(MARKET="futures", HEDGING={"enable": True, "dynamic_hedge": False}).settings)
