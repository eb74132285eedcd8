"""Spreads the streams of one market over as many connections as its routes and limits need."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from trader.exchange.binance.delivery import OnMessage, OnState
from trader.exchange.binance.endpoints import Endpoints, route_of
from trader.exchange.binance.pace import RateWindow
from trader.exchange.binance.race import first_to_end
from trader.exchange.binance.states import CONNECTS, CONNECTS_PERIOD_S, StreamOptions, StreamStats
from trader.exchange.binance.streams import StreamSupervisor
from trader.exchange.binance.watch import MarketClock


class StreamPool:
    """Delivers `streams` of one market; the callbacks and states are those of `StreamSupervisor`.

    Order is kept within a connection, not between two: what ends a play on one may come before candles on another.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        streams: Sequence[str],
        on_message: OnMessage,
        on_state: OnState,
        options: StreamOptions | None = None,
    ) -> None:
        self.clock = MarketClock()
        self.supervisors: list[StreamSupervisor] = []
        self._by_route: dict[str, list[StreamSupervisor]] = {}
        self._endpoints = endpoints
        self._on_message = on_message
        self._on_state = on_state
        self._options = options or StreamOptions.of(endpoints.market)
        self._connects = RateWindow(CONNECTS, CONNECTS_PERIOD_S)
        self._ended: asyncio.Future[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._place(streams)

    async def run(self) -> None:
        """Keep all streams coming until `stop`; raise only what the callbacks raise."""
        stopped = self._ended = asyncio.get_running_loop().create_future()
        for supervisor in self.supervisors:
            self._start(supervisor)
        try:
            await first_to_end(stopped)
        finally:
            for supervisor in self.supervisors:
                supervisor.stop()
            await asyncio.gather(*self._running, return_exceptions=True)

    def stop(self) -> None:
        """Let `run` end, with all connections closed."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def subscribe(self, streams: Sequence[str]) -> None:
        """Add streams, on connections that have room or on new ones."""
        before = len(self.supervisors)
        additions = self._place(streams)
        if self._ended is not None:
            for supervisor in self.supervisors[before:]:
                self._start(supervisor)
        for supervisor, chunk in additions:
            await supervisor.subscribe(chunk)

    async def unsubscribe(self, streams: Sequence[str]) -> None:
        """Drop streams."""
        for supervisor in self.supervisors:
            mine = [stream for stream in streams if stream in supervisor.streams]
            if mine:
                await supervisor.unsubscribe(mine)

    @property
    def stats(self) -> StreamStats:
        """Counts and ages of all connections together; `connected` when every one is."""
        each = [supervisor.stats for supervisor in self.supervisors]
        return StreamStats(
            messages=sum(stats.messages for stats in each),
            corrupt=sum(stats.corrupt for stats in each),
            connects=sum(stats.connects for stats in each),
            reconnects=sum(stats.reconnects for stats in each),
            replaced=sum(stats.replaced for stats in each),
            connected=all(stats.connected for stats in each),
            age_ms={stream: age for stats in each for stream, age in stats.age_ms.items()},
        )

    def _place(self, streams: Sequence[str]) -> list[tuple[StreamSupervisor, list[str]]]:
        """Make the connections that are needed; return what the ones that were there have room for."""
        additions = []
        for route, names in self._new_by_route(streams).items():
            for supervisor in self._by_route.setdefault(route, []):
                room = self._options.max_streams - len(supervisor.streams)
                chunk, names = names[:room], names[room:]
                if chunk:
                    additions.append((supervisor, chunk))
            for at in range(0, len(names), self._options.max_streams):
                self._add(route, names[at : at + self._options.max_streams])
        return additions

    def _new_by_route(self, streams: Sequence[str]) -> dict[str, list[str]]:
        known = {stream for supervisor in self.supervisors for stream in supervisor.streams}
        routes: dict[str, list[str]] = {}
        for stream in dict.fromkeys(streams):
            if stream not in known:
                routes.setdefault(route_of(self._endpoints.market, stream), []).append(stream)
        return routes

    def _add(self, route: str, streams: Sequence[str]) -> None:
        supervisor = StreamSupervisor(
            self._endpoints.stream_url,
            streams,
            self._on_message,
            self._on_state,
            self._options,
            clock=self.clock,
            connects=self._connects,
        )
        self.supervisors.append(supervisor)
        self._by_route[route].append(supervisor)

    def _start(self, supervisor: StreamSupervisor) -> None:
        task = asyncio.create_task(supervisor.run())
        self._running.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None and self._ended is not None and not self._ended.done():
            self._ended.set_exception(failure)
