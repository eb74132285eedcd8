"""The generated market behind the exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import aiohttp
import numpy as np
import pytest

from tests.exchange.embedded.test_play import assert_equal, until_the_end
from tests.exchange.embedded.wires import closed_klines, get, receive
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import MAX_SPEED, ExchangeOptions
from trader.exchange.embedded.source_generated import DEFAULT_START_MS, HISTORY_MS
from trader.market.synthetic import SyntheticMarket

Connect = Callable[[EmbeddedExchange], aiohttp.ClientSession]
START = DEFAULT_START_MS


@pytest.fixture
async def exchange() -> AsyncIterator[EmbeddedExchange]:
    options = ExchangeOptions(symbols=("BTCUSDT", "SOLUSDT"), end=START + 6 * HOUR_MS, speed=MAX_SPEED, hold=True)
    exchange = EmbeddedExchange(options)
    await exchange.start()
    yield exchange
    await exchange.stop()


async def test_it_says_that_it_is_generated(exchange: EmbeddedExchange, session: Connect) -> None:
    http = session(exchange)
    _, state, _ = await get(http, "/control/state")
    assert state["generated"]
    assert "invented" in state["source"]
    assert state["finest"]["futures"] == {"BTCUSDT": "1s", "SOLUSDT": "1s"}
    async with http.get("/") as answer:
        assert "generated" in await answer.text()


async def test_streams_are_the_candles_of_the_seed(exchange: EmbeddedExchange, session: Connect) -> None:
    async with session(exchange).ws_connect("/stream?streams=btcusdt@kline_1m/btcusdt@kline_15m/!play") as socket:
        exchange.play.start()
        *events, _ = await until_the_end(socket)
    market = SyntheticMarket(7, ("BTCUSDT", "SOLUSDT"), START, "spot")
    for timeframe in (Timeframe.MIN_1, Timeframe.MIN_15):
        mine = [event["k"] for event in events if event["k"]["i"] == timeframe.wire]
        assert_equal(mine, market.candles("BTCUSDT", timeframe, START, START + 6 * HOUR_MS))


async def test_spot_has_seconds_and_they_end_with_the_open_one(exchange: EmbeddedExchange, session: Connect) -> None:
    http = session(exchange)
    _, rows, _ = await get(http, "/api/v3/klines", symbol="SOLUSDT", interval="1s", limit=100)
    assert [row[0] for row in rows] == list(range(START - 99_000, START + 1_000, 1_000))
    async with http.ws_connect("/ws/solusdt@kline_1s") as socket:
        exchange.play.start()
        assert [kline["t"] for kline in await closed_klines(socket, 30)] == list(range(START, START + 30_000, 1_000))


async def test_trades_have_ids_without_holes(exchange: EmbeddedExchange, session: Connect) -> None:
    http = session(exchange)
    _, before, _ = await get(http, "/fapi/v1/aggTrades", symbol="BTCUSDT", limit=1_000)
    assert np.all(np.diff([row["a"] for row in before]) == 1)
    _, again, _ = await get(http, "/fapi/v1/aggTrades", symbol="BTCUSDT", fromId=before[300]["a"], limit=50)
    assert again == before[300:350]
    async with http.ws_connect("/market/stream?streams=btcusdt@aggTrade/btcusdt@kline_1m") as socket:
        exchange.play.start()
        events = [(await receive(socket))["data"] for _ in range(2_000)]
    ids = [event["a"] for event in events if event["e"] == "aggTrade"]
    assert ids == list(range(before[-1]["a"] + 1, before[-1]["a"] + 1 + len(ids)))
    kline = next(event["k"] for event in events if event["e"] == "kline")
    assert (kline["f"], kline["L"] - kline["f"] + 1) == (ids[0], kline["n"])


async def test_history_has_a_beginning(exchange: EmbeddedExchange, session: Connect) -> None:
    http = session(exchange)
    _, rows, _ = await get(http, "/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=0, limit=2)
    assert rows[0][0] == START - HISTORY_MS
    _, trades, _ = await get(http, "/api/v3/aggTrades", symbol="BTCUSDT", fromId=1, limit=1)
    assert trades[0]["T"] - (START - HISTORY_MS) < MINUTE_MS


async def test_days_and_prices_come_from_the_same_market(exchange: EmbeddedExchange, session: Connect) -> None:
    http = session(exchange)
    _, day, _ = await get(http, "/api/v3/ticker/24hr", symbol="BTCUSDT")
    market = SyntheticMarket(7, ("BTCUSDT", "SOLUSDT"), START, "spot")
    passed = market.candles("BTCUSDT", Timeframe.MIN_1, START - DAY_MS, START)
    assert float(day["highPrice"]) == passed.high.max()
    assert float(day["lastPrice"]) == passed.close[-1]
    assert day["lastId"] - day["firstId"] + 1 == day["count"] == passed.count.sum()
    _, info, _ = await get(http, "/api/v3/exchangeInfo", symbol="BTCUSDT")
    assert float(info["symbols"][0]["filters"][0]["tickSize"]) == 0.01


async def test_funding_has_fallen_due(exchange: EmbeddedExchange, session: Connect) -> None:
    _, rows, _ = await get(session(exchange), "/fapi/v1/fundingRate", symbol="BTCUSDT", limit=3)
    assert [row["fundingTime"] for row in rows] == [START - 16 * HOUR_MS, START - 8 * HOUR_MS, START]
