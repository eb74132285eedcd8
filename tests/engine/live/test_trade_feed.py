from __future__ import annotations

from tests.builders import START_MS
from trader.core.candle import Candle
from trader.core.timeframe import SECOND_MS, Timeframe
from trader.engine.live.feed import KlineFeed
from trader.engine.live.trade_feed import TradeFeed
from trader.exchange.binance.messages import AggTrade, KlineMessage

STALE_MS = 15_000


def trade(id: int, at_ms: int, price: float = 100.0, quantity: float = 1.0) -> AggTrade:
    """Return a trade so long after `START_MS`."""
    time = START_MS + at_ms
    return AggTrade("btcusdt@aggTrade", time, "BTCUSDT", id, price, quantity, id, id, time, False)


def feed() -> TradeFeed:
    """Return a feed of seconds in its second candle, the first trade having been the 1st."""
    maker = TradeFeed("BTCUSDT", Timeframe.SEC_1, STALE_MS)
    assert maker.take(trade(1, 500)) == []
    assert maker.take(trade(2, 1_200, 101.0)) == []
    return maker


def closes(candles: list[Candle]) -> list[tuple[int, float, float]]:
    """Return second, close and volume of each."""
    return [((each.open_time - START_MS) // SECOND_MS, each.close, each.volume) for each in candles]


def test_the_next_trade_shows_that_a_candle_is_over() -> None:
    assert closes(feed().take(trade(3, 2_100))) == [(1, 101.0, 1.0)]


def test_the_clock_shows_it_a_second_later_and_calm_seconds_are_flat() -> None:
    maker = feed()
    assert maker.advance(START_MS + 2_900) == []
    assert closes(maker.advance(START_MS + 4_000)) == [(1, 101.0, 1.0), (2, 101.0, 0.0)]


def test_after_an_interruption_only_a_trade_that_follows_upon_the_last_counts_for_calm() -> None:
    maker = feed()
    maker.doubt()
    assert maker.advance(START_MS + 6_000) == []
    assert closes(maker.take(trade(3, 6_100)))[-1] == (5, 101.0, 0.0)
    assert maker.advance(START_MS + 8_000) != []


def test_trades_that_were_lost_leave_their_candles_out() -> None:
    maker = feed()
    maker.doubt()
    assert maker.take(trade(7, 4_100)) == []
    assert closes(maker.take(trade(8, 5_100))) == []
    assert closes(maker.take(trade(9, 6_100))) == [(5, 100.0, 1.0)]


def test_a_double_does_not_end_a_doubt() -> None:
    maker = feed()
    maker.doubt()
    maker.take(trade(2, 1_200, 101.0))
    assert maker.advance(START_MS + 6_000) == []


def test_a_long_silence_is_no_calm() -> None:
    maker = feed()
    assert not maker.is_silent(START_MS + 16_200)
    assert maker.is_silent(START_MS + 16_300)
    assert maker.advance(START_MS + 16_300) == []


def test_before_the_first_trade_silence_counts_from_the_first_look() -> None:
    maker = TradeFeed("BTCUSDT", Timeframe.SEC_1, STALE_MS)
    assert not maker.is_silent(START_MS)
    assert maker.is_silent(START_MS + STALE_MS + 1)


def test_a_candle_that_closed_before_its_time_is_left_out() -> None:
    maker = KlineFeed("spot", "BTCUSDT", Timeframe.MIN_1)
    candle = Candle("BTCUSDT", Timeframe.MIN_1, START_MS, 1.0, 1.0, 1.0, 1.0, 1.0)
    early, right = START_MS + 50_000, START_MS + 60_000
    assert maker.take(KlineMessage("btcusdt@kline_1m", early, "BTCUSDT", 1.0, candle)) == []
    assert maker.take(KlineMessage("btcusdt@kline_1m", right, "BTCUSDT", 1.0, candle)) == [candle]
    assert maker.take(KlineMessage("btcusdt@kline_1m", right, "BTCUSDT", 1.0, None)) == []
