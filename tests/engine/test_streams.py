"""Which streams a run has: what is wanted, less what the data is too coarse for."""

from __future__ import annotations

import pytest

from tests.builders import settings
from trader.core.errors import ConfigError
from trader.core.timeframe import Timeframe
from trader.engine.streams import plan_streams

S1, S15, M1, M5, M15, H1 = (Timeframe.parse(name) for name in ("1s", "15s", "1min", "5min", "15min", "1h"))


def test_streams_come_in_the_order_of_decisions() -> None:
    values = settings(COINS=["ETHUSDT", "BTCUSDT"], TIMEFRAMES=["5min", "1min"])
    plan = plan_streams(values, {"BTCUSDT": M1, "ETHUSDT": S1})
    assert plan.streams == [("ETHUSDT", M1), ("BTCUSDT", M1), ("ETHUSDT", M5), ("BTCUSDT", M5)]
    assert list(plan.exits.items()) == [("ETHUSDT", M1), ("BTCUSDT", M1)]
    assert plan.notes == []


def test_each_coin_keeps_what_its_data_serves() -> None:
    values = settings(TIMEFRAMES=["1min", "5min", "15min"])
    plan = plan_streams(values, {"BTCUSDT": M1, "ETHUSDT": M5})
    assert plan.exits == {"BTCUSDT": M1, "ETHUSDT": M5}
    assert [timeframe for symbol, timeframe in plan.streams if symbol == "ETHUSDT"] == [M5, M15]
    assert plan.notes == ["ETHUSDT is not traded on 1min: its data begins at 5min"]


def test_exits_are_judged_on_the_exit_timeframe_where_there_is_data_of_it() -> None:
    values = settings(TIMEFRAMES=["1min"], EXIT_TIMEFRAME="15s")
    plan = plan_streams(values, {"BTCUSDT": S15, "ETHUSDT": M1})
    assert plan.exits == {"BTCUSDT": S15, "ETHUSDT": M1}
    assert plan.streams == [("BTCUSDT", M1), ("ETHUSDT", M1)]
    assert plan.notes == ["ETHUSDT: exits cannot be judged on 15s, its data begins at 1min"]


def test_coins_without_data_or_without_a_stream_are_left_out() -> None:
    plan = plan_streams(settings(TIMEFRAMES=["5min"]), {"BTCUSDT": M1, "ETHUSDT": None})
    assert list(plan.exits) == ["BTCUSDT"]
    assert plan.notes == ["ETHUSDT is left out: there is no data of it"]
    plan = plan_streams(settings(TIMEFRAMES=["5min"]), {"BTCUSDT": M1, "ETHUSDT": H1})
    assert list(plan.exits) == ["BTCUSDT"]
    assert plan.notes == ["ETHUSDT is not traded on 5min: its data begins at 1h"]


def test_a_run_without_a_stream_is_refused_with_the_reasons() -> None:
    with pytest.raises(ConfigError) as refused:
        plan_streams(settings(TIMEFRAMES=["5min"]), {"BTCUSDT": H1})
    assert refused.value.faults == (
        "no stream is left to trade on",
        "BTCUSDT is not traded on 5min: its data begins at 1h",
        "ETHUSDT is left out: there is no data of it",
    )
