"""One socket of an account, from its opening to its end; what comes on it goes to one listener, undecoded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from trader.core.errors import Unavailable
from trader.exchange.binance.connection import LOOPBACK, MAX_MESSAGE_BYTES
from trader.exchange.binance.socket import Bytes, ListeningSocket
from trader.exchange.binance.states import StreamOptions


class UserSocket:
    """A socket at `url`. `on_frame` must not block; what it raises is found in `ended`, as is the reason of the end."""

    def __init__(self, url: str, options: StreamOptions, on_frame: Callable[[Bytes], None]) -> None:
        self.opened_at = 0.0
        self.ended: asyncio.Task[str] | None = None
        self._url = url
        self._options = options
        self._on_frame = on_frame
        self._socket: ListeningSocket | None = None
        self._failure: Exception | None = None
        self._reason = ""
        self._pinged_at = 0.0

    async def open(self) -> None:
        """Connect and begin to read; raise one of `connection.OPENING_ERRORS` when that fails."""
        loopback = urlsplit(self._url).hostname in LOOPBACK
        socket = await connect(
            self._url,
            compression=None,
            proxy=None if loopback else True,
            open_timeout=self._options.open_timeout_s,
            close_timeout=self._options.close_timeout_s,
            ping_interval=None,
            max_size=MAX_MESSAGE_BYTES,
            create_connection=partial(ListeningSocket, take=self._take),  # type: ignore[arg-type]  # called, no more
        )
        assert isinstance(socket, ListeningSocket)
        self._socket = socket
        self.opened_at = asyncio.get_running_loop().time()
        self.ended = asyncio.create_task(self._read(socket))

    async def send(self, text: bytes) -> None:
        """Send a text message; raise `Unavailable` when the connection is gone."""
        if self._socket is None:
            raise Unavailable("the connection is not open")
        try:
            await self._socket.send(text.decode())
        except ConnectionClosed as error:
            raise Unavailable(f"the connection is gone: {error}") from error

    @property
    def silent_s(self) -> float:
        """Seconds since anything came in."""
        if self._socket is None:
            return 0.0
        return asyncio.get_running_loop().time() - max(self._socket.heard_at, self.opened_at)

    async def stir(self) -> None:
        """Ping a quiet socket: an account may have nothing to say for hours, a living socket answers."""
        quiet_s = self._options.silence_s / 3
        now = asyncio.get_running_loop().time()
        if self._socket is None or self.silent_s < quiet_s or now - self._pinged_at < quiet_s:
            return
        self._pinged_at = now
        try:
            async with asyncio.timeout(1.0):
                await self._socket.ping()
        except (TimeoutError, ConnectionClosed):
            return

    def abort(self, reason: str) -> None:
        """End a dead socket at once, without the other side."""
        self._reason = self._reason or reason
        if self._socket is not None:
            self._socket.transport.abort()

    async def close(self, reason: str = "closed") -> None:
        """Say goodbye and end."""
        self._reason = self._reason or reason
        if self._socket is not None:
            await self._socket.close()
        if self.ended is not None:
            await asyncio.gather(self.ended, return_exceptions=True)

    async def _read(self, socket: ListeningSocket) -> str:
        try:
            while True:
                frame = await socket.recv(decode=False)
                self._take(frame)
        except ConnectionClosed as error:
            if self._failure is not None:
                raise self._failure from None
            return self._reason or f"the connection ended: {error}"
        finally:
            socket.transport.abort()

    def _take(self, frame: Bytes) -> None:
        try:
            self._on_frame(frame)
        except Exception as error:
            self._failure = self._failure or error
            self._on_frame = _ignore
            self.abort(f"a listener failed: {error}")


def _ignore(frame: Bytes) -> None:
    return
