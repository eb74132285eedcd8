"""Keeps the streams of one connection coming: reconnects, resubscribes, replaces in time, watches every stream.

What it delivers may repeat itself (two sockets overlap while one replaces the other) and may have holes (while there
was none): whoever listens drops duplicates and repairs by REST behind the states that say so.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from trader.core.errors import ConfigError, Unavailable
from trader.exchange.binance.connection import Connection, first_streams
from trader.exchange.binance.delivery import Delivery, OnMessage, OnState
from trader.exchange.binance.pace import Backoff, RateWindow
from trader.exchange.binance.race import first_to_end
from trader.exchange.binance.states import CONNECTS, CONNECTS_PERIOD_S, StateKind, StreamOptions, StreamStats
from trader.exchange.binance.watch import MarketClock, StreamWatch
from trader.exchange.binance.watched_socket import OPENING_ERRORS, asked_pause_s

SHUTDOWN = "the venue is about to close this connection"


class StreamSupervisor:
    """Delivers `streams` over one connection, whatever happens to it.

    `url_for(streams)` gives the address of a combined connection. `on_message` and `on_state` are called in the loop
    and must not block; what they raise ends `run`. Share `clock` and `connects` among the connections of a market.
    """

    def __init__(
        self,
        url_for: Callable[[Sequence[str]], str],
        streams: Sequence[str],
        on_message: OnMessage,
        on_state: OnState,
        options: StreamOptions | None = None,
        *,
        clock: MarketClock | None = None,
        connects: RateWindow | None = None,
    ) -> None:
        self.clock = clock or MarketClock()
        self.streams: dict[str, None] = {}
        self._url_for = url_for
        self._options = options or StreamOptions()
        self._connects = connects or RateWindow(CONNECTS, CONNECTS_PERIOD_S)
        self._watch = StreamWatch(self.clock, self._options.stale_ms)
        self._delivery = Delivery(self.streams, self._watch, self._options, on_message, on_state)
        self._backoff = Backoff(self._options.first_wait_s, self._options.longest_wait_s)
        self._stale_backoff = Backoff(self._options.first_stale_wait_s, self._options.longest_stale_wait_s)
        self._replace_stale_at = 0.0
        self._life_s = self._options.life_s * random.uniform(0.9, 1.0)  # not all at once
        self._current: Connection | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._wanted = ""
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._opened = 0
        self._replaced = 0
        self._add(streams)

    async def run(self) -> None:
        """Keep the streams coming until `stop`; raise only what `on_message` or `on_state` raise."""
        failed = self._delivery.failed = asyncio.get_running_loop().create_future()
        try:
            await first_to_end(self._keep(), self._look_after(), self._stop.wait(), failed)
        finally:
            await self._close_all()

    def stop(self) -> None:
        """Let `run` end: the connection is closed within `close_timeout_s`."""
        self._stop.set()

    async def subscribe(self, streams: Sequence[str]) -> None:
        """Add streams, now and after every reconnect; raise `ConfigError` when they are too many for a connection."""
        self._add(streams)
        await self._catch_up()

    async def unsubscribe(self, streams: Sequence[str]) -> None:
        """Drop streams."""
        for stream in streams:
            self.streams.pop(stream, None)
        self._watch.remove(streams)
        if self._current is not None:
            await self._quietly(self._current.unsubscribe(streams))

    @property
    def stats(self) -> StreamStats:
        """Counts, and the age of every stream."""
        reconnects = max(0, self._opened - self._replaced - 1)
        connected = self._current is not None
        counts = (self._delivery.messages, self._delivery.corrupt, self._opened, reconnects, self._replaced)
        return StreamStats(*counts, connected, self._watch.ages_ms())

    def _add(self, streams: Sequence[str]) -> None:
        count, most = len(self.streams.keys() | set(streams)), self._options.max_streams
        if count > most:
            raise ConfigError(f"{count} streams on one connection are too many; allowed: {most} (use StreamPool)")
        self.streams |= dict.fromkeys(streams)
        self._watch.add(streams)

    # --- the life of connections

    async def _keep(self) -> None:
        while True:
            fresh = await self._establish()
            await self._adopt(fresh)
            await self._until_needed()

    async def _establish(self) -> Connection:
        """Open a connection, however long it takes; the old one, if any, goes on meanwhile."""
        while True:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(self._connects.take(loop.time()))
            connection = self._connection()
            try:
                await connection.open()
            except OPENING_ERRORS as error:
                self._delivery.say(StateKind.FAILED, tuple(self.streams), f"{type(error).__name__}: {error}")
                await asyncio.sleep(max(self._backoff.next_s(), asked_pause_s(error)))
                continue
            self._opened += 1
            return connection

    def _connection(self) -> Connection:
        first, later = first_streams(self.streams, self._options.url_streams)
        url = self._url_for(first)
        told = self._delivery
        return Connection(url, first, later, self._options, told.message, told.corrupt_frame, told.refused, self._leave)

    async def _adopt(self, fresh: Connection) -> None:
        previous, self._current = self._current, fresh
        self._replaced += previous is not None
        kind = StateKind.CONNECTED if previous is None else StateKind.REPLACED
        if previous is None:
            self._watch.renew()
        self._delivery.say(kind, tuple(self.streams), self._wanted)
        self._wanted = ""
        assert fresh.ended is not None
        fresh.ended.add_done_callback(lambda task: self._ended(fresh, task))
        if previous is not None:
            self._dismiss(previous)
        if fresh.leaving:
            self._want_replacement(SHUTDOWN)
        await self._catch_up()

    async def _until_needed(self) -> None:
        """Wait until a connection must be made: this one is lost, or is to be replaced."""
        while not self._wanted and self._current is not None:
            self._wake.clear()
            await self._wake.wait()
        if self._current is None:
            await asyncio.sleep(self._backoff.next_s())

    def _ended(self, connection: Connection, task: asyncio.Task[str]) -> None:
        if task.cancelled():
            return
        failure = task.exception()
        if failure is not None:
            return self._delivery.fail(failure)
        if connection is not self._current:
            return None
        self._current = None
        self._wake.set()
        if asyncio.get_running_loop().time() - connection.opened_at >= self._options.steady_s:
            self._backoff.reset()
        return self._delivery.say(StateKind.DISCONNECTED, tuple(self.streams), task.result())

    def _want_replacement(self, reason: str) -> None:
        if self._current is not None and not self._wanted:
            self._wanted = reason
            self._wake.set()

    def _dismiss(self, connection: Connection) -> None:
        task = asyncio.create_task(connection.close("replaced"))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close_all(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            self._dismiss(current)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _catch_up(self) -> None:
        """Subscribe what was added while the connection was being made."""
        connection = self._current
        if connection is None:
            return
        missing = [stream for stream in self.streams if stream not in connection.streams]
        if missing:
            await self._quietly(connection.subscribe(missing))

    async def _quietly(self, asking: Awaitable[None]) -> None:
        """Ask something of the connection; when no answer comes, another connection will ask."""
        try:
            await asking
        except Unavailable as error:
            self._want_replacement(str(error))

    def _leave(self, connection: Connection) -> None:
        if connection is self._current:
            self._want_replacement(SHUTDOWN)

    # --- the watchdog

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(self._options.check_every_s)
            connection = self._current
            if connection is not None:
                await self._check_socket(connection)
                self._delivery.tell_late(asyncio.get_running_loop().time(), connection.opened_at)
            self._check_streams()

    async def _check_socket(self, connection: Connection) -> None:
        if connection.silent_s > self._options.silence_s:
            connection.abort(f"nothing at all came for {connection.silent_s:.1f} s")
            return
        if asyncio.get_running_loop().time() - connection.opened_at > self._life_s:
            self._want_replacement("the connection is old: the venue ends it at 24 h")
        await connection.stir()

    def _check_streams(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._replace_stale_at:
            return
        if not self._watch.any_stale:
            self._stale_backoff.reset()
        elif self._current is not None:
            self._replace_stale_at = now + self._stale_backoff.next_s()
            self._want_replacement("a stream is silent on an open socket")
