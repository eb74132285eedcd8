"""The codec against recorded streams, the venue's examples, and noise."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START_MS
from tests.exchange.binance.frames import encode, kline, wrap
from tests.shared import shared_path
from trader.core.candle import Candle
from trader.core.errors import DataError
from trader.core.timeframe import Timeframe
from trader.exchange.binance.codec import decode
from trader.exchange.binance.messages import (
    AggTrade,
    Answer,
    BookTicker,
    KlineMessage,
    MarkPrice,
    MarkPrices,
    Other,
    Play,
    ServerShutdown,
)

CLOSED = Candle("BTCUSDT", Timeframe.MIN_1, START_MS, 100.1, 100.5, 100.0, 100.4, 12.5, 1253.75, 101.0, 6.25, 626.875)


@pytest.mark.parametrize("wrapped", [True, False], ids=["combined", "raw"])
def test_a_closed_kline_is_a_candle_with_all_columns(wrapped: bool) -> None:
    message = decode(kline(wrapped=wrapped))

    assert message == KlineMessage("btcusdt@kline_1m", START_MS + 60_000, "BTCUSDT", 100.4, CLOSED)


def test_an_open_kline_is_no_candle() -> None:
    assert decode(kline(closed=False)) == KlineMessage("btcusdt@kline_1m", START_MS + 60_000, "BTCUSDT", 100.4, None)


def test_the_order_of_keys_does_not_matter() -> None:
    frame = json.loads(kline())

    assert decode(encode({"data": frame["data"], "stream": frame["stream"]})) == decode(kline())


def test_symbols_of_other_scripts_are_read() -> None:
    message = decode(kline(symbol="币安人生USDT"))

    assert isinstance(message, KlineMessage)
    assert message.candle is not None
    assert message.candle.symbol == "币安人生USDT"


def test_an_interval_that_is_none_of_ours_is_other() -> None:
    assert decode(kline(interval="3m")) == Other("btcusdt@kline_3m", START_MS + 180_000, "kline")


@pytest.mark.parametrize(
    "fields",
    [
        {"h": "99"},
        {"l": "100.2"},
        {"o": "NaN"},
        {"h": "Infinity"},
        {"l": "0", "o": "0"},
        {"v": "-1"},
        {"q": "NaN"},
        {"V": "inf"},
        {"Q": "-2"},
        {"t": START_MS + 1},
        {"t": -60_000},
        {"c": None},
        {"c": "1.2.3"},
        {"x": "perhaps"},
    ],
)
def test_an_impossible_kline_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(DataError):
        decode(kline(**fields))


def test_a_time_in_microseconds_is_refused() -> None:
    with pytest.raises(DataError, match="malformed"):
        decode(kline(event_ms=START_MS * 1000))


def test_trades_book_and_mark_price_are_read() -> None:
    trade = {
        "e": "aggTrade",
        "E": 5,
        "s": "BTCUSDT",
        "a": 7,
        "p": "0.001",
        "q": "100",
        "f": 1,
        "l": 3,
        "T": 4,
        "m": True,
    }
    book = {"u": 400, "s": "BNBUSDT", "b": "25.35", "B": "31.21", "a": "25.36", "A": "40.66"}
    mark = {"e": "markPriceUpdate", "E": 6, "s": "BTCUSDT", "p": "11794.15", "i": "11784.6", "r": "0.0003", "T": 9}

    assert decode(wrap("btcusdt@aggTrade", trade)) == AggTrade(
        "btcusdt@aggTrade", 5, "BTCUSDT", 7, 0.001, 100.0, 1, 3, 4, True
    )
    assert decode(wrap("bnbusdt@bookTicker", book)) == BookTicker(
        "bnbusdt@bookTicker", 0, "BNBUSDT", 25.35, 31.21, 25.36, 40.66
    )
    assert decode(encode(mark)) == MarkPrice("btcusdt@markPrice", 6, "BTCUSDT", 11794.15, 11784.6, 0.0003, 9)


def test_a_contract_without_funding_has_no_rate() -> None:
    mark = decode(encode({"e": "markPriceUpdate", "E": 6, "s": "BTCUSDT_260327", "p": "1", "i": "1", "r": "", "T": 0}))

    assert isinstance(mark, MarkPrice)
    assert math.isnan(mark.funding_rate)


def test_rows_of_other_contracts_are_left_out() -> None:
    rows = [
        {"e": "markPriceUpdate", "E": 6, "s": "BTCUSDT", "p": "1", "r": "0.1", "T": 9, "st": 1},
        {"e": "markPriceUpdate", "E": 8, "s": "BTCUSD_PERP", "p": "2", "r": "0.1", "T": 9, "st": 2},
    ]

    marks = decode(wrap("!markPrice@arr", rows))

    assert isinstance(marks, MarkPrices)
    assert [row.symbol for row in marks.rows] == ["BTCUSDT"]
    assert decode(wrap("!bookTicker", {"e": "bookTicker", "u": 1, "E": 3, "st": 2})) == Other(
        "!bookTicker", 3, "bookTicker"
    )


def test_the_venue_s_own_words_are_read() -> None:
    shutdown = {"e": "serverShutdown", "E": 7}
    ended = {"e": "play", "E": 9, "state": "ended"}

    assert decode(encode(shutdown)) == ServerShutdown("!serverShutdown", 7)
    assert decode(wrap("!serverShutdown", shutdown)) == ServerShutdown("!serverShutdown", 7)
    assert decode(encode(ended)) == decode(wrap("!play", ended)) == Play("!play", 9, "ended")


def test_answers_and_refusals_are_read() -> None:
    assert decode(b'{"result":null,"id":1}') == Answer(1)
    assert decode(b'{"result":["btcusdt@kline_1m"],"id":2}') == Answer(2, streams=("btcusdt@kline_1m",))
    assert decode(b'{"error":{"code":2,"msg":"Invalid request"},"id":3}') == Answer(3, 2, "Invalid request")
    assert decode(b'{"code":3,"msg":"Invalid JSON"}') == Answer(None, 3, "Invalid JSON")
    assert decode(b'{"error":"unknown","id":"x"}') == Answer("x", 0, "unknown")


@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_but_data_errors(noise: bytes) -> None:
    decodes_or_refuses(noise)


@given(st.integers(0, 400), st.integers(1, 40), st.binary(max_size=40))
def test_damaged_frames_raise_nothing_but_data_errors(at: int, length: int, noise: bytes) -> None:
    frame = kline()
    decodes_or_refuses(frame[:at] + noise + frame[at + length :])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["e", "E", "s", "k", "t", "st", "u", "id", "code"]), inner)
    ),
    max_leaves=12,
)


@given(json_values, st.sampled_from(["btcusdt@kline_1m", "btcusdt@aggTrade", "!markPrice@arr", "x@bookTicker", ""]))
def test_any_json_raises_nothing_but_data_errors(value: object, stream: str) -> None:
    decodes_or_refuses(encode(value))
    decodes_or_refuses(wrap(stream, value))
    decodes_or_refuses(wrap(stream, {"e": stream.partition("@")[2] or "play", "k": value, "E": value}))


@pytest.mark.parametrize("nesting", [b"[", b'{"data":', b'{"stream":"a@kline_1m","data":{"k":['])
def test_deep_nesting_is_refused(nesting: bytes) -> None:
    with pytest.raises(DataError):
        decode(nesting * 50_000)


@pytest.mark.parametrize(
    ("name", "klines", "closed", "trades"), [("spot-2021-10-12", 2, 0, 2), ("usdm-2021-07-22", 67, 4, 91)]
)
def test_every_recorded_line_is_read(name: str, klines: int, closed: int, trades: int) -> None:
    lines = shared_path("data", "recorded", "websocket", f"{name}.txt").read_text().splitlines()
    messages = [decode(line.partition(": ")[2].encode()) for line in lines if ': {"' in line]

    kinds = Counter(type(message) for message in messages)
    assert kinds[KlineMessage] == klines
    assert kinds[AggTrade] == trades
    assert {message.event for message in messages if isinstance(message, Other)} == {"depthUpdate"}
    assert sum(message.candle is not None for message in messages if isinstance(message, KlineMessage)) == closed


def test_every_example_of_a_market_stream_is_read() -> None:
    folders = [("rs", "futures", "market_data_json"), ("py", "ws_messages")]
    files: list[Path] = []
    for folder in folders:
        files += sorted(shared_path("data", "recorded", "messages", *folder).glob("*.json"))

    kinds = Counter(type(decode(file.read_bytes())).__name__ for file in files)

    assert kinds["KlineMessage"] == 2
    assert kinds["MarkPrice"] == 1
    assert kinds["AggTrade"] == 2
    assert kinds["BookTicker"] == 3


def decodes_or_refuses(frame: bytes) -> None:
    try:
        decode(frame)
    except DataError:
        return
