"""Clock, weights, heartbeat, names, numbers, options: each on its own."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START_MS
from tests.exchange.embedded.sources import TableSource, coin
from trader.core.errors import ConfigError
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.api_error import Limited
from trader.exchange.embedded.clock import PlayClock
from trader.exchange.embedded.faults import Armed, Fault, FaultPlan, FaultRate, parse_fault
from trader.exchange.embedded.frames import frame
from trader.exchange.embedded.heartbeat import Allowance, Heartbeat
from trader.exchange.embedded.info import played_symbols
from trader.exchange.embedded.kline_feed import exact
from trader.exchange.embedded.options import (
    MAX_SPEED,
    NO_FILTERS,
    ExchangeOptions,
    Limits,
    parse_speed,
    parse_time,
)
from trader.exchange.embedded.span import play_span
from trader.exchange.embedded.streams import parse_stream, well_formed
from trader.exchange.embedded.weights import WeightMeter
from trader.exchange.embedded.wire import number


class Wall:
    """A wall clock that a test moves."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


def test_time_passes_at_its_speed_up_to_what_is_due() -> None:
    wall = Wall()
    clock = PlayClock(1_000_000, 60.0, wall)
    wall.seconds = 5
    assert clock.now() == 1_000_000
    clock.start()
    clock.due(1_060_000)
    wall.seconds = 5.5
    assert clock.now() == 1_030_000
    assert clock.seconds_until(1_060_000) == pytest.approx(0.5)
    wall.seconds = 9
    assert clock.now() == 1_060_000
    clock.reach(1_060_000)
    clock.due(2_000_000)
    assert clock.now() == 1_240_000


def test_a_new_speed_counts_from_now() -> None:
    wall = Wall()
    clock = PlayClock(0, 1.0, wall)
    clock.start()
    clock.due(10_000_000)
    wall.seconds = 10
    clock.set_speed(100.0)
    wall.seconds = 11
    assert clock.now() == 110_000
    clock.set_speed(MAX_SPEED)
    wall.seconds = 99
    assert clock.now() == 110_000
    assert clock.seconds_until(10**12) == 0


def test_weights_run_out_and_come_back_with_the_minute() -> None:
    wall = Wall(30.0)
    meter = WeightMeter(100, 60.0, 10, 120.0, wall)
    for _ in range(10):
        meter.charge(10)
    with pytest.raises(Limited) as refused:
        meter.charge(1)
    assert (refused.value.status, refused.value.code, refused.value.retry_after_s) == (429, -1003, 30)
    wall.seconds = 60.0
    meter.charge(1)
    assert meter.used == 1


def test_going_on_after_429_ends_in_a_ban_that_doubles() -> None:
    wall = Wall(0.0)
    meter = WeightMeter(1, 60.0, 2, 100.0, wall)
    meter.charge(1)
    statuses = []
    for _ in range(4):
        with pytest.raises(Limited) as refused:
            meter.charge(1)
        statuses.append(refused.value.status)
    assert statuses == [429, 429, 418, 418]
    wall.seconds = 99.0
    with pytest.raises(Limited, match="banned until 100000"):
        meter.charge(1)
    wall.seconds = 101.0
    meter.charge(1)
    for _ in range(3):
        with pytest.raises(Limited) as refused:
            meter.charge(1)
    assert refused.value.retry_after_s == 200


def test_only_so_many_messages_a_second() -> None:
    wall = Wall()
    allowance = Allowance(3, wall)
    assert [allowance.take() for _ in range(4)] == [True, True, True, False]
    wall.seconds = 1.0
    assert allowance.take()


def test_a_ping_waits_for_its_pong() -> None:
    wall = Wall()
    heart = Heartbeat(Limits(), "spot", wall)
    assert heart.seconds_until_next() == 20
    wall.seconds = 20
    ping = heart.ping()
    assert ping is not None
    assert heart.ping() is None
    heart.pong(b"unsolicited")
    wall.seconds = 79.9
    assert not heart.silent()
    wall.seconds = 80
    assert heart.silent()
    heart.pong(ping)
    assert not heart.silent()


def test_a_connection_is_warned_once_and_ends() -> None:
    wall = Wall()
    heart = Heartbeat(Limits(life_s=100, notice_s=10), "futures", wall)
    assert not heart.ending()
    wall.seconds = 90
    assert [heart.ending(), heart.ending()] == [True, False]
    assert not heart.over()
    wall.seconds = 100
    assert heart.over()


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12), st.integers(0, 8))
def test_every_number_reads_back_as_itself(value: float, digits: int) -> None:
    text = number(value, digits)
    assert float(text) == value
    assert "e" not in text


@given(st.integers(0, 10**15), st.integers(0, 8))
def test_numbers_on_the_grid_have_its_width(units: int, digits: int) -> None:
    value = units / 10**digits
    if units < 2**50:
        assert len(number(value, digits).partition(".")[2]) == digits


def test_unknown_numbers_are_zero() -> None:
    assert number(math.nan, 3) == "0.000"


