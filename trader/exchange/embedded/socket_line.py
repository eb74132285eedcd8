"""One WebSocket connection of a client: what it says, what it is told, its heartbeat, its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from trader.exchange.embedded import frames
from trader.exchange.embedded.frames import frame
from trader.exchange.embedded.heartbeat import Allowance, Heartbeat
from trader.exchange.embedded.options import Limits
from trader.exchange.embedded.outbox import Outbox

#: How long a closing handshake may take, seconds.
CLOSING_S = 0.5


class Wire(msgspec.Struct, frozen=True):
    """The socket of a connection, as aiohttp speaks on it, and the transport below for frames made here."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport
    drain: Callable[[], Awaitable[None]]


class SocketLine:
    """Sends JSON, hands each text of the client to `take`, pings, and ends when its life is over.

    `warning` makes the message that announces the end, None where the market has none. `heartbeat` names the market
    whose pings it has. `allowance` bounds how often the client may speak, pings and pongs too; None: as it likes.
    """

    def __init__(
        self,
        wire: Wire,
        limits: Limits,
        heartbeat: str,
        take: Callable[[str], None],
        warning: Callable[[], Any],
        allowance: Allowance | None = None,
    ) -> None:
        self.outbox = Outbox(wire.transport.write, wire.drain, limits.queued_messages)
        self._wire = wire
        self._take_text = take
        self._warning = warning
        self._allowance = allowance
        self._heartbeat = Heartbeat(limits, heartbeat, time.monotonic)

    def put(self, message: Any) -> None:
        """Queue one message; a consumer too slow for its queue is cut off."""
        self.outbox.put(frame(msgspec.json.encode(message)))
        if self.outbox.overflowed:
            self.drop()

    def drop(self) -> None:
        """End the connection at once, without a word."""
        self._wire.transport.abort()

    def stall(self, seconds: float) -> None:
        """Send nothing for `seconds`."""
        self.outbox.stall(seconds)

    async def run(self) -> None:
        """Talk until either side ends it."""
        helpers = [asyncio.create_task(self._send()), asyncio.create_task(self._beat())]
        try:
            await self._receive()
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

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
            if self._allowance is not None and not self._allowance.take():
                await self.close(WSCloseCode.POLICY_VIOLATION, "Too many requests")
                return
            self._hear(message.type, _bytes(message.data))

    def _hear(self, kind: WSMsgType, said: bytes) -> None:
        if kind is WSMsgType.PONG:
            self._heartbeat.pong(said)
        elif kind is WSMsgType.PING:
            self.outbox.put(frame(said, frames.PONG))
        else:
            self._take_text(said.decode(errors="replace"))

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
        """Announce the end."""
        if (warning := self._warning()) is not None:
            self.put(warning)


def _bytes(data: Any) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)
