"""The play over real sockets: order, speed, end, resumption, back-pressure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.builders import START_MS
from tests.exchange.embedded.conftest import PLAY_MS, Opener
from tests.exchange.embedded.sources import TableSource, coin, rounded, two_markets
from tests.exchange.embedded.wires import ask, closed_klines, control, ended, get, receive, silent
from trader.core.candle import VALUE_COLUMNS
from trader.core.errors import ConfigError
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import MAX_SPEED, ExchangeOptions, Limits
from trader.market.resample import resample
from trader.market.store import Store
from trader.market.table import CandleTable

Connect = Callable[[EmbeddedExchange], aiohttp.ClientSession]
COLUMNS = dict(zip(VALUE_COLUMNS, "ohlcvqnVQ", strict=True))


def assert_equal(klines: list[dict[str, Any]], table: CandleTable) -> None:
    """Compare what came over the wire with a table, float for float."""
    assert [kline["t"] for kline in klines] == table.open_time.tolist()
    for name, key in COLUMNS.items():
        assert [float(kline[key]) for kline in klines] == getattr(table, name).tolist(), name


async def until_the_end(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Return all events up to the end of the play, which is the last of them."""
    events = [await receive(socket)]
    while events[-1]["data"].get("e") != "play":
        events.append(await receive(socket))
    return [event["data"] for event in events]


async def test_at_full_speed_every_candle_comes_once_and_exactly(opened: Opener, session: Connect) -> None:
    source = two_markets(3_000)
    exchange = await opened(source, speed=MAX_SPEED)
    names = "!play/btcusdt@kline_1m/ethusdt@kline_1m/btcusdt@kline_5m"
    async with session(exchange).ws_connect(f"/stream?streams={names}") as socket:
        exchange.play.start()
        *events, last = await until_the_end(socket)
    end = START_MS + 3_000 * MINUTE_MS
    assert last == {"e": "play", "E": end, "state": "ended"}
    for symbol, timeframe in (("BTCUSDT", "1min"), ("ETHUSDT", "1min"), ("BTCUSDT", "5min")):
        length = Timeframe.parse(timeframe)
        mine = [event["k"] for event in events if (event["s"], event["k"]["i"]) == (symbol, length.wire)]
        whole = source.candles("spot", symbol, Timeframe.MIN_1, PLAY_MS, end)
        assert_equal(mine, resample(whole, length))


async def test_what_closes_together_comes_together_short_candles_first(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED)
    names = "ethusdt@kline_5m/ethusdt@kline_1m/btcusdt@kline_5m/btcusdt@kline_1m/!play"
    async with session(exchange).ws_connect(f"/stream?streams={names}") as socket:
        exchange.play.start()
        *events, _ = await until_the_end(socket)
    keys = [(event["E"], len(event["k"]["i"]), event["k"]["i"], event["s"]) for event in events]
    assert keys == sorted(keys)
    assert all(event["k"]["x"] for event in events)