@given(st.lists(st.floats(0, 1e11), min_size=1, max_size=20), st.integers(0, 8))
def test_a_column_called_exact_reads_back(values: list[float], digits: int) -> None:
    if exact(np.array(values), digits):
        assert all(float(f"{value:.{digits}f}") == value for value in values)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_carry_their_length(size: int) -> None:
    whole = frame(b"x" * size)
    assert whole[0] == 0x81
    assert whole.endswith(b"x" * size)
    head = len(whole) - size
    assert head == (2 if size < 126 else 4 if size < 65_536 else 10)


@pytest.mark.parametrize(
    "name", ["btcusdt@kline_1m", "btcusdt@aggTrade", "!miniTicker@arr", "!play", "币安人生usdt@ticker"]
)
def test_names_that_could_be_streams(name: str) -> None:
    assert well_formed(name)


@pytest.mark.parametrize("name", ["", "btcusdt", "not a stream", "@kline_1m", "btcusdt@", "btcusdt@kline_1m/x"])
def test_names_that_cannot_be_streams(name: str) -> None:
    assert not well_formed(name)


def test_upper_case_names_and_unknown_kinds_ask_for_nothing() -> None:
    names = ("BTCUSDT@kline_1m", "btcusdt@kline_7m", "btcusdt@depth", "btcusdt@continuousKline_1m")
    assert [parse_stream(name) for name in names] == [None] * 4


def test_speeds_and_times_are_read() -> None:
    assert (parse_speed("max"), parse_speed("0.5")) == (MAX_SPEED, 0.5)
    assert parse_time("2025-01-01T00:00:00+01:00") == START_MS - 3_600_000
    for text in ("0", "-1", "fast", "nan"):
        with pytest.raises(ConfigError, match="allowed"):
            parse_speed(text)
    with pytest.raises(ConfigError, match="YYYY-MM-DD"):
        parse_time("yesterday")


@pytest.mark.parametrize("text", ["drop", "drop=2", "nosuch=0.1", "drop=x", "5xx=0.1:404", "stall=0.1:-1"])
def test_impossible_faults_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        parse_fault(text)


def test_faults_have_amounts_of_their_own() -> None:
    assert parse_fault("stall=0.1") == FaultRate(Fault.STALL, 0.1, 2.0)
    assert parse_fault("5xx=1:502") == FaultRate(Fault.SERVER_ERROR, 1.0, 502.0)
    assert parse_fault("skew=-1500") == FaultRate(Fault.SKEW, 1.0, -1_500.0)


def test_equal_seeds_draw_equal_faults() -> None:
    rates = (FaultRate(Fault.DROP, 0.1), FaultRate(Fault.GAP, 0.2))
    draws = []
    for _ in range(2):
        plan = FaultPlan(rates, seed=5)
        random = plan.random(1)
        draws.append([plan.for_message(random, "s", True) for _ in range(500)])
    assert draws[0] == draws[1]
    assert 20 < sum(draw == (Fault.DROP, 0.0) for draw in draws[0]) < 90


def test_gaps_meet_closed_candles_only() -> None:
    plan = FaultPlan((FaultRate(Fault.GAP, 1.0),))
    assert plan.for_message(Random(1), "s", closed=False) is None
    assert plan.for_message(Random(1), "s", closed=True) == (Fault.GAP, 0.0)


def test_an_armed_fault_strikes_its_stream_so_often() -> None:
    plan = FaultPlan()
    plan.arm(Armed(Fault.CORRUPT, 0.0, count=2, stream="a"))
    struck = [plan.for_message(Random(1), stream, False) is not None for stream in "abaa"]
    assert struck == [True, False, True, False]
    assert not plan.streams_at_risk
    assert plan.counts == {"corrupt": 2}


def test_a_play_spans_what_is_held() -> None:
    source = TableSource({"spot": [coin("BTCUSDT", 100)]})
    end = START_MS + 100 * MINUTE_MS
    assert play_span(ExchangeOptions(), source) == (START_MS, end, START_MS)
    assert play_span(ExchangeOptions(start=START_MS + 5, at=START_MS + 9), source) == (START_MS + 5, end, START_MS + 9)
    for options in ({"start": end}, {"at": START_MS - 1}, {"end": START_MS}, {"at": end + 1}):
        with pytest.raises(ConfigError):
            play_span(ExchangeOptions(**options), source)


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_symbols_without_exchange_info_have_the_default_filters(market: str) -> None:
    entry = played_symbols(market, ("ETHBTC",), None, NO_FILTERS)["ETHBTC"]
    assert (entry["baseAsset"], entry["quoteAsset"]) == ("ETH", "BTC")
    assert entry["filters"][0]["tickSize"] == "0.00000001"


def test_what_is_played_is_trading() -> None:
    stored = {"symbols": [{"symbol": "A", "status": "BREAK", "filters": [{"filterType": "X", "limit": None}]}]}
    assert played_symbols("spot", ("A",), stored, NO_FILTERS)["A"] == {
        "symbol": "A",
        "status": "TRADING",
        "filters": [{"filterType": "X"}],
    }
