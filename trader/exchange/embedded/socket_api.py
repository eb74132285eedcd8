"""The door of a market's WebSocket API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.accounts.gate import Gate
from trader.exchange.embedded.rest import json_answer
from trader.exchange.embedded.socket_line import SocketLine, Wire
from trader.exchange.embedded.socket_session import SocketSession, Values
from trader.exchange.embedded.socket_streams import UserStreams
from trader.exchange.embedded.sockets import Sockets
from trader.exchange.embedded.transport import Transport
from trader.exchange.embedded.venue import Venue

#: What opening a connection weighs.
CONNECTING = 2
#: The market whose pings all WebSocket APIs have: every 20 s (binance.md, section 2).
HEARTBEAT = "spot"


class SocketApi:
    """Opens connections at `path`; their requests go to `venue`, or to `public` where they need no key."""

    def __init__(
        self,
        path: str,
        venue: Venue,
        public: Mapping[str, Callable[[Values], Any]],
        gate: Gate,
        events: UserEvents,
        transport: Transport,
        sockets: Sockets,
    ) -> None:
        self._path = path
        self._venue = venue
        self._public = public
        self._gate = gate
        self._events = events
        self._transport = transport
        self._sockets = sockets

    def routes(self) -> list[web.RouteDef]:
        """Return the one route."""
        return [web.get(self._path, self._handle)]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self._transport.meters[self._venue.market].charge(CONNECTING)
        socket = web.WebSocketResponse(autoping=False, compress=False, timeout=1.0)
        if not socket.can_prepare(request).ok:
            return json_answer({"code": -1000, "msg": "A WebSocket handshake is expected here."}, 426)
        await socket.prepare(request)
        if request.transport is not None:
            await self._serve(Wire(socket, request.transport, request.writer.drain))
        return socket

    async def _serve(self, wire: Wire) -> None:
        under_way: set[asyncio.Task[None]] = set()

        def take(text: str) -> None:
            task = asyncio.create_task(follow(text))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        async def follow(text: str) -> None:
            reply = await session.answer(text)
            line.drop() if reply is None else line.put(reply)

        line = SocketLine(wire, self._transport.limits, HEARTBEAT, take, self._warning)
        streams = UserStreams(self._events, self._venue.market, line.put, self._venue.floor.clock.now)
        session = SocketSession(self._venue, self._public, self._gate, self._transport, streams)
        self._sockets.accepted += 1
        self._sockets.connections[line] = None
        try:
            await line.run()
        finally:
            del self._sockets.connections[line]
            streams.close()
            for task in under_way:
                task.cancel()

    def _warning(self) -> dict[str, Any]:
        return {"event": {"e": "serverShutdown", "E": self._transport.time_ms()}}
