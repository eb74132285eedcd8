"""What goes wrong on purpose, seen from the client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.builders import START_MS
from tests.exchange.embedded.conftest import PLAY_MS, Opener
from tests.exchange.embedded.test_play import until_the_end
from tests.exchange.embedded.wires import ask, closed_klines, control, ended, get, receive, silent
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.faults import parse_fault
from trader.exchange.embedded.options import MAX_SPEED, Limits

Connect = Callable[[EmbeddedExchange], aiohttp.ClientSession]
ALL_TIMES = list(range(PLAY_MS, START_MS + 3_000 * MINUTE_MS, MINUTE_MS))
STREAMS = "/stream?streams=btcusdt@kline_1m/!play"


async def times_with(opened: Opener, session: Connect, *faults: str, seed: int = 1) -> tuple[list[int], dict[str, int]]:
    """Return the open times that come of a play to its end with faults, and the counts of these."""
    rates = tuple(parse_fault(fault) for fault in faults)
    exchange = await opened(speed=MAX_SPEED, faults=rates, fault_seed=seed)
    async with session(exchange).ws_connect(STREAMS) as socket:
        exchange.play.start()
        *events, _ = await until_the_end(socket)
    return [event["k"]["t"] for event in events], exchange.state()["faults"]["counts"]


async def test_duplicates_come_twice(opened: Opener, session: Connect) -> None:
    times, counts = await times_with(opened, session, "duplicate=0.05")
    assert sorted(set(times)) == ALL_TIMES
    assert len(times) - len(ALL_TIMES) == counts["duplicate"] > 0


async def test_reordered_messages_all_come(opened: Opener, session: Connect) -> None:
    times, counts = await times_with(opened, session, "reorder=0.05")
    assert times != ALL_TIMES
    assert sorted(times) == ALL_TIMES
    assert counts["reorder"] > 0


async def test_delayed_messages_come_later_but_before_the_end(opened: Opener, session: Connect) -> None:
    times, counts = await times_with(opened, session, "delay=0.01:0.02")
    assert times != ALL_TIMES
    assert sorted(times) == ALL_TIMES
    assert counts["delay"] > 0


async def test_gaps_are_missing_on_the_stream_and_there_in_rest(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED, faults=(parse_fault("gap=0.01"),))
    http = session(exchange)
    async with http.ws_connect(STREAMS) as socket:
        exchange.play.start()
        *events, _ = await until_the_end(socket)
    missing = sorted(set(ALL_TIMES) - {event["k"]["t"] for event in events})
    assert len(missing) == exchange.state()["faults"]["counts"]["gap"] > 0
    _, rows, _ = await get(http, "/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=missing[0], limit=1)
    assert rows[0][0] == missing[0]


async def test_equal_seeds_make_equal_faults(opened: Opener, session: Connect) -> None:
    runs = [await times_with(opened, session, "gap=0.01", "duplicate=0.01", seed=seed) for seed in (4, 4, 5)]
    assert runs[0] == runs[1] != runs[2]


async def test_a_dropped_socket_ends_without_a_word(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED, faults=(parse_fault("drop=0.01"),))
    http = session(exchange)
    seen: set[int] = set()
    connections = 0
    exchange.play.start()
    while not exchange.play.ended:
        connections += 1
        async with http.ws_connect("/ws/btcusdt@kline_1m") as socket:
            async for message in socket:
                seen.add(msgspec.json.decode(message.data)["k"]["t"])
                if exchange.play.ended:
                    break
    assert connections - 1 <= exchange.state()["faults"]["counts"]["drop"] <= connections
    assert connections > 3
    assert len(seen) < len(ALL_TIMES)


async def test_all_sockets_can_be_dropped_now(opened: Opener, session: Connect) -> None:
    exchange = await opened()
    http = session(exchange)
    async with http.ws_connect("/ws") as spot, http.ws_connect("/market/ws") as futures:
        assert await control(http, "fault", kind="drop") == {"struck": 2}
        for socket in (spot, futures):
            assert (await ended(socket)).data != 1000
    assert exchange.state()["faults"]["counts"] == {"drop": 2}


async def test_a_stall_is_silence_and_then_everything(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED)
    http = session(exchange)
    async with http.ws_connect("/ws/btcusdt@kline_1m") as socket:
        assert await control(http, "fault", kind="stall", amount=0.4) == {"struck": 1}
        began = time.monotonic()
        exchange.play.start()
        klines = await closed_klines(socket, len(ALL_TIMES))
    assert time.monotonic() - began >= 0.4
    assert [kline["t"] for kline in klines] == ALL_TIMES


async def test_a_silent_stream_dies_while_its_socket_lives(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=6_000.0)
    http = session(exchange)
    async with http.ws_connect("/ws/btcusdt@kline_1m/ethusdt@kline_1m") as socket:
        await control(http, "fault", kind="silent", stream="btcusdt@kline_1m")
        exchange.play.start()
        assert {kline["s"] for kline in await closed_klines(socket, 20)} == {"ETHUSDT"}
        await ask(socket, method="SUBSCRIBE", params=["btcusdt@kline_1m"], id=1)
        assert {kline["s"] for kline in await closed_klines(socket, 4)} == {"BTCUSDT", "ETHUSDT"}


async def test_at_full_speed_a_play_that_nobody_hears_waits(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED)
    http = session(exchange)
    async with http.ws_connect("/ws/btcusdt@kline_1m") as socket:
        await control(http, "fault", kind="silent")
        exchange.play.start()
        assert await silent(socket)
        assert not exchange.play.ended
        await ask(socket, method="SUBSCRIBE", params=["btcusdt@kline_1m"], id=1)
        assert len(await closed_klines(socket, 100)) == 100


async def test_a_corrupt_frame_is_no_json(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED)
    http = session(exchange)
    async with http.ws_connect("/ws/btcusdt@kline_1m") as socket:
        await control(http, "fault", kind="corrupt", count=2)
        exchange.play.start()
        for _ in range(2):
            with pytest.raises(msgspec.DecodeError):
                await receive(socket)
        assert (await receive(socket))["k"]["t"] == PLAY_MS + 2 * MINUTE_MS


async def test_requests_are_refused_for_a_while(opened: Opener, session: Connect) -> None:
    exchange = await opened(limits=Limits(ban_after=100))
    http = session(exchange)
    for kind, status in (("429", 429), ("418", 418)):
        assert await control(http, "fault", kind=kind, amount=0.3) == {"armed": kind}
        for _ in range(2):
            got, body, headers = await get(http, "/api/v3/ping")
            assert (got, body["code"], headers["RETRY-AFTER"]) == (status, -1003, "1")
        assert (await get(http, "/fapi/v1/ping"))[0] == 200
        await asyncio.sleep(0.35)
        assert (await get(http, "/api/v3/ping"))[0] == 200
    assert exchange.state()["faults"]["counts"] == {"429": 1, "418": 1}


async def test_server_errors_are_json_or_the_page_of_a_proxy(opened: Opener, session: Connect) -> None:
    http = session(await opened())
    await control(http, "fault", kind="5xx")
    assert (await get(http, "/api/v3/ping"))[:2] == (
        503,
        {"code": -1000, "msg": "Unknown error, please check your request or try again later."},
    )
    await control(http, "fault", kind="5xx", amount=502)
    status, body, _ = await get(http, "/api/v3/ping")
    assert (status, body[:6]) == (502, b"<html>")


async def test_a_request_that_times_out_has_no_answer(opened: Opener, session: Connect) -> None:
    http = session(await opened(faults=(parse_fault("timeout=1:0.1"),)))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await get(http, "/api/v3/ping")


async def test_the_servers_clock_can_be_wrong(opened: Opener, session: Connect) -> None:
    http = session(await opened(faults=(parse_fault("skew=-90000"),)))
    for path in ("/api/v3/time", "/fapi/v1/time"):
        _, body, _ = await get(http, path)
        assert body["serverTime"] == pytest.approx(time.time() * 1000 - 90_000, abs=2_000)
    await control(http, "fault", kind="skew", amount=0)
    assert (await get(http, "/api/v3/time"))[1]["serverTime"] == pytest.approx(time.time() * 1000, abs=2_000)


async def test_rates_change_at_run_time(opened: Opener, session: Connect) -> None:
    exchange = await opened()
    http = session(exchange)
    assert await control(http, "fault", kind="5xx", probability=1.0, amount=500) == {"set": "5xx"}
    assert (await get(http, "/api/v3/ping"))[0] == 500
    assert exchange.state()["faults"]["rates"] == [{"kind": "5xx", "probability": 1.0, "amount": 500.0}]
    await control(http, "fault", kind="5xx", probability=0)
    assert (await get(http, "/api/v3/ping"))[0] == 200


@pytest.mark.parametrize(
    "wish", [{}, {"kind": "rain"}, {"kind": "drop", "probability": 2}, {"kind": "stall", "amount": "x"}]
)
async def test_impossible_wishes_are_refused_in_words(opened: Opener, session: Connect, wish: dict[str, Any]) -> None:
    answer = await control(session(await opened()), "fault", **wish)
    assert "allowed" in answer["error"]


async def test_all_faults_together_end_in_the_end_of_the_play(opened: Opener, session: Connect) -> None:
    rates = (
        "drop=0.002",
        "stall=0.0005:0.05",
        "duplicate=0.01",
        "reorder=0.01",
        "delay=0.005:0.01",
        "corrupt=0.005",
        "gap=0.005",
    )
    exchange = await opened(speed=MAX_SPEED, faults=tuple(parse_fault(rate) for rate in rates), fault_seed=3)
    http = session(exchange)
    exchange.play.start()
    told = False
    async with asyncio.timeout(20):
        while not told:
            async with http.ws_connect("/ws/btcusdt@kline_1m/!play") as socket:
                async for message in socket:
                    told = told or '"e":"play"' in message.data
                    if told:
                        break
    assert exchange.play.ended