async def test_rest_knows_a_candle_when_the_stream_tells_it(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=3_000.0)
    http = session(exchange)
    async with http.ws_connect("/ws/btcusdt@kline_1m") as socket:
        exchange.play.start()
        for _ in range(5):
            (kline,) = await closed_klines(socket, 1)
            _, rows, _ = await get(http, "/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=kline["t"])
            assert rows[0][4] == kline["c"]
            assert len(rows) >= 2


async def test_a_held_play_waits_for_its_start(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED)
    http = session(exchange)
    async with http.ws_connect("/ws/btcusdt@kline_1m") as socket:
        assert await silent(socket)
        _, state, _ = await get(http, "/control/state")
        assert (state["started"], state["now"]) == (False, PLAY_MS)
        await control(http, "start")
        assert (await closed_klines(socket, 1))[0]["t"] == PLAY_MS


async def test_at_full_speed_nothing_passes_while_nobody_listens(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED, hold=False)
    http = session(exchange)
    async with http.ws_connect("/ws") as socket:
        await ask(socket, method="SUBSCRIBE", params=["!play"], id=1)
        assert await silent(socket)
        await ask(socket, method="SUBSCRIBE", params=["btcusdt@kline_1m"], id=2)
        assert (await closed_klines(socket, 1))[0]["t"] == PLAY_MS


async def test_who_comes_after_the_end_is_told_at_once(opened: Opener, session: Connect) -> None:
    end = PLAY_MS + 10 * MINUTE_MS
    exchange = await opened(speed=MAX_SPEED, end=end)
    http = session(exchange)
    async with http.ws_connect("/stream?streams=btcusdt@kline_1m/!play") as socket:
        exchange.play.start()
        assert len(await until_the_end(socket)) == 11
    for path in ("/ws/!play", "/market/ws/!play"):
        async with http.ws_connect(path) as late:
            assert await receive(late) == {"e": "play", "E": end, "state": "ended"}
    _, state, _ = await get(http, "/control/state")
    assert (state["ended"], state["now"]) == (True, end)
    _, rows, _ = await get(http, "/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=end - MINUTE_MS)
    assert [row[0] for row in rows] == [end - MINUTE_MS, end]


async def test_a_play_is_taken_up_where_it_was(opened: Opener, session: Connect) -> None:
    at = PLAY_MS + 77 * MINUTE_MS
    exchange = await opened(speed=MAX_SPEED, at=at)
    http = session(exchange)
    _, rows, _ = await get(http, "/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=2)
    assert [row[0] for row in rows] == [at - MINUTE_MS, at]
    _, state, _ = await get(http, "/control/state")
    assert (state["start"], state["now"]) == (PLAY_MS, at)
    async with http.ws_connect("/ws/btcusdt@kline_1m") as socket:
        exchange.play.start()
        assert (await closed_klines(socket, 1))[0]["t"] == at


async def test_the_speed_changes_on_the_way(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=1.0, hold=False)
    http = session(exchange)
    async with http.ws_connect("/ws/btcusdt@kline_1m") as socket:
        state = await control(http, "speed", speed=1_200)
        assert state["speed"] == 1_200
        await closed_klines(socket, 2)
        assert (await control(http, "speed", speed="max"))["speed"] == "max"
        await closed_klines(socket, 1_000)
        assert "error" in await control(http, "speed", speed="warp")


async def test_a_slow_consumer_loses_nothing_at_full_speed(opened: Opener, session: Connect) -> None:
    source = TableSource({"spot": [coin("BTCUSDT", 31_000)]})
    exchange = await opened(source, speed=MAX_SPEED)
    http = session(exchange)
    async with http.ws_connect("/ws/btcusdt@kline_1m") as socket:
        exchange.play.start()
        await closed_klines(socket, 1)
        await asyncio.sleep(0.5)
        _, state, _ = await get(http, "/control/state")
        assert not state["ended"]
        klines = await closed_klines(socket, 29_999)
    assert [kline["t"] for kline in klines] == list(
        range(PLAY_MS + MINUTE_MS, START_MS + 31_000 * MINUTE_MS, MINUTE_MS)
    )


async def test_at_a_finite_speed_a_slow_consumer_is_cut_off(opened: Opener, session: Connect) -> None:
    source = TableSource({"spot": [coin("BTCUSDT", 200_000)]})
    exchange = await opened(source, speed=60_000_000.0, limits=Limits(queued_messages=500))
    async with session(exchange).ws_connect("/ws/btcusdt@kline_1m", max_msg_size=0) as socket:
        exchange.play.start()
        await asyncio.sleep(1.0)
        assert (await ended(socket)).type is not aiohttp.WSMsgType.TEXT


async def test_open_candles_come_a_few_times_a_second_and_grow(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=20.0)
    updates = []
    async with session(exchange).ws_connect("/ws/btcusdt@kline_1m") as socket:
        exchange.play.start()
        began = time.monotonic()
        while time.monotonic() - began < 1.5:
            updates.append((await receive(socket))["k"])
    assert 3 <= len(updates) <= 8
    assert not any(update["x"] for update in updates)
    volumes = [float(update["v"]) for update in updates]
    assert volumes == sorted(volumes)
    assert volumes[0] < volumes[-1]


async def test_trades_of_a_candle_come_before_its_close(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED)
    names = "btcusdt@kline_1m/btcusdt@aggTrade"
    async with session(exchange).ws_connect(f"/market/stream?streams={names}") as socket:
        exchange.play.start()
        events = [(await receive(socket))["data"] for _ in range(17 * 20)]
    trades = [event for event in events if event["e"] == "aggTrade"]
    assert [trade["a"] for trade in trades] == list(range(trades[0]["a"], trades[0]["a"] + len(trades)))
    for place, event in enumerate(events):
        if event["e"] == "kline":
            mine = events[place - 16 : place]
            assert {trade["T"] // MINUTE_MS for trade in mine} == {event["k"]["t"] // MINUTE_MS}
            assert float(mine[-1]["p"]) == float(event["k"]["c"])
            assert (mine[0]["a"], mine[-1]["a"]) == (event["k"]["f"], event["k"]["L"])


async def test_gaps_of_the_data_are_gaps_of_the_stream(opened: Opener, session: Connect) -> None:
    whole = coin("BTCUSDT", 1_300)
    holed = CandleTable.build(
        whole.symbol,
        whole.timeframe,
        *(getattr(whole, name)[[*range(1_100), *range(1_180, 1_300)]] for name in ("open_time",)),
        **{name: getattr(whole, name)[[*range(1_100), *range(1_180, 1_300)]] for name in VALUE_COLUMNS},
    )
    exchange = await opened(TableSource({"spot": [holed]}), speed=MAX_SPEED)
    async with session(exchange).ws_connect("/stream?streams=btcusdt@kline_1m/!play") as socket:
        exchange.play.start()
        *events, _ = await until_the_end(socket)
    assert_equal([event["k"] for event in events], holed.between(PLAY_MS, PLAY_MS * 2))


async def test_a_store_is_played(opened: Opener, session: Connect, tmp_path: Path) -> None:
    whole = rounded(coin("BTCUSDT", 3_000))
    store = Store(tmp_path)
    store.merge("spot", whole)
    store.merge("futures", coin("ETHUSDT", 2_000))
    store.merge_funding("futures", "ETHUSDT", [(START_MS, 0.0001)])
    exchange = EmbeddedExchange(ExchangeOptions(data=tmp_path, start=PLAY_MS, speed=MAX_SPEED, hold=True))
    await exchange.start()
    http = session(exchange)
    _, state, _ = await get(http, "/control/state")
    assert state["symbols"] == {"spot": ["BTCUSDT"], "futures": ["ETHUSDT"]}
    assert state["finest"]["spot"] == {"BTCUSDT": "1min"}
    assert state["data"] == str(tmp_path)
    assert (await get(http, "/fapi/v1/fundingRate"))[1][0]["fundingRate"] == "0.00010000"
    async with http.ws_connect("/stream?streams=btcusdt@kline_1m/!play") as socket:
        exchange.play.start()
        *events, _ = await until_the_end(socket)
    assert_equal([event["k"] for event in events], whole.between(PLAY_MS, PLAY_MS * 2))
    await exchange.stop()


def test_a_store_without_what_is_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no candles"):
        EmbeddedExchange(ExchangeOptions(data=tmp_path))
    Store(tmp_path).merge("spot", coin("BTCUSDT", 10))
    with pytest.raises(ConfigError, match="NOSUCH"):
        EmbeddedExchange(ExchangeOptions(data=tmp_path, symbols=("BTCUSDT", "NOSUCH")))


async def test_a_port_in_use_is_refused_in_words(opened: Opener) -> None:
    exchange = await opened()
    with pytest.raises(ConfigError, match=str(exchange.port)):
        await opened(port=exchange.port)


async def test_no_candle_shows_before_the_one_before_it_has_closed(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=300.0)
    seen: list[tuple[int, bool]] = []
    async with session(exchange).ws_connect("/ws/btcusdt@kline_1m") as socket:
        exchange.play.start()
        while sum(closed for _, closed in seen) < 6:
            kline = (await receive(socket))["k"]
            seen.append((kline["t"], kline["x"]))
    for (before, closed), (after, _) in pairwise(seen):
        assert after == before + MINUTE_MS if closed else after == before


async def test_pages_have_no_hole_while_time_flies(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=20_000.0, hold=False)
    http = session(exchange)
    for _ in range(60):
        _, rows, _ = await get(http, "/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=5)
        assert [row[0] - rows[0][0] for row in rows] == [MINUTE_MS * place for place in range(5)]


async def test_a_play_taken_up_at_its_end_is_over(opened: Opener, session: Connect) -> None:
    end = PLAY_MS + 10 * MINUTE_MS
    exchange = await opened(speed=MAX_SPEED, end=end, at=end)
    async with session(exchange).ws_connect("/stream?streams=btcusdt@kline_1m/!play") as socket:
        exchange.play.start()
        assert [event["e"] for event in await until_the_end(socket)] == ["play"]
