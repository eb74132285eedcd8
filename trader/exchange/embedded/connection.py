"""One WebSocket connection: its subscriptions, its outbox, its heartbeat, its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from trader.exchange.embedded import frames
from trader.exchange.embedded.frames import Message, frame
from trader.exchange.embedded.heartbeat import Allowance, Heartbeat
from trader.exchange.embedded.hub import Hub
from trader.exchange.embedded.mischief import Mischief
from trader.exchange.embedded.outbox import Outbox
from trader.exchange.embedded.protocol import answer
from trader.exchange.embedded.streams import Route
from trader.exchange.embedded.transport import Transport

#: How long a closing handshake may take, seconds.
CLOSING_S = 0.5


class Opening(msgspec.Struct, frozen=True):
    """How a connection was opened: the `number`-th, by which `route`, with events wrapped in their stream's name
    (`combined`), and times in so many units a millisecond."""

    number: int
    route: Route
    combined: bool
    unit: int


class Wire(msgspec.Struct, frozen=True):
    """The socket of a connection, as aiohttp speaks on it, and the transport below for frames made here."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport
    drain: Callable[[], Awaitable[None]]


class Connection:
    """A client, from its handshake to its end. `combined` wraps events in their stream's name."""

    def __init__(self, wire: Wire, opening: Opening, hub: Hub, transport: Transport) -> None:
        limits, route = transport.limits, opening.route
        self.combined = opening.combined
        self.outbox = Outbox(wire.transport.write, wire.drain, limits.queued_messages)
        self._wire = wire
        self._route = route
        self._unit = opening.unit
        self._hub = hub
        self._transport = transport
        self._names: dict[str, None] = {}
        self._room = limits.streams.of(route.market)
        self._plan = transport.plan
        self._mischief = Mischief(transport.plan, opening.number, self.outbox.put, self.drop, self.outbox.stall)
        self._allowance = Allowance(limits.messages_per_s.of(route.market), time.monotonic)
        self._heartbeat = Heartbeat(limits, route.market, time.monotonic)

    def names(self) -> list[str]:
        """Return the streams in the order of their subscription."""
        return list(self._names)

    def subscribe(self, names: Sequence[str]) -> bool:
        """Add streams; tell whether there was room for all, else none is added."""
        if len({*self._names, *names}) > self._room:
            return False
        for name in names:
            self._names[name] = None
            self._mischief.forgive(name)
            self._hub.join(self, self._route, name, self._unit)
        return True

    def unsubscribe(self, names: Sequence[str]) -> None:
        """Take streams out."""
        for name in names:
            self._names.pop(name, None)
            self._hub.leave(self, self._route, name, self._unit)

    def deliver(self, message: Message) -> None:
        """Queue a message, through the faults in force; a consumer too slow for its queue is cut off."""
        if self._plan.streams_at_risk or self._mischief.active:
            self._mischief.pass_on(message, self.combined)
        else:
            self.outbox.put(message.frame(self.combined))
        if self.outbox.overflowed:
            self.drop()

    def tell(self, message: Message) -> None:
        """Queue a message that no fault may touch, behind all that went before it."""
        self._mischief.settle()
        self.outbox.put(message.frame(self.combined))

    def hears(self, stream: str) -> bool:
        """Tell whether messages of `stream` come through."""
        return stream not in self._mischief.silent

    def drop(self) -> None:
        """End the connection at once, without a word; nothing more is published to it."""
        self._wire.transport.abort()
        self.unsubscribe(self.names())

    def stall(self, seconds: float) -> None:
        """Send nothing for `seconds`."""
        self.outbox.stall(seconds)

    async def run(self) -> None:
        """Talk until either side ends it."""
        sending = asyncio.create_task(self._send())
        beating = asyncio.create_task(self._beat())
        try:
            await self._receive()
        finally:
            self.unsubscribe(self.names())
            sending.cancel()
            beating.cancel()
            await asyncio.gather(sending, beating, return_exceptions=True)

    async def close(self, code: WSCloseCode, reason: str) -> None:
        """End the connection with a closing handshake, or without one when the client does not answer it."""
        try:
            async with asyncio.timeout(CLOSING_S):
                await self._wire.socket.close(code=code, message=reason.encode())
        except (TimeoutError, ConnectionError):
            self.drop()

    async def _receive(self) -> None:
        while True:
            message = await self._wire.socket.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG):
                return
            if not self._allowance.take():
                await self.close(WSCloseCode.POLICY_VIOLATION, "Too many requests")
                return
            self._take(message.type, message.data)

    def _take(self, kind: WSMsgType, data: str | bytes | bytearray) -> None:
        if kind is WSMsgType.PONG:
            self._heartbeat.pong(bytes(data) if not isinstance(data, str) else data.encode())
        elif kind is WSMsgType.PING:
            self.outbox.put(frame(data.encode() if isinstance(data, str) else bytes(data), frames.PONG))
        else:
            text = data if isinstance(data, str) else bytes(data).decode(errors="replace")
            self.outbox.put(frame(msgspec.json.encode(answer(text, self))))

    async def _send(self) -> None:
        try:
            await self.outbox.run()
        except ConnectionError:
            self.drop()

    async def _beat(self) -> None:
        """Ping, warn and close when the heartbeat says so."""
        while True:
            await asyncio.sleep(self._heartbeat.seconds_until_next())
            if self._heartbeat.silent():
                return self.drop()
            if self._heartbeat.over():
                await self.close(WSCloseCode.GOING_AWAY, "the connection has lived its time")
                return None
            if self._heartbeat.ending():
                self._warn()
            if (ping := self._heartbeat.ping()) is not None:
                self.outbox.put(frame(ping, frames.PING))

    def _warn(self) -> None:
        """Announce the end, as spot does."""
        if self._route is Route.SPOT:
            event = f'{{"e":"serverShutdown","E":{self._transport.time_ms()}}}'
            self.outbox.put(Message("!serverShutdown", event).frame(self.combined))
