"""A small venue on 127.0.0.1 with an account: it checks signatures, keeps what it was asked, and answers as told.

Answers are recorded ones of the venue's documentation, or what a test scripts. Nothing is matched here.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

from trader.core.settings import Market
from trader.exchange.binance.endpoints import Endpoints
from trader.exchange.binance.trade_client import Credentials, TradingClient
from trader.execution.governor import WeightGovernor

KEY, SECRET = "a-key-of-tests", "a-secret-of-tests"
CREDENTIALS = Credentials(KEY, SECRET)


class Asked:
    """One request as it came."""

    def __init__(self, method: str, path: str, params: dict[str, str], headers: Mapping[str, str]) -> None:
        self.method = method
        self.path = path
        self.params = params
        self.headers = headers

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


class AccountVenue:
    """Answers `answers[line]` (a value, or a function of the parameters), `script` first: (status, headers, body).

    `script` entries that are numbers are seconds to wait before the answer, `"drop"` closes the connection without one.
    `now_ms` is the venue's clock: a request signed with another one is refused with -1021 when `strict_clock`.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.answers: dict[str, Any] = {}
        self.script: list[Any] = []
        self.headers: dict[str, str] = {}
        self.now_ms = 1_700_000_000_000
        self.strict_clock = False
        self.sockets: list[web.WebSocketResponse] = []
        self.paths: list[str] = []
        self.subscribed: list[dict[str, Any]] = []
        self.refuse_subscription: list[dict[str, Any]] = []
        self.silent = False

    def lines(self, *without: str) -> list[str]:
        """Return what was asked, without what a test does not look at."""
        return [each.line for each in self.asked if each.path not in without]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._listen(request)
        query = request.rel_url.raw_query_string
        raw = query or (await request.read()).decode()
        params = dict(parse_qsl(raw, keep_blank_values=True))
        asked = Asked(request.method, request.path.split("/", 3)[3], params, request.headers)
        self.asked.append(asked)
        if asked.path != "time" and self.script:
            said = self.script.pop(0)
            if said == "drop":
                request.transport.close() if request.transport else None
                return web.Response()
            if not isinstance(said, float):
                return web.Response(status=said[0], headers=said[1], text=said[2])
            await asyncio.sleep(said)
        return self._reply(asked, raw)

    def _reply(self, asked: Asked, raw: str) -> web.Response:
        refusal = self._refusal(asked.params, raw)
        if refusal:
            return web.Response(status=400, text=json.dumps(refusal))
        if asked.path == "time":
            return self._json({"serverTime": self.now_ms})
        answer = self.answers.get(asked.line)
        assert answer is not None, f"the test has no answer to {asked.line}"
        return self._json(answer(asked.params) if callable(answer) else answer)

    def _json(self, value: Any) -> web.Response:
        return web.Response(text=json.dumps(value), content_type="application/json", headers=self.headers)

    def _refusal(self, params: dict[str, str], raw: str) -> dict[str, Any] | None:
        if "timestamp" not in params:
            return None
        signed, _, signature = raw.rpartition("&signature=")
        wanted = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if signature != wanted:
            return {"code": -1022, "msg": "Signature for this request is not valid."}
        if self.strict_clock and abs(int(params["timestamp"]) - self.now_ms) > 1_000:
            return {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
        return None

    # --- sockets

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=not self.silent)
        await socket.prepare(request)
        self.sockets.append(socket)
        self.paths.append(request.path_qs)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._subscribe(socket, json.loads(message.data))
        return socket

    async def _subscribe(self, socket: web.WebSocketResponse, request: dict[str, Any]) -> None:
        if self.silent:
            return
        params = request["params"]
        signed = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
        assert params["signature"] == hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
        self.subscribed.append(request)
        answer: dict[str, Any] = {"id": request["id"], "status": 200, "result": {"subscriptionId": 0}}
        if self.refuse_subscription:
            answer = {"id": request["id"], "status": 400, "error": self.refuse_subscription.pop(0)}
        await socket.send_str(json.dumps(answer))

    @property
    def open(self) -> list[web.WebSocketResponse]:
        """The sockets that are open."""
        return [each for each in self.sockets if not each.closed]

    async def say(self, event: Any, *, wrapped: bool = True, to: int = -1) -> None:
        """Send an event on one of the sockets ever opened; the newest unless told."""
        told = {"subscriptionId": 0, "event": event} if wrapped else event
        await self.sockets[to].send_str(told if isinstance(told, str) else json.dumps(told))

    async def drop(self) -> None:
        """Cut every socket without a word."""
        for socket in self.open:
            transport = socket._req.transport if socket._req else None
            if transport is not None:
                transport.abort()


@asynccontextmanager
async def account_venue() -> AsyncIterator[AccountVenue]:
    """Serve a venue and set its `url`."""
    venue = AccountVenue()
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
        for socket in venue.open:
            await socket.close()
        await runner.cleanup()


def endpoints_of(venue: AccountVenue, market: Market) -> Endpoints:
    """Return the venue's addresses."""
    return Endpoints(market, venue.url, venue.url.replace("http", "ws", 1))


@asynccontextmanager
async def trading(venue: AccountVenue, market: Market, **options: Any) -> AsyncIterator[TradingClient]:
    """Open a client of the venue's account; `gate` may be given."""
    gate = options.pop("gate", None) or WeightGovernor(6_000)
    client = TradingClient(endpoints_of(venue, market), gate, options.pop("credentials", CREDENTIALS), **options)
    try:
        yield client
    finally:
        await client.close_connection()


async def until(fact: Callable[[], object]) -> None:
    """Wait until something is so, for a few seconds at most."""
    async with asyncio.timeout(5):
        while not fact():  # noqa: ASYNC110 - what is waited for may be anything
            await asyncio.sleep(0.01)
