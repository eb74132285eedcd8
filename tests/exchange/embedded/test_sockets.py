"""WebSocket connections as they are on the wire: requests, routes, limits, the heartbeat, shapes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from tests.exchange.embedded.conftest import PLAY_MS, Opener
from tests.exchange.embedded.test_rest import shape
from tests.exchange.embedded.wires import ask, closed_klines, ended, receive, silent
from tests.shared import shared_path
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import Limits, PerMarket

Connect = Callable[[EmbeddedExchange], aiohttp.ClientSession]
FAST = 6_000.0


async def test_subscriptions_come_and_go(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=FAST)
    async with session(exchange).ws_connect("/ws") as socket:
        assert await ask(socket, method="LIST_SUBSCRIPTIONS", id=1) == {"result": [], "id": 1}
        names = ["btcusdt@kline_1m", "ethusdt@kline_1m"]
        assert await ask(socket, method="SUBSCRIBE", params=names, id="a") == {"result": None, "id": "a"}
        assert (await ask(socket, method="LIST_SUBSCRIPTIONS", id=None))["result"] == names
        exchange.play.start()
        assert {kline["s"] for kline in await closed_klines(socket, 4)} == {"BTCUSDT", "ETHUSDT"}
        await ask(socket, method="UNSUBSCRIBE", params=[names[0], "never@trade"], id=-4)
        assert {kline["s"] for kline in await closed_klines(socket, 3)} == {"ETHUSDT"}


async def test_a_raw_path_may_name_streams(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=FAST)
    async with session(exchange).ws_connect("/ws/btcusdt@kline_1m/ethusdt@kline_1m") as socket:
        exchange.play.start()
        assert [kline["s"] for kline in await closed_klines(socket, 2)] == ["BTCUSDT", "ETHUSDT"]


async def test_combined_streams_are_wrapped_until_told_otherwise(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=FAST)
    async with session(exchange).ws_connect("/stream?streams=btcusdt@kline_1m") as socket:
        assert (await ask(socket, method="GET_PROPERTY", params=["combined"], id=1))["result"] is True
        exchange.play.start()
        message = await receive(socket)
        assert message["stream"] == "btcusdt@kline_1m"
        await ask(socket, method="SET_PROPERTY", params=["combined", False], id=2)
        assert (await receive(socket))["e"] == "kline"


ERRORS = [
    ("nonsense", 3, "Invalid JSON"),
    ("[]", 2, "object"),
    ('{"id":1}', 2, "missing field `method`"),
    ('{"method":"DANCE","id":1}', 2, "unknown variant `DANCE`"),
    ('{"method":"SUBSCRIBE","params":["no stream"],"id":1}', 2, "invalid stream"),
    ('{"method":"SUBSCRIBE","params":"a@b","id":1}', 2, "params"),
    ('{"method":"SUBSCRIBE","params":["a@b"],"id":1.5}', 2, "request ID"),
    ('{"method":"SUBSCRIBE","params":["a@b"],"id":"' + "x" * 37 + '"}', 2, "request ID"),
    ('{"method":"SET_PROPERTY","params":["other",true],"id":1}', 0, "Unknown property"),
    ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "Boolean"),
    ('{"method":"GET_PROPERTY","params":["combined",1],"id":1}', 2, "too many parameters"),
    ('{"method":"GET_PROPERTY","params":[1],"id":1}', 2, "must be a string"),
]


async def test_requests_that_cannot_be_followed_are_answered(opened: Opener, session: Connect) -> None:
    exchange = await opened(limits=Limits(messages_per_s=PerMarket(100, 100)))
    async with session(exchange).ws_connect("/ws") as socket:
        for text, code, words in ERRORS:
            await socket.send_str(text)
            reply = await receive(socket)
            assert reply["error"]["code"] == code, text
            assert words in reply["error"]["msg"], text


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        ("/ws", "btcusdt_perpetual@continuousKline_1m"),
        ("/ws", "nosuch@kline_1m"),
        ("/ws", "btcusdt@kline_7m"),
        ("/ws", "btcusdt@kline_1s"),
        ("/ws", "BTCUSDT@kline_1m"),
        ("/public/ws", "btcusdt@kline_1m"),
        ("/market/ws", "btcusdt@bookTicker"),
        ("/market/ws", "btcusdt@kline_1s"),
    ],
)
async def test_what_a_route_does_not_serve_is_acknowledged_and_never_comes(
    opened: Opener, session: Connect, path: str, stream: str
) -> None:
    exchange = await opened(speed=FAST)
    exchange.play.start()
    async with session(exchange).ws_connect(path) as socket:
        assert await ask(socket, method="SUBSCRIBE", params=[stream], id=1) == {"result": None, "id": 1}
        assert await silent(socket)


async def test_the_book_comes_by_its_own_route(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=FAST)
    exchange.play.start()
    async with session(exchange).ws_connect("/public/stream?streams=btcusdt@bookTicker") as socket:
        assert (await receive(socket))["data"]["e"] == "bookTicker"


async def test_who_talks_too_much_is_cut_off(opened: Opener, session: Connect) -> None:
    exchange = await opened()
    for path, limit in (("/ws", 5), ("/market/ws", 10)):
        async with session(exchange).ws_connect(path, autoclose=False) as socket:
            for _ in range(limit + 1):
                await socket.send_str('{"method":"LIST_SUBSCRIPTIONS","id":1}')
            end = await ended(socket)
            assert (end.type, end.data) == (WSMsgType.CLOSE, 1008)


async def test_pings_count_and_are_answered(opened: Opener, session: Connect) -> None:
    async with session(await opened()).ws_connect("/ws", autoping=False) as socket:
        await socket.ping(b"hello")
        answer = await socket.receive()
        assert (answer.type, bytes(answer.data)) == (WSMsgType.PONG, b"hello")
        for _ in range(6):
            await socket.ping()
        assert (await ended_after_pongs(socket)).type in (WSMsgType.CLOSE, WSMsgType.CLOSING)


async def ended_after_pongs(socket: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage:
    while True:
        message = await socket.receive()
        if message.type is not WSMsgType.PONG:
            return message


async def test_a_connection_holds_so_many_streams(opened: Opener, session: Connect) -> None:
    exchange = await opened(limits=Limits(streams=PerMarket(2, 1)))
    http = session(exchange)
    async with http.ws_connect("/ws/btcusdt@kline_1m") as socket:
        assert (await ask(socket, method="SUBSCRIBE", params=["a@trade", "b@trade"], id=1))["error"]["code"] == 2
        assert (await ask(socket, method="LIST_SUBSCRIPTIONS", id=2))["result"] == ["btcusdt@kline_1m"]
        assert (await ask(socket, method="SUBSCRIBE", params=["a@trade"], id=3))["result"] is None
    with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
        await http.ws_connect("/market/stream?streams=a@trade/b@trade")


async def test_who_does_not_answer_pings_is_given_up(opened: Opener, session: Connect) -> None:
    exchange = await opened(limits=Limits(ping_s=PerMarket(0.25, 9.0), pong_s=PerMarket(0.1, 9.0)))
    http = session(exchange)
    async with http.ws_connect("/ws", autoping=False) as deaf, http.ws_connect("/ws") as polite:
        quiet = asyncio.create_task(silent(polite, 0.7))
        kinds = [(await deaf.receive()).type, (await deaf.receive()).type]
        assert kinds[0] is WSMsgType.PING
        assert kinds[1] is not WSMsgType.PING
        assert await quiet


async def test_a_connection_is_told_before_it_ends(opened: Opener, session: Connect) -> None:
    exchange = await opened(limits=Limits(life_s=0.2, notice_s=0.1))
    http = session(exchange)
    async with http.ws_connect("/ws", autoclose=False) as raw, http.ws_connect("/stream") as combined:
        event = await receive(raw)
        assert event.keys() == {"e", "E"}
        assert event["e"] == "serverShutdown"
        assert (await receive(combined))["stream"] == "!serverShutdown"
        assert (await ended(raw)).data == 1001
    async with http.ws_connect("/market/ws", autoclose=False) as futures:
        assert (await futures.receive()).data == 1001


async def test_microseconds_of_spot_streams(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=FAST)
    exchange.play.start()
    async with session(exchange).ws_connect("/stream?streams=btcusdt@kline_1m&timeUnit=MICROSECOND") as socket:
        (kline,) = await closed_klines(socket, 1)
    assert kline["T"] - kline["t"] == MINUTE_MS * 1_000 - 1


async def test_a_plain_request_to_a_socket_is_refused(opened: Opener, session: Connect) -> None:
    async with session(await opened()).get("/ws") as answer:
        assert answer.status == 426


@pytest.mark.parametrize(
    ("capture", "path"), [("spot-2021-10-12.txt", "/stream"), ("usdm-2021-07-22.txt", "/market/stream")]
)
async def test_events_have_the_shape_of_recorded_ones(
    opened: Opener, session: Connect, capture: str, path: str
) -> None:
    recorded = recorded_events(shared_path("data", "recorded", "websocket", capture).read_text())
    exchange = await opened(speed=60.0)
    async with session(exchange).ws_connect(f"{path}?streams=btcusdt@kline_1m/btcusdt@aggTrade") as socket:
        exchange.play.start()
        seen: dict[str, Any] = {}
        async with asyncio.timeout(10):
            while seen.keys() != {"kline_1m", "aggTrade"}:
                message = await receive(socket)
                seen.setdefault(message["stream"].partition("@")[2], message["data"])
    for kind, event in seen.items():
        event.pop("st", None)  # younger than the recording
        assert shape(event) == shape(recorded[kind]), kind
        assert list(event) == list(recorded[kind]), kind
    assert seen["kline_1m"]["E"] >= PLAY_MS


def recorded_events(text: str) -> dict[str, Any]:
    """Return the first recorded event of each kind."""
    events: dict[str, Any] = {}
    for line in text.splitlines():
        if ': {"stream"' in line:
            message = json.loads(line.split(": ", 1)[1])
            events.setdefault(message["stream"].partition("@")[2], message["data"])
    return events
