"""One socket of combined streams, from its opening to its end. Whether another follows is the supervisor's matter."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Sequence

import msgspec

from trader.core.errors import DataError, Unavailable
from trader.exchange.binance.codec import decode
from trader.exchange.binance.messages import Answer, KlineMessage, Message, ServerShutdown
from trader.exchange.binance.pace import RateWindow
from trader.exchange.binance.socket import Bytes
from trader.exchange.binance.states import StreamOptions
from trader.exchange.binance.watched_socket import WatchedSocket


class Connection(WatchedSocket):
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
        super().__init__(url, options, self._hear)
        self.streams: dict[str, None] = dict.fromkeys(streams)
        self.leaving = False
        self._later = later
        self._on_message = on_message
        self._on_corrupt = on_corrupt
        self._on_refused = on_refused
        self._on_leaving = on_leaving
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        # One by one, not in bursts: on the way two bursts may come closer together.
        self._pace = RateWindow(1, 1.0 / options.messages_per_s)

    async def open(self) -> None:
        """Connect, begin to read, and subscribe; raise one of `OPENING_ERRORS` when that fails."""
        try:
            await super().open()
            await self.subscribe(self._later)
        except BaseException:
            await self.close("it could not be opened")
            if self._failure is not None:
                raise self._failure from None
            raise

    async def subscribe(self, streams: Sequence[str]) -> None:
        """Ask for more streams, in batches within the message rate; raise `Unavailable` without an answer."""
        await self._ask_all("SUBSCRIBE", streams)
        self.streams |= dict.fromkeys(streams)

    async def unsubscribe(self, streams: Sequence[str]) -> None:
        """Give streams back."""
        await self._ask_all("UNSUBSCRIBE", streams)
        for stream in streams:
            self.streams.pop(stream, None)

    def _hear(self, frame: Bytes) -> None:
        try:
            message = decode(frame)
        except DataError as error:
            self._on_corrupt(str(error))
            return
        if type(message) is KlineMessage or not self._for_us(message):
            self._on_message(message)

    def _pings(self) -> None:
        self._pace.take(asyncio.get_running_loop().time())

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
        name = next(self._ids)
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting[name] = answer
        try:
            await self.send(msgspec.json.encode({"method": method, "params": streams, "id": name}))
            async with asyncio.timeout(self._options.answer_timeout_s):
                said = await answer
        except (TimeoutError, Unavailable) as error:
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

    def _is_over(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Unavailable("the connection ended before the answer"))


def first_streams(streams: Iterable[str], count: int) -> tuple[list[str], list[str]]:
    """Return the streams that go into the address, and the rest."""
    every = list(streams)
    return every[:count], every[count:]
