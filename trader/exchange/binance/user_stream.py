"""Keeps the account audible: reconnects, replaces in time, and says when something may have been missed.

What it delivers may repeat itself (two sockets overlap while one replaces the other); behind every `StreamBack` with
a gap, and every `StreamFault`, the listener reconciles by REST.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial
from typing import Protocol

from trader.core.account import AccountEvent, StreamBack, StreamFault, StreamLost
from trader.core.errors import DataError, ExchangeError, RateLimited, Unauthorized
from trader.exchange.binance.pace import Backoff, RateWindow
from trader.exchange.binance.race import first_to_end
from trader.exchange.binance.socket import Bytes
from trader.exchange.binance.states import CONNECTS, CONNECTS_PERIOD_S, StreamOptions
from trader.exchange.binance.user_codec import Control, ControlKind, UserMessage, WsAnswer, decode_user
from trader.exchange.binance.watched_socket import OPENING_ERRORS, WatchedSocket, asked_pause_s

OnEvent = Callable[[AccountEvent], None]


class Line(Protocol):
    """How one market's account is listened to."""

    async def open(self, on_frame: Callable[[Bytes], None]) -> WatchedSocket:
        """Return an open socket on which the account's events come; raise an `ExchangeError` or an opening's error."""
        ...

    def answered(self, answer: WsAnswer) -> None:
        """Take the answer to a request of `open`."""
        ...

    async def fence(self, socket: WatchedSocket) -> bool:
        """Ask the venue something harmless; once it is answered, all that it had told before has come."""
        ...

    async def tend(self, renew: Callable[[str], None]) -> None:
        """Do what keeps the line alive, until cancelled; call `renew(reason)` when it has to be opened anew."""
        ...


class UserStream:
    """Delivers the events of one account to `on_event`, which must not block; what that raises ends `run`."""

    def __init__(
        self,
        line: Line,
        on_event: OnEvent,
        options: StreamOptions | None = None,
        *,
        connects: RateWindow | None = None,
    ) -> None:
        self.opened = 0
        self.faults = 0
        self._line = line
        self._on_event = on_event
        self._options = options or StreamOptions()
        self._connects = connects or RateWindow(CONNECTS, CONNECTS_PERIOD_S)
        self._backoff = Backoff(self._options.first_wait_s, self._options.longest_wait_s)
        self._life_s = self._options.life_s * random.uniform(0.9, 1.0)
        self._current: WatchedSocket | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._wanted = ""
        self._wanted_by = 0
        self._tries = 0
        self._adopted = 0
        self._gap = True
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._failed: asyncio.Future[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether the account can be heard."""
        return self._current is not None

    async def fence(self, timeout_s: float) -> bool:
        """Wait until all that the venue has told by now has been delivered; tell whether that is certain."""
        socket = self._current
        if socket is None:
            return False
        try:
            async with asyncio.timeout(timeout_s):
                return await self._line.fence(socket) and socket is self._current
        except (TimeoutError, ExchangeError):
            return False

    async def run(self) -> None:
        """Keep the events coming until `stop`; raise `Unauthorized` when the key is refused."""
        self._failed = asyncio.get_running_loop().create_future()
        try:
            await first_to_end(self._keep(), self._watch(), self._tend(), self._stop.wait(), self._failed)
        finally:
            await self._close_all()

    def stop(self) -> None:
        """Let `run` end, with the connection closed."""
        self._stop.set()

    # --- the life of connections

    async def _keep(self) -> None:
        while True:
            self._adopt(await self._establish())
            await self._until_needed()

    async def _establish(self) -> WatchedSocket:
        """Open a socket, however long it takes; the old one, if any, goes on meanwhile."""
        while True:
            await asyncio.sleep(self._connects.take(asyncio.get_running_loop().time()))
            self._tries += 1
            try:
                socket = await self._line.open(partial(self._take, self._tries))
            except Unauthorized:
                raise
            except (*OPENING_ERRORS, ExchangeError, DataError) as error:
                await self._pause(error)
                continue
            self.opened += 1
            return socket

    async def _pause(self, error: Exception) -> None:
        if self._current is None:
            self._say(StreamLost(f"it could not be opened: {type(error).__name__}: {error}"))
        asked_s = error.retry_after_s if isinstance(error, RateLimited) else asked_pause_s(error)
        await asyncio.sleep(max(self._backoff.next_s(), asked_s))

    def _adopt(self, fresh: WatchedSocket) -> None:
        previous, self._current, self._adopted = self._current, fresh, self._tries
        reason, gap = self._wanted or "connected", self._gap or previous is None
        self._gap = False
        if self._wanted_by < self._adopted:
            self._wanted = ""
        assert fresh.ended is not None
        fresh.ended.add_done_callback(lambda task: self._ended(fresh, task))
        if previous is not None:
            self._dismiss(previous)
        self._say(StreamBack(reason, gap))

    async def _until_needed(self) -> None:
        while not self._wanted and self._current is not None:
            self._wake.clear()
            await self._wake.wait()
        if self._current is None:
            await asyncio.sleep(self._backoff.next_s())

    def _ended(self, socket: WatchedSocket, task: asyncio.Task[str]) -> None:
        if task.cancelled():
            return
        failure = task.exception()
        if failure is not None:
            self._fail(failure)
            return
        if socket is not self._current:
            return
        self._current, self._gap = None, True
        self._wake.set()
        if asyncio.get_running_loop().time() - socket.opened_at >= self._options.steady_s:
            self._backoff.reset()
        self._say(StreamLost(task.result()))

    def _want(self, reason: str, gap: bool, by: int = 0) -> None:
        """Ask for another socket than the `by`-th; with `gap` something has been missed on it already."""
        by = by or self._adopted
        if by < self._adopted:
            return
        self._gap = self._gap or gap
        self._wanted, self._wanted_by = self._wanted or reason, max(by, self._wanted_by)
        self._wake.set()

    def _dismiss(self, socket: WatchedSocket) -> None:
        task = asyncio.create_task(socket.close("replaced"))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close_all(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            self._dismiss(current)
        if self._closing:
            await asyncio.wait(self._closing)

    # --- what comes

    def _take(self, number: int, frame: Bytes) -> None:
        """Take what comes on the `number`-th socket."""
        try:
            messages = decode_user(frame)
        except DataError as error:
            self.faults += 1
            self._on_event(StreamFault(str(error)))
            return
        for message in messages:
            self._hand_on(number, message)

    def _hand_on(self, number: int, message: UserMessage) -> None:
        if isinstance(message, WsAnswer):
            self._line.answered(message)
        elif isinstance(message, Control):
            self._want(message.kind, gap=message.kind is not ControlKind.SHUTDOWN, by=number)
        else:
            self._on_event(message)

    def _say(self, event: AccountEvent) -> None:
        try:
            self._on_event(event)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    # --- the watchdog

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._options.check_every_s)
            socket = self._current
            if socket is None:
                continue
            if socket.silent_s > self._options.silence_s:
                socket.abort(f"nothing at all came for {socket.silent_s:.1f} s")
                continue
            if asyncio.get_running_loop().time() - socket.opened_at > self._life_s:
                self._want("the connection is old: the venue ends it at 24 h", gap=False)
            await socket.stir()

    async def _tend(self) -> None:
        await self._line.tend(lambda reason: self._want(reason, gap=True))
        await self._stop.wait()
