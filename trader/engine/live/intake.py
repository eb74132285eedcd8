"""From sockets to instants: feeds, gap repair, the end of a play."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from trader.core.candle import Candle
from trader.core.events import Instant
from trader.core.settings import Settings
from trader.engine.live.feed import Feed, make_feed
from trader.engine.live.instants import InstantAssembler
from trader.engine.live.repair import Repairer
from trader.engine.live.venue import Venue
from trader.engine.streams import StreamPlan
from trader.exchange.binance.endpoints import PLAY_STREAM
from trader.exchange.binance.messages import Message, Play
from trader.exchange.binance.pool import StreamPool
from trader.exchange.binance.states import StateKind, StreamOptions, StreamState, StreamStats

log = logging.getLogger(__name__)


class Intake:
    """Subscribes the coins' base streams and turns them into instants that begin after `start` (ms).

    `wake` is set whenever `ready` may have something new. `arrived_s` is when the last closed candle came.
    """

    def __init__(self, settings: Settings, venue: Venue, plan: StreamPlan, start: int, wake: asyncio.Event) -> None:
        wait_ms = settings.INSTANT_WAIT_MS.spot if settings.MARKET == "spot" else settings.INSTANT_WAIT_MS.futures
        self.feeds = _feeds(settings, venue, plan)
        self.assembler = InstantAssembler(plan.exits, plan.streams, start, wait_ms / 1000)
        self.arrived_s = 0.0
        self.connected = asyncio.Event()
        self._stale_ms = settings.STREAM_STALE_MS
        self._grid_ms = min(base.ms for base in plan.exits.values())
        self._end_ms: int | None = None
        self._wake = wake
        self._by_stream = {feed.stream: feed for feed in self.feeds.values()}
        self._repairer = Repairer(self.assembler, self.feeds, venue.rest, wake.set)
        options = StreamOptions.of(settings.MARKET, settings.SOCKET_SILENCE_S, settings.STREAM_STALE_MS)
        streams = [*self._by_stream, *([PLAY_STREAM] if venue.embedded else [])]
        self._pool = StreamPool(venue.endpoints, streams, self._on_message, self._on_state, options)

    @property
    def stats(self) -> StreamStats:
        """Counts and ages of the streams."""
        return self._pool.stats

    @property
    def repaired(self) -> int:
        """Candles that were repaired by REST so far."""
        return self._repairer.repaired

    @property
    def clock_ms(self) -> int:
        """The market's clock: the newest event time seen."""
        return self._pool.clock.now_ms

    async def run(self) -> None:
        """Keep the streams coming until `stop`."""
        try:
            await self._pool.run()
        finally:
            await self._repairer.stop()

    def stop(self) -> None:
        """Close the connections and end repairs; `run` ends."""
        self._pool.stop()

    def ready(self) -> list[Instant]:
        """Return the instants that are complete, or have waited long enough."""
        for feed in self.feeds.values():
            self._push(feed.advance(self.clock_ms))
        return self.assembler.ready(time.monotonic())

    def pause_s(self, longest_s: float) -> float:
        """Return how long nothing can become ready without `wake`, at most `longest_s`."""
        deadline = self.assembler.deadline_s()
        return longest_s if deadline is None else max(0.0, min(longest_s, deadline - time.monotonic()))

    def repair_missing(self, symbol: str) -> None:
        """Fetch the candles of a coin that instants went on without."""
        self._repairer.want(symbol, self.assembler.done)

    def end_at(self, time_ms: int) -> None:
        """Take note that the play ended at `time_ms`."""
        if self._end_ms is None:
            self._end_ms = time_ms
            self._wake.set()

    def is_over(self) -> bool:
        """Tell whether the play has ended and every candle of it has been in an instant; ask for what lacks."""
        if self._end_ms is None:
            return False
        holes = self.assembler.holes(self._end_ms)
        for hole in holes:
            self._repairer.want(hole.symbol, self._end_ms)
        last = self._end_ms - self._end_ms % self._grid_ms
        return not holes and not self._repairer.busy and self.assembler.done >= last

    def _on_message(self, message: Message) -> None:
        if isinstance(message, Play):
            if message.state == "ended":
                self.end_at(message.event_ms)
            return
        feed = self._by_stream.get(getattr(message, "stream", ""))
        if feed is not None:
            self._push(feed.take(message))

    def _push(self, candles: Sequence[Candle]) -> None:
        for candle in candles:
            hole = self.assembler.push(candle)
            if hole is not None:
                self._repairer.want(hole.symbol, hole.end)
        if candles:
            self.arrived_s = time.monotonic()
            self._wake.set()

    def _on_state(self, state: StreamState) -> None:
        calm = state.kind in (StateKind.CONNECTED, StateKind.REPLACED, StateKind.RESUMED)
        log.log(
            logging.INFO if calm else logging.WARNING,
            "streams %s: %s",
            state.kind,
            state.reason or _named(state.streams),
        )
        if state.kind is StateKind.CONNECTED:
            self.connected.set()
        if state.kind in (StateKind.STALE, StateKind.MISSED):
            self._repair_late(state.streams)

    def _repair_late(self, streams: Sequence[str]) -> None:
        for stream in streams:
            feed = self._by_stream.get(stream)
            if feed is not None:
                self._repairer.want(feed.symbol, self.clock_ms - self._stale_ms)


def _feeds(settings: Settings, venue: Venue, plan: StreamPlan) -> dict[str, Feed]:
    state = venue.first_state
    columns = state.columns.get(settings.MARKET, {}) if state else {}
    return {
        symbol: make_feed(settings.MARKET, symbol, base, *([columns[symbol]] if symbol in columns else []))
        for symbol, base in plan.exits.items()
    }


def _named(streams: Sequence[str]) -> str:
    more = f" and {len(streams) - 4} more" if len(streams) > 4 else ""
    return ", ".join(streams[:4]) + more
