"""One socket from its opening to its end, and whether it still lives; what comes on it is handed on undecoded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from trader.core.errors import Unavailable
from trader.exchange.binance.socket import Bytes, ListeningSocket
from trader.exchange.binance.states import StreamOptions

#: A message may be large where it carries all markets.
MAX_MESSAGE_BYTES = 8 * 2**20
LOOPBACK = ("127.0.0.1", "::1", "localhost")
#: What a failed opening raises.
OPENING_ERRORS = (OSError, TimeoutError, WebSocketException, Unavailable)


class WatchedSocket:
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
        """Connect and begin to read; raise one of `OPENING_ERRORS` when that fails."""
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
        if self._socket is None or self.ended is None or self.ended.done():
            raise Unavailable("the connection is gone")
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
        """Ping a quiet socket, so that a living one has something to say: it may have nothing to tell for hours."""
        quiet_s = self._options.silence_s / 3
        now = asyncio.get_running_loop().time()
        if self._socket is None or self.silent_s < quiet_s or now - self._pinged_at < quiet_s:
            return
        self._pinged_at = now
        self._pings()
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
        """Read what does not come straight, until the end; return why it came, or raise what a listener raised."""
        try:
            while True:
                self._take(await socket.recv(decode=False))
        except ConnectionClosed as error:
            if self._failure is not None:
                raise self._failure from None
            return self._reason or f"the connection ended: {error}"
        finally:
            socket.transport.abort()
            self._is_over()

    def _take(self, frame: Bytes) -> None:
        try:
            self._on_frame(frame)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """End with the error of a listener, and tell it nothing more."""
        self._failure = self._failure or error
        self._on_frame = _ignore
        self.abort(f"a listener failed: {error}")

    def _pings(self) -> None:
        """Be told that a ping goes out, which counts as a message."""

    def _is_over(self) -> None:
        """Be told that nothing more comes."""


def _ignore(_: object) -> None:
    return


def asked_pause_s(error: BaseException) -> float:
    """Return the seconds for which a refused opening asks us to stay away; 0 when it does not."""
    if not isinstance(error, InvalidStatus):
        return 0.0
    text = error.response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0
