"""The private door of USD-M: sockets that hear accounts by their listen keys (binance.md, section 3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from trader.exchange.embedded.accounts.events import UserEvents
from trader.exchange.embedded.heartbeat import Allowance
from trader.exchange.embedded.protocol import answer
from trader.exchange.embedded.rest import json_answer
from trader.exchange.embedded.socket_line import SocketLine, Wire
from trader.exchange.embedded.sockets import Sockets
from trader.exchange.embedded.transport import Transport
from trader.exchange.embedded.usdm.books import MARKET
from trader.exchange.embedded.usdm.listen_keys import ListenKeys

Json = dict[str, Any]
#: Between keys, and between the events that are asked for.
SLASH = "/"


class PrivateStreams:
    """Opens sockets at `/private`. A key that is none is no error: nothing comes, and nothing says why.

    `now` is the play's time, ms.
    """

    def __init__(
        self, keys: ListenKeys, events: UserEvents, transport: Transport, sockets: Sockets, now: Callable[[], int]
    ) -> None:
        self._keys = keys
        self._events = events
        self._transport = transport
        self._sockets = sockets
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """Return the raw doors and the combined one."""
        return [
            web.get("/private/ws", self._raw),
            web.get("/private/ws/{key:.*}", self._raw),
            web.get("/private/stream", self._combined),
        ]

    async def _raw(self, request: web.Request) -> web.StreamResponse:
        return await self._open(request, request.match_info.get("key", ""), False)

    async def _combined(self, request: web.Request) -> web.StreamResponse:
        return await self._open(request, request.query.get("streams", ""), True)

    async def _open(self, request: web.Request, keys: str, combined: bool) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False, compress=False, timeout=1.0)
        if not socket.can_prepare(request).ok:
            return json_answer({"code": -1000, "msg": "A WebSocket handshake is expected here."}, 426)
        await socket.prepare(request)
        if request.transport is None:
            return socket
        wire = Wire(socket, request.transport, request.writer.drain)
        names = [*keys.split(SLASH), request.query.get("listenKey", "")]
        kinds = request.query.get("events", "").split(SLASH)
        await self._serve(wire, Wanted(combined, frozenset(filter(None, kinds))), [name for name in names if name])
        return socket

    async def _serve(self, wire: Wire, wanted: Wanted, keys: list[str]) -> None:
        allowance = Allowance(self._transport.limits.messages_per_s.of(MARKET), time.monotonic)

        def take(text: str) -> None:
            line.put(answer(text, heard)) if allowance.take() else line.drop()

        line = SocketLine(wire, self._transport.limits, MARKET, take, lambda: None)
        heard = Heard(self._keys, self._events, line.put, self._now, wanted)
        self._sockets.accepted += 1
        self._sockets.connections[line] = None
        try:
            heard.subscribe(keys)
            await line.run()
        finally:
            del self._sockets.connections[line]
            heard.close()


class Wanted:
    """How a socket was opened: `combined` wraps events in their stream's name; `kinds` empty means all."""

    def __init__(self, combined: bool, kinds: frozenset[str]) -> None:
        self.combined = combined
        self.kinds = kinds

    def takes(self, event: Json) -> bool:
        """Tell whether an event was asked for."""
        return not self.kinds or event["e"] in self.kinds


class Heard:
    """The keys by which one socket listens; `trader.exchange.embedded.protocol.Subscriptions`."""

    def __init__(
        self,
        keys: ListenKeys,
        events: UserEvents,
        put: Callable[[Json], None],
        now: Callable[[], int],
        wanted: Wanted,
    ) -> None:
        self._keys = keys
        self._events = events
        self._put = put
        self._now = now
        self._wanted = wanted
        self._open: dict[str, KeyListener | None] = {}

    @property
    def combined(self) -> bool:
        """Whether events are wrapped."""
        return self._wanted.combined

    @combined.setter
    def combined(self, on: bool) -> None:
        self._wanted.combined = on

    def names(self) -> list[str]:
        """Return the keys in the order of their subscription."""
        return list(self._open)

    def subscribe(self, names: Sequence[str]) -> bool:
        """Listen by more keys; unknown ones stay silent."""
        for key in names:
            if key not in self._open:
                self._open[key] = self._listener(key)
        return True

    def unsubscribe(self, names: Sequence[str]) -> None:
        """Listen by these keys no more."""
        for key in names:
            self._leave(key, self._open.pop(key, None))

    def close(self) -> None:
        """End: the socket has."""
        self.unsubscribe(self.names())

    def key_expired(self, key: str) -> None:
        """Say that a key has expired, and fall silent."""
        self.send(key, {"e": "listenKeyExpired", "E": self._now(), "listenKey": key})
        self._leave(key, self._open.get(key))
        self._open[key] = None

    def send(self, key: str, event: Json) -> None:
        """Send an event that was asked for."""
        if self._wanted.takes(event):
            self._put({"stream": key, "data": event} if self._wanted.combined else event)

    def _listener(self, key: str) -> KeyListener | None:
        uid = self._keys.owner(key)
        if uid is None:
            return None
        listener = KeyListener(key, uid, self, self._keys)
        self._keys.join(key, self)
        self._events.join(uid, MARKET, listener)
        return listener

    def _leave(self, key: str, listener: KeyListener | None) -> None:
        self._keys.leave(key, self)
        if listener is not None:
            listener.deaf = True
            self._events.leave(listener.uid, MARKET, listener)


class KeyListener:
    """One account on one socket; `deaf` once it hears no more."""

    def __init__(self, key: str, uid: int, heard: Heard, keys: ListenKeys) -> None:
        self.uid = uid
        self.deaf = False
        self._key = key
        self._heard = heard
        self._keys = keys

    def hear(self, event: Json) -> None:
        """Send one event; one that was held back until after the end is lost."""
        if not self.deaf:
            self._heard.send(self._key, event)

    def over(self, told: bool) -> None:
        """Die while the socket lives; `told` expires the key itself, for all who listen by it."""
        self.deaf = True
        if told:
            self._keys.expire(self.uid)
