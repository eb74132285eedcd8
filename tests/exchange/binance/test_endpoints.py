"""Addresses, names and routes."""

from __future__ import annotations

import pytest

from trader.core.errors import ConfigError
from trader.core.timeframe import Timeframe
from trader.exchange.binance.endpoints import (
    PLAY_STREAM,
    agg_trade_stream,
    book_ticker_stream,
    endpoints,
    kline_stream,
    mark_price_stream,
    route_of,
)


@pytest.mark.parametrize(
    ("mode", "market", "rest", "stream"),
    [
        ("paper", "spot", "https://api.binance.com", "wss://stream.binance.com:9443"),
        ("paper", "futures", "https://fapi.binance.com", "wss://fstream.binance.com"),
        ("demo", "spot", "https://demo-api.binance.com", "wss://demo-stream.binance.com"),
        ("demo", "futures", "https://demo-fapi.binance.com", "wss://demo-fstream.binance.com"),
        ("testnet", "spot", "https://testnet.binance.vision", "wss://stream.testnet.binance.vision"),
    ],
)
def test_each_mode_has_its_hosts(mode: str, market: str, rest: str, stream: str) -> None:
    found = endpoints(mode, market)  # type: ignore[arg-type]

    assert (found.rest, found.stream) == (rest, stream)


def test_paper_and_live_read_the_same_market() -> None:
    assert endpoints("paper", "spot") == endpoints("live", "spot")


def test_own_addresses_override_the_mode_s() -> None:
    found = endpoints("paper", "spot", "https://api1.binance.com/", "wss://data-stream.binance.vision")

    assert (found.rest, found.stream) == ("https://api1.binance.com", "wss://data-stream.binance.vision")


def test_the_embedded_exchange_streams_from_where_it_answers() -> None:
    assert endpoints("embedded", "futures", "http://127.0.0.1:8090").stream == "ws://127.0.0.1:8090"


def test_the_embedded_exchange_has_no_address_of_its_own() -> None:
    with pytest.raises(ConfigError, match="REST_URL"):
        endpoints("embedded", "spot")


@pytest.mark.parametrize("url", ["api.binance.com", "ftp://a", "http://", "http://[::1", "http://a:b", "http://a?x=1"])
def test_what_is_no_address_is_refused_with_its_name(url: str) -> None:
    with pytest.raises(ConfigError, match="REST_URL"):
        endpoints("paper", "spot", url)


def test_spot_streams_share_one_address() -> None:
    url = endpoints("paper", "spot").stream_url(["btcusdt@kline_1m", "btcusdt@bookTicker"])

    assert url == "wss://stream.binance.com:9443/stream?streams=btcusdt@kline_1m/btcusdt@bookTicker"


def test_futures_streams_are_routed() -> None:
    venue = endpoints("paper", "futures")

    assert venue.stream_url(["btcusdt@kline_1m"]) == "wss://fstream.binance.com/market/stream?streams=btcusdt@kline_1m"
    assert venue.stream_url(["!bookTicker"]) == "wss://fstream.binance.com/public/stream?streams=!bookTicker"
    with pytest.raises(ConfigError, match="several routes"):
        venue.stream_url(["btcusdt@kline_1m", "btcusdt@bookTicker"])


def test_each_kind_of_futures_stream_has_its_route() -> None:
    market = [kline_stream("futures", "BTCUSDT", Timeframe.MIN_1), agg_trade_stream("BTCUSDT"), PLAY_STREAM]
    market += [mark_price_stream("BTCUSDT"), "!markPrice@arr", "btcusdt@forceOrder", "!contractInfo"]
    public = [book_ticker_stream("BTCUSDT"), "!bookTicker", "btcusdt@depth@100ms", "btcusdt@depth5", "btcusdt@rpiDepth"]

    assert {route_of("futures", stream) for stream in market} == {"/market"}
    assert {route_of("futures", stream) for stream in public} == {"/public"}


def test_symbols_of_other_scripts_are_percent_encoded() -> None:
    stream = kline_stream("spot", "币安人生USDT", Timeframe.MIN_1)

    assert (
        endpoints("paper", "spot").stream_url([stream]).endswith("=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@kline_1m")
    )


@pytest.mark.parametrize(
    ("market", "timeframe"), [("spot", Timeframe.SEC_15), ("futures", Timeframe.SEC_1), ("futures", Timeframe.SEC_30)]
)
def test_candles_that_the_venue_lacks_are_refused(market: str, timeframe: Timeframe) -> None:
    with pytest.raises(ConfigError, match="build them from"):
        kline_stream(market, "BTCUSDT", timeframe)  # type: ignore[arg-type]
