"""One WebSocket connection on which a client asks, or is told of its account: no market stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType

from trader.exchange.embedded import frames
from trader.exchange.embedded.connection import CLOSING_S, Wire
from trader.exchange.embedded.frames import frame
from trader.exchange.embedded.heartbeat import Heartbeat
from trader.exchange.embedded.options import Limits
from trader.exchange.embedded.outbox import Outbox


class SocketLine:
    """Sends JSON, hands each text of the client to `take`, pings, and ends when its life is over.

    `warning` makes the message that announces the end, None where the market has none. `heartbeat` names the market
    whose pings it has.
    """

    def __init__(
        self, wire: Wire, limits: Limits, heartbeat: str, take: Callable[[str], None], warning: Callable[[], Any]
    ) -> None:
        self._wire = wire
        self._take_text = take
        self._warning = warning
        self._outbox = Outbox(wire.transport.write, wire.drain, limits.queued_messages)
        self._heartbeat = Heartbeat(limits, heartbeat, time.monotonic)

    def put(self, message: Any) -> None:
        """Queue one message; a consumer too slow for its queue is cut off."""
        self._outbox.put(frame(msgspec.json.encode(message)))
        if self._outbox.overflowed:
            self.drop()

    def drop(self) -> None:
        """End the connection at once, without a word."""
        self._wire.transport.abort()

    def stall(self, seconds: float) -> None:
        """Send nothing for `seconds`."""
        self._outbox.stall(seconds)

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
            if message.type is WSMsgType.PONG:
                self._heartbeat.pong(_bytes(message.data))
            elif message.type is WSMsgType.PING:
                self._outbox.put(frame(_bytes(message.data), frames.PONG))
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._take_text(_bytes(message.data).decode(errors="replace"))
            else:
                return

    async def _send(self) -> None:
        try:
            await self._outbox.run()
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
            if self._heartbeat.ending() and (warning := self._warning()) is not None:
                self.put(warning)
            if (ping := self._heartbeat.ping()) is not None:
                self._outbox.put(frame(ping, frames.PING))


def _bytes(data: Any) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)
