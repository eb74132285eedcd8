"""From sockets to instants: feeds, gap repair, the end of a play."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

import msgspec

from trader.core.candle import Candle
from trader.core.events import Instant
from trader.core.settings import Settings
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.engine.live.announced import NEAR_MS, Announcements
from trader.engine.live.feed import Feed, KlineFeed, SecondFeed
from trader.engine.live.instants import InstantAssembler
from trader.engine.live.repair import Repairer
from trader.engine.live.trade_feed import TradeFeed
from trader.engine.live.venue import Venue
from trader.engine.streams import StreamPlan
from trader.exchange.binance.endpoints import PLAY_STREAM, mark_price_stream
from trader.exchange.binance.messages import MarkPrice, Message, Play
from trader.exchange.binance.pace import Backoff
from trader.exchange.binance.pool import StreamPool
from trader.exchange.binance.race import first_to_end
from trader.exchange.binance.states import StateKind, StreamOptions, StreamState, StreamStats

log = logging.getLogger(__name__)

#: Coins about which REST is asked at a time; one on this machine, which answers at once.
TOGETHER = 4
#: Unless an instant may wait less, REST is asked for what it lacks after so long.
PATIENCE_S = 1.0
#: At the highest speed, so many looks of a second without a message mean that nothing is heard.
DEAF_LOOKS = 3
#: Streams that stay silent are subscribed anew after waits that grow between these bounds.
FIRST_REVIVAL_S, LONGEST_REVIVAL_S = 3.0, 300.0
#: Behind these a candle may be missing though nothing else shows it before the next one closes.
LOSSY = (StateKind.CONNECTED, StateKind.REPLACED, StateKind.CORRUPT)
#: An exchange on this machine may be knocked at often.
EMBEDDED_PATIENCE = {"steady_s": 1.0, "longest_wait_s": 1.0, "first_stale_wait_s": 0.5, "longest_stale_wait_s": 10.0}


class Intake:
    """Subscribes the coins' base streams and turns them into instants that begin after `start` (ms).

    `wake` is set whenever `next` may have something new. `connected` is set once every connection has been made.
    """

    def __init__(self, settings: Settings, venue: Venue, plan: StreamPlan, start: int, wake: asyncio.Event) -> None:
        wait_ms = settings.INSTANT_WAIT_MS.spot if settings.MARKET == "spot" else settings.INSTANT_WAIT_MS.futures
        self.feeds = {symbol: _feed(settings, venue, symbol, base) for symbol, base in plan.exits.items()}
        self.assembler = InstantAssembler(plan.exits, plan.streams, start, wait_ms / 1000)
        self.connected = asyncio.Event()
        self._venue = venue
        self._stale_ms = settings.STREAM_STALE_MS
        self._patience_s = min(PATIENCE_S, wait_ms / 2000)
        self._grid_ms = min(base.ms for base in plan.exits.values())
        self._end_ms: int | None = None
        self._wake = wake
        self._arrived: dict[int, float] = {}
        self._heard = self._deaf = 0
        self._suspects: dict[str, int] = {}
        self._revive_at = 0.0
        self._revival = Backoff(FIRST_REVIVAL_S, LONGEST_REVIVAL_S)
        self._by_stream = {feed.stream: feed for feed in self.feeds.values()}
        self._clocked = [feed for feed in self.feeds.values() if isinstance(feed, TradeFeed)]
        together = 1 if venue.embedded else TOGETHER
        self._repairer = Repairer(self.assembler, self.feeds, venue.rest, self._known_ms, wake.set, together)
        #: What the streams say of funding; an embedded exchange, whose rates are final all along, speaks of it once a
        #: candle when its play goes fast.
        self.announced = Announcements(max(MINUTE_MS, self._grid_ms) if venue.embedded else NEAR_MS)
        marks = [mark_price_stream(symbol) for symbol in self.feeds] if settings.MARKET == "futures" else []
        streams = [*self._by_stream, *marks, *([PLAY_STREAM] if venue.embedded else [])]
        self._pool = StreamPool(venue.endpoints, streams, self._on_message, self._on_state, _options(settings, venue))

    @property
    def stats(self) -> StreamStats:
        """Counts and ages of the streams that bring candles."""
        stats = self._pool.stats
        ages = {stream: age for stream, age in stats.age_ms.items() if stream != PLAY_STREAM}
        return msgspec.structs.replace(stats, age_ms=ages)

    @property
    def repaired(self) -> int:
        """Candles that were repaired by REST so far."""
        return self._repairer.repaired

    @property
    def clock_ms(self) -> int:
        """The market's clock: the newest event time seen."""
        return self._pool.clock.now_ms

    async def run(self) -> None:
        """Keep the streams coming until `stop`; raise what nobody foresaw."""
        try:
            await first_to_end(self._pool.run(), self._repairer.failure)
        finally:
            await self._repairer.stop()

    def stop(self) -> None:
        """Close the connections and end repairs; `run` ends."""
        self._pool.stop()

    def next(self) -> Instant | None:
        """Return the next instant that is complete, or has waited long enough."""
        for feed in self._clocked:
            self._push(feed.advance(self.clock_ms))
        return self.assembler.next(time.monotonic())

    def arrived_s(self, instant: Instant) -> float:
        """Return when the last candle of `instant`, which is not asked for again, came on the monotonic clock."""
        came = self._arrived.pop(instant.time, None)
        while self._arrived and (first := next(iter(self._arrived))) < instant.time:
            del self._arrived[first]
        return time.monotonic() if came is None else came

    def pause_s(self, longest_s: float) -> float:
        """Return how long nothing can become ready without `wake`, at most `longest_s`."""
        deadline = self.assembler.deadline_s()
        return longest_s if deadline is None else max(0.0, min(longest_s, deadline - time.monotonic()))

    def ask_for_lacking(self) -> None:
        """Let REST say what keeps an instant waiting, or was missing when one went on."""
        for hole in self.assembler.lacking(time.monotonic(), self._patience_s):
            self._repairer.want(hole.symbol, hole.end)
        for symbol in self.assembler.gaps:
            self._repairer.want(symbol, 0)

    async def look_after(self, market_ms: int) -> None:
        """Notice silence on open sockets; `market_ms` is the market's time as told elsewhere, asked about every second.

        It counts only while the streams say nothing: then those whose candle is due are found to be stale. At the
        highest speed time stands still while nobody hears, so silence itself must do.
        """
        heard, self._heard = self._heard, self._pool.stats.messages
        self._deaf = self._deaf + 1 if heard == self._heard and self._end_ms is None else 0
        if self._deaf:
            self._pool.clock.now_ms = max(self._pool.clock.now_ms, market_ms)
        nothing = self._deaf >= DEAF_LOOKS and not self._venue.keeps_time
        clock = self.clock_ms
        silent = [feed.stream for feed in self.feeds.values() if nothing or (clock and feed.is_silent(clock))]
        self._ask_for_lost()
        await self._revive(silent)

    async def _revive(self, silent: Sequence[str]) -> None:
        """Subscribe streams anew, with waits that grow while they stay silent."""
        now = time.monotonic()
        if not silent:
            self._revival.reset()
        elif now >= self._revive_at and self.connected.is_set():
            self._revive_at = now + self._revival.next_s()
            log.warning("nothing comes on %s: subscribing anew", _named(silent))
            await self._pool.unsubscribe(silent)
            await self._pool.subscribe(silent)

    def end_at(self, time_ms: int) -> None:
        """Take note that the play ended at `time_ms`."""
        self._pool.clock.now_ms = max(self._pool.clock.now_ms, time_ms)
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

    def _known_ms(self) -> int:
        return self._venue.known_ms(self.clock_ms)

    def _on_message(self, message: Message) -> None:
        feed = self._by_stream.get(getattr(message, "stream", ""))
        if feed is not None:
            self._push(feed.take(message))
        elif isinstance(message, MarkPrice):
            self.announced.hear(message)
        elif isinstance(message, Play) and message.state == "ended":
            self.end_at(message.event_ms)

    def _push(self, candles: Sequence[Candle]) -> None:
        for candle in candles:
            self._arrived[candle.close_time] = time.monotonic()
            hole = self.assembler.push(candle)
            if hole is not None:
                self._repairer.want(hole.symbol, hole.end)
        if candles:
            self._wake.set()

    def _on_state(self, state: StreamState) -> None:
        calm = state.kind in (StateKind.CONNECTED, StateKind.REPLACED, StateKind.RESUMED)
        level = logging.INFO if calm else logging.WARNING
        log.log(level, "streams %s: %s", state.kind, state.reason or _named(state.streams))
        if state.kind is not StateKind.RESUMED:
            self._doubt(state.streams)
        if state.kind is StateKind.CONNECTED and self._pool.stats.connected:
            self.connected.set()
        if state.kind is StateKind.DISCONNECTED and self._venue.keeps_time:
            self.assembler.times.interrupt()
        if state.kind in (StateKind.STALE, StateKind.MISSED):
            self._repair_late(state.streams)
        if state.kind in LOSSY:
            self._suspects |= dict.fromkeys(state.streams, self._venue.market_ms(self.clock_ms))

    def _doubt(self, streams: Sequence[str]) -> None:
        for stream in streams:
            if stream in self._by_stream:
                self._by_stream[stream].doubt()

    def _ask_for_lost(self) -> None:
        """Let REST say what streams have lost, if they have, once it knows all that had closed by then."""
        known = self._known_ms()
        for stream in [stream for stream, since_ms in self._suspects.items() if since_ms < known]:
            del self._suspects[stream]
            feed = self._by_stream.get(stream)
            if feed is not None:
                self._repairer.want(feed.symbol, known - 1)  # what closes just now is on its way

    def _repair_late(self, streams: Sequence[str]) -> None:
        for stream in streams:
            feed = self._by_stream.get(stream)
            if feed is not None:
                self._repairer.want(feed.symbol, self.clock_ms - self._stale_ms)


def _options(settings: Settings, venue: Venue) -> StreamOptions:
    options = StreamOptions.of(settings.MARKET, settings.SOCKET_SILENCE_S, settings.STREAM_STALE_MS)
    return msgspec.structs.replace(options, **EMBEDDED_PATIENCE) if venue.embedded else options


def _feed(settings: Settings, venue: Venue, symbol: str, base: Timeframe) -> Feed:
    absent = venue.absent_columns(symbol)
    if base.ms >= MINUTE_MS or (settings.MARKET == "spot" and base is Timeframe.SEC_1):
        return KlineFeed(settings.MARKET, symbol, base, absent)
    if settings.MARKET == "spot":
        return SecondFeed(symbol, base, absent)
    return TradeFeed(symbol, base, settings.STREAM_STALE_MS)


def _named(streams: Sequence[str]) -> str:
    more = f" and {len(streams) - 4} more" if len(streams) > 4 else ""
    return ", ".join(streams[:4]) + more
