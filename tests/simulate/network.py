"""The way between trader and exchange: requests, answers and events that come late, twice, out of order, or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import aiohttp
import msgspec

from tests.simulate.exchange import SimulatedExchange
from tests.simulate.trace import Trace
from tests.simulate.weather import Weather
from trader.exchange.binance.trade_client import RECV_WINDOW_MS
from trader.exchange.embedded.order_mischief import Reply

#: A request whose connection was lost may arrive so much later: the last that the exchange still takes, and after.
LATEST_S = RECV_WINDOW_MS / 1000 + 0.2
#: After how long it is known that events were lost, at most.
GAP_S = 8.0

Frame = Callable[[bytes], None]


class Network:
    """One cable. `up` is whether anything passes; `told` is called when events were missed and can be heard again."""

    def __init__(self, seed: int, weather: Weather, exchange: SimulatedExchange, trace: Trace) -> None:
        self.up = True
        self.faults = 0
        self.weather: Weather | None = weather
        self._latency_s = weather.latency_s
        self._random = Random(f"{seed}/network")
        self._exchange = exchange
        self._trace = trace
        self._loop = asyncio.get_running_loop()
        self._hearing: Frame | None = None
        self._gap: Callable[[], None] = lambda: None
        self._line = 0
        self._due_s = 0.0
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._count = 0
        self.lost: Callable[[float], None] = lambda until_s: None
        exchange.join(self)

    # --- requests ---------------------------------------------------------------------------------------------------

    async def carry(self, method: str, path: str, values: Mapping[str, str]) -> Reply:
        """Return the answer to a request; raise what aiohttp would where none comes."""
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._count += 1
        number = self._count
        self._tasks[number] = self._loop.create_task(self._travel(method, path, values, answer))
        self._tasks[number].add_done_callback(lambda _: self._tasks.pop(number))
        return await answer

    async def _travel(self, method: str, path: str, values: Mapping[str, str], answer: asyncio.Future[Reply]) -> None:
        if not self.up:
            await self._pass()
            return _fail(answer, aiohttp.ConnectionTimeoutError())
        if method == "GET" and self._strikes("read_lost"):
            await asyncio.sleep(self._random.random() * 3)
            return _fail(answer, aiohttp.ServerDisconnectedError())
        if method != "GET" and self._strikes("late"):
            _fail(answer, aiohttp.ServerDisconnectedError())
            await asyncio.sleep(self._random.random() * LATEST_S)
        await self._pass()
        reply = await self._exchange.ask(method, path, values) if self.up else None
        await self._pass()
        if reply is None or not self.up:
            return _fail(answer, aiohttp.ServerDisconnectedError())
        if not answer.done():
            answer.set_result(Reply(reply.status, msgspec.json.decode(msgspec.json.encode(reply.body)), reply.headers))

    async def _pass(self) -> None:
        await asyncio.sleep(self._random.random() * self._latency_s)
        for _ in range(self._random.randrange(3)):
            await asyncio.sleep(0)

    # --- events -----------------------------------------------------------------------------------------------------

    def listen(self, frame: Frame, gap: Callable[[], None]) -> None:
        """Let a trader hear; `gap` tells it that it may have missed something."""
        self._line += 1
        self._hearing, self._gap = frame, gap

    def deaf(self) -> None:
        """Nobody hears any more."""
        self._line += 1
        self._hearing = None

    def hear(self, event: dict[str, Any]) -> None:
        """Take an event of the exchange, and do with it what the weather is like."""
        if not self.up or self._hearing is None:
            return
        frame = msgspec.json.encode(event)
        if self._strikes("event_lost"):
            wait_s = self._random.random() * GAP_S
            self._trace.say(f"lost: {event['e']}, told in {wait_s:.1f} s")
            self.lost(self._loop.time() + wait_s)
            self._later(wait_s, self._tell_gap)
            return
        if self._strikes("event_late"):
            self._later(self._random.random() * 3, lambda: self._emit(frame))
            return
        self._in_order(frame)
        if self._strikes("event_twice"):
            self._later(self._random.random() * 3, lambda: self._emit(frame))

    def over(self, told: bool) -> None:
        """End: never, for this listener is the whole way."""

    def reconnected(self) -> None:
        """Hear again after the way was broken: something may have been missed."""
        self._later(self._random.random(), self._tell_gap)

    def _in_order(self, frame: bytes) -> None:
        self._due_s = max(self._due_s, self._loop.time() + self._random.random() * self._latency_s)
        line = self._line
        self._loop.call_at(self._due_s, lambda: self._emit(frame) if line == self._line else None)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        line = self._line
        self._loop.call_later(seconds, lambda: act() if line == self._line else None)

    def _emit(self, frame: bytes) -> None:
        if self._hearing is not None:
            self._hearing(frame)

    def _tell_gap(self) -> None:
        if self._hearing is not None:
            self._gap()

    def _strikes(self, kind: str) -> bool:
        if self.weather is None or self._random.random() >= getattr(self.weather, kind):
            return False
        self.faults += 1
        return True


def _fail(answer: asyncio.Future[Reply], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
