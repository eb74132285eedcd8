"""The doors for WebSocket clients, and the connections that have come through them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import WSCloseCode, web

from trader.exchange.embedded.connection import Connection, Opening
from trader.exchange.embedded.hub import Hub
from trader.exchange.embedded.payloads import MICROSECOND, MILLISECOND
from trader.exchange.embedded.rest import json_answer
from trader.exchange.embedded.socket_line import Wire
from trader.exchange.embedded.streams import Route
from trader.exchange.embedded.transport import Transport

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PREFIXES = {Route.SPOT: "", Route.MARKET: "/market", Route.PUBLIC: "/public"}


class Client(Protocol):
    """One open connection, of whatever door."""

    def drop(self) -> None:
        """End it at once, without a word."""
        ...

    def stall(self, seconds: float) -> None:
        """Send nothing for `seconds`."""
        ...

    async def close(self, code: WSCloseCode, reason: str) -> None:
        """End it politely."""
        ...


class Sockets:
    """Opens connections and ends them all; doors elsewhere enter theirs into `connections`."""

    def __init__(self, hub: Hub, transport: Transport) -> None:
        self.connections: dict[Client, None] = {}
        self.accepted = 0
        self._hub = hub
        self._transport = transport

    def routes(self) -> list[web.RouteDef]:
        """Return the raw and the combined door of each route."""
        return [
            route
            for door, prefix in PREFIXES.items()
            for route in (
                web.get(f"{prefix}/ws", self._handler(door, combined=False)),
                web.get(f"{prefix}/ws/{{streams:.*}}", self._handler(door, combined=False)),
                web.get(f"{prefix}/stream", self._handler(door, combined=True)),
            )
        ]

    def drop_all(self) -> int:
        """End every connection at once; return how many there were."""
        for connection in list(self.connections):
            connection.drop()
        return len(self.connections)

    def stall_all(self, seconds: float) -> int:
        """Keep every connection silent for `seconds`; return how many there are."""
        for connection in self.connections:
            connection.stall(seconds)
        return len(self.connections)

    async def close_all(self) -> None:
        """End every connection politely."""
        closing = (each.close(WSCloseCode.GOING_AWAY, "the exchange stops") for each in list(self.connections))
        await asyncio.gather(*closing)

    def _handler(self, route: Route, combined: bool) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            names = _names(request, combined)
            if len(set(names)) > self._transport.limits.streams.of(route.market):
                return json_answer({"code": -1130, "msg": "Too many streams for one connection."}, 400)
            socket = web.WebSocketResponse(autoping=False, compress=False, timeout=1.0)
            if not socket.can_prepare(request).ok:
                return json_answer({"code": -1000, "msg": "A WebSocket handshake is expected here."}, 426)
            await socket.prepare(request)
            await self._serve(request, socket, route, combined, names)
            return socket

        return handle

    async def _serve(
        self, request: web.Request, socket: web.WebSocketResponse, route: Route, combined: bool, names: list[str]
    ) -> None:
        if request.transport is None:
            return
        self.accepted += 1
        unit = MICROSECOND if route is Route.SPOT and _microseconds(request) else MILLISECOND
        wire = Wire(socket, request.transport, request.writer.drain)
        connection = Connection(wire, Opening(self.accepted, route, combined, unit), self._hub, self._transport)
        self.connections[connection] = None
        try:
            connection.subscribe(names)
            await connection.run()
        finally:
            del self.connections[connection]


def _names(request: web.Request, combined: bool) -> list[str]:
    text = request.query.get("streams", "") if combined else request.match_info.get("streams", "")
    return [name for name in text.split("/") if name]


def _microseconds(request: web.Request) -> bool:
    return request.query.get("timeUnit", "").upper() == "MICROSECOND"
