"""Small venues on 127.0.0.1 that do what a test tells them: one answers REST, one speaks streams."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from trader.market.table import CandleTable


class RestVenue:
    """Answers klines of `table` (its last row is the open candle), trades, funding, time and exchangeInfo.

    `script` holds what the next requests get instead: (status, headers, body), or seconds to wait before the answer.
    """

    def __init__(self, table: CandleTable | None = None, funding: Sequence[tuple[int, float]] = ()) -> None:
        self.table = table
        self.funding = funding
        self.trades: list[dict[str, Any]] = []
        self.script: list[tuple[int, dict[str, str], str] | float] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.used = 0
        self.server_time_ms = 1_700_000_000_000
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path.split("/", 3)[3]
        self.asked.append((path, dict(request.query)))
        if self.script:
            next_one = self.script.pop(0)
            if not isinstance(next_one, float):
                status, headers, body = next_one
                return web.Response(status=status, headers=headers, text=body)
            await asyncio.sleep(next_one)
        self.used += 1
        reader = getattr(self, "_" + path.replace("/", "_"))
        headers = {"x-mbx-used-weight-1m": str(self.used)}
        return web.Response(text=json.dumps(reader(request.query)), content_type="application/json", headers=headers)

    def _time(self, query: Any) -> object:
        return {"serverTime": self.server_time_ms}

    def _exchangeInfo(self, query: Any) -> object:
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 4321}
        symbol = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT", "filters": []}
        return {"rateLimits": [limit], "symbols": [symbol]}

    def _account(self, query: Any) -> object:
        return {"timestamp": query["timestamp"]}

    def _order(self, query: Any) -> object:
        return {}

    def _klines(self, query: Any) -> object:
        assert self.table is not None
        first, last = int(query.get("startTime", 0)), int(query.get("endTime", 2**62))
        rows = self.table.between(first, last + 1)
        limit = int(query.get("limit", 500))
        rows = rows.rows(0, limit) if "startTime" in query else rows.rows(max(0, len(rows) - limit), len(rows))
        step = self.table.timeframe.ms
        return [
            [
                *(each.open_time, str(each.open), str(each.high), str(each.low), str(each.close), str(each.volume)),
                *(each.open_time + step - 1, "1.5", 3, "0", "0", "0"),
            ]
            for each in rows.candles()
        ]

    def _aggTrades(self, query: Any) -> object:
        first = int(query.get("fromId", 0))
        begin, end = int(query.get("startTime", 0)), int(query.get("endTime", 2**62))
        rows = [each for each in self.trades if each["a"] >= first and begin <= each["T"] <= end]
        return rows[: int(query["limit"])]

    def _fundingRate(self, query: Any) -> object:
        begin, end = int(query["startTime"]), int(query["endTime"])
        rows = [(time, rate) for time, rate in self.funding if begin <= time <= end][: int(query["limit"])]
        return [{"symbol": query["symbol"], "fundingTime": time, "fundingRate": str(rate)} for time, rate in rows]


@asynccontextmanager
async def rest_venue(venue: RestVenue) -> AsyncIterator[RestVenue]:
    """Serve `venue` and set its `url`."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", venue.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    venue.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield venue
    finally:
        await runner.cleanup()


class StreamVenue:
    """Takes connections, answers SUBSCRIBE, and sends what the test wants.

    `refuse_next` connections are refused with 503; `refused_streams` are refused by an error; `mute` takes
    connections and never answers again, not even a ping.
    """

    def __init__(self) -> None:
        self.url = ""
        self.connections: list[ServerConnection] = []
        self.paths: list[str] = []
        self.requests: list[tuple[float, dict[str, Any]]] = []
        self.refuse_next = 0
        self.refused_streams: set[str] = set()
        self.answers = True

    @property
    def open(self) -> list[ServerConnection]:
        """The connections that are open."""
        return [each for each in self.connections if each.state.name == "OPEN"]

    def url_for(self, streams: Sequence[str]) -> str:
        return f"{self.url}/stream?streams={'/'.join(streams)}"

    async def send(self, *frames: bytes | str) -> None:
        """Send frames, as text, to every open connection."""
        for connection in self.open:
            for frame in frames:
                with contextlib.suppress(ConnectionClosed):
                    await connection.send(frame if isinstance(frame, str) else frame.decode())

    async def drop(self) -> None:
        """Cut every connection without a word."""
        for connection in self.open:
            connection.transport.abort()

    def gate(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuse_next:
            self.refuse_next -= 1
            return connection.respond(503, "later\n")
        return None

    async def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.connections.append(connection)
        self.paths.append(unquote(connection.request.path))
        with contextlib.suppress(ConnectionClosed):
            async for text in connection:
                await self._answer(connection, json.loads(text))

    async def _answer(self, connection: ServerConnection, request: dict[str, Any]) -> None:
        self.requests.append((asyncio.get_running_loop().time(), request))
        if not self.answers:
            return
        if self.refused_streams & set(request["params"]):
            error = {"code": 2, "msg": "Invalid request: unknown stream"}
            await connection.send(json.dumps({"error": error, "id": request["id"]}))
            return
        await connection.send(json.dumps({"result": None, "id": request["id"]}))


@asynccontextmanager
async def stream_venue(venue: StreamVenue) -> AsyncIterator[StreamVenue]:
    """Serve `venue` and set its `url`."""
    async with serve(venue.serve, "127.0.0.1", 0, process_request=venue.gate, close_timeout=0.2) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        venue.url = f"ws://127.0.0.1:{port}"
        yield venue
