"""One socket of combined streams, from its opening to its end. Whether another follows is the supervisor's matter."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from trader.core.errors import DataError, Unavailable
from trader.exchange.binance.codec import decode
from trader.exchange.binance.messages import Answer, KlineMessage, Message, ServerShutdown
from trader.exchange.binance.pace import RateWindow
from trader.exchange.binance.socket import Bytes, ListeningSocket
from trader.exchange.binance.states import StreamOptions

#: A message may be large where it carries all markets.
MAX_MESSAGE_BYTES = 8 * 2**20
LOOPBACK = ("127.0.0.1", "::1", "localhost")
#: What a failed opening raises.
OPENING_ERRORS = (OSError, TimeoutError, WebSocketException, Unavailable)


class Connection:
    """A socket at `url`, which serves `streams`; `later` are subscribed by message once it is open.

    `on_message` gets what is decoded, `on_corrupt` the reason of what is not; what they raise is found in `ended`.
    `on_refused(streams, reason)`: the venue said no. `on_leaving`, and `leaving` from then on: it has said that it
    will close this connection.
    """

    def __init__(
        self,
        url: str,
        streams: Sequence[str],
        later: Sequence[str],
        options: StreamOptions,
        on_message: Callable[[Message], None],
        on_corrupt: Callable[[str], None],
        on_refused: Callable[[tuple[str, ...], str], None],
        on_leaving: Callable[[Connection], None],
    ) -> None:
        self.streams: dict[str, None] = dict.fromkeys(streams)
        self.opened_at = 0.0
        self.ended: asyncio.Task[str] | None = None
        self.leaving = False
        self._url = url
        self._later = later
        self._options = options
        self._on_message = on_message
        self._on_corrupt = on_corrupt
        self._on_refused = on_refused
        self._on_leaving = on_leaving
        self._socket: ListeningSocket | None = None
        self._failure: Exception | None = None
        self._reason = ""
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        # One by one, not in bursts: on the way two bursts may come closer together.
        self._pace = RateWindow(1, 1.0 / options.messages_per_s)
        self._pinged_at = 0.0

    async def open(self) -> None:
        """Connect, begin to read, and subscribe; raise one of `OPENING_ERRORS` when that fails."""
        try:
            self._socket = socket = await self._connect()
            self.opened_at = asyncio.get_running_loop().time()
            self.ended = asyncio.create_task(self._read(socket))
            await self.subscribe(self._later)
        except BaseException:
            await self.close("it could not be opened")
            if self._failure is not None:
                raise self._failure from None
            raise

    async def _connect(self) -> ListeningSocket:
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
        return socket

    async def subscribe(self, streams: Sequence[str]) -> None:
        """Ask for more streams, in batches within the message rate; raise `Unavailable` without an answer."""
        await self._ask_all("SUBSCRIBE", streams)
        self.streams |= dict.fromkeys(streams)

    async def unsubscribe(self, streams: Sequence[str]) -> None:
        """Give streams back."""
        await self._ask_all("UNSUBSCRIBE", streams)
        for stream in streams:
            self.streams.pop(stream, None)

    @property
    def silent_s(self) -> float:
        """Seconds since anything came in."""
        if self._socket is None:
            return 0.0
        return asyncio.get_running_loop().time() - max(self._socket.heard_at, self.opened_at)

    async def stir(self) -> None:
        """Ping a quiet socket, so that a living one has something to say: the venue's pings may be minutes apart."""
        quiet_s = self._options.silence_s / 3
        now = asyncio.get_running_loop().time()
        if self._socket is None or self.silent_s < quiet_s or now - self._pinged_at < quiet_s:
            return
        self._pinged_at = now
        self._pace.take(now)
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
            self._give_up()

    def _take(self, frame: Bytes) -> None:
        try:
            try:
                message = decode(frame)
            except DataError as error:
                self._on_corrupt(str(error))
                return
            if type(message) is KlineMessage or not self._for_us(message):
                self._on_message(message)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """End with the error of a listener, and tell it nothing more."""
        self._failure = self._failure or error
        self._on_message = _ignore
        self._on_corrupt = _ignore
        self.abort(f"a listener failed: {error}")

    def _for_us(self, message: Message) -> bool:
        """Take what concerns the connection itself; return whether that was all."""
        if isinstance(message, Answer):
            self._answered(message)
            return True
        if isinstance(message, ServerShutdown):
            self.leaving = True
            self._on_leaving(self)
        return False

    async def _ask_all(self, method: str, streams: Sequence[str]) -> None:
        size = self._options.batch
        await asyncio.gather(
            *(self._ask(method, tuple(streams[at : at + size])) for at in range(0, len(streams), size))
        )

    async def _ask(self, method: str, streams: tuple[str, ...]) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._pace.take(loop.time()))
        if self._socket is None or self.ended is None or self.ended.done():
            raise Unavailable(f"{method} of {len(streams)} streams: the connection is gone")
        name = next(self._ids)
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting[name] = answer
        try:
            await self._socket.send(msgspec.json.encode({"method": method, "params": streams, "id": name}).decode())
            async with asyncio.timeout(self._options.answer_timeout_s):
                said = await answer
        except (TimeoutError, ConnectionClosed) as error:
            raise Unavailable(f"{method} of {', '.join(streams[:3])}: no answer ({error})") from error
        finally:
            self._waiting.pop(name, None)
        if said.text:
            self._on_refused(streams, f"{method} refused with code {said.code}: {said.text}")

    def _answered(self, answer: Answer) -> None:
        waiting = self._waiting.get(answer.id) if isinstance(answer.id, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
        elif answer.text:
            self._on_refused((), f"the venue refused something with code {answer.code}: {answer.text}")

    def _give_up(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Unavailable("the connection ended before the answer"))


def _ignore(_: object) -> None:
    return


def asked_pause_s(error: BaseException) -> float:
    """Return the seconds for which a refused opening asks us to stay away; 0 when it does not."""
    if not isinstance(error, InvalidStatus):
        return 0.0
    text = error.response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0


def first_streams(streams: Iterable[str], count: int) -> tuple[list[str], list[str]]:
    """Return the streams that go into the address, and the rest."""
    every = list(streams)
    return every[:count], every[count:]
