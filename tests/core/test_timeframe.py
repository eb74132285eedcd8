from __future__ import annotations

import msgspec
import pytest

from tests.builders import candle
from trader.core.candle import Candle
from trader.core.errors import ConfigError
from trader.core.timeframe import Timeframe


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_our_name_and_the_exchanges_name_mean_the_same(timeframe: Timeframe) -> None:
    assert Timeframe.parse(timeframe.value) is timeframe
    if timeframe.wire:
        assert Timeframe.parse(timeframe.wire) is timeframe


def test_an_unknown_name_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ConfigError, match=r"'2m' is unknown; allowed: 1s, 15s, .*1d"):
        Timeframe.parse("2m")
    with pytest.raises(ConfigError):
        Timeframe.parse("")


def test_a_candle_survives_encoding() -> None:
    one = candle(101, quote_volume=1.0, count=2.0, taker_buy_volume=0.5, taker_buy_quote_volume=0.5)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Candle) == one


def test_a_candle_closes_where_the_next_opens() -> None:
    assert candle(at=0).close_time == candle(at=1).open_time
