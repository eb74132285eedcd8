"""Who listens to what: channels of streams, and the connections on each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from trader.exchange.embedded.feeds import Feed, make_feed
from trader.exchange.embedded.floor import Floor
from trader.exchange.embedded.frames import Message
from trader.exchange.embedded.kline_feed import Update
from trader.exchange.embedded.outbox import Outbox
from trader.exchange.embedded.source import MARKETS
from trader.exchange.embedded.streams import PLAY_STREAM, SERVED, Route, parse_stream

#: Wall seconds between two open updates of one stream, at least.
LEAST_PACE_S = 0.25
#: Publications at the highest speed after which others get their turn.
BREATH = 64

ChannelKey = tuple[str, str, int]


class Listener(Protocol):
    """One connection, as the hub sees it."""

    outbox: Outbox

    def deliver(self, message: Message) -> None:
        """Take one message."""
        ...

    def tell(self, message: Message) -> None:
        """Take a message that no fault may touch, behind all that went before it."""
        ...

    def hears(self, stream: str) -> bool:
        """Tell whether messages of `stream` come through."""
        ...


class Channel:
    """One stream with its listeners."""

    def __init__(self, name: str, feed: Feed, order: tuple[int, int, int, int]) -> None:
        self.name = name
        self.feed = feed
        self.order = order
        self.listeners: dict[Listener, None] = {}
        self.next_update_s = 0.0

    def publish(self, updates: Sequence[Update]) -> None:
        """Send events to all listeners."""
        for text, closed in updates:
            message = Message(self.name, text, closed)
            for listener in tuple(self.listeners):
                listener.deliver(message)


class Hub:
    """All channels that somebody listens to, in the order in which they speak."""

    def __init__(self, floors: Mapping[str, Floor], wall: Callable[[], float] = time.monotonic) -> None:
        self.ended = ""
        #: The shortest time between closes of all channels; None while nobody listens.
        self.finest_ms: int | None = None
        self.listened = asyncio.Event()
        self._floors = floors
        self._wall = wall
        self._channels: dict[ChannelKey, Channel] = {}
        self._ordered: list[Channel] = []
        self._play: dict[Listener, None] = {}
        self._breath = 0

    @property
    def streams(self) -> int:
        """How many streams have listeners."""
        return len(self._channels)

    def join(self, listener: Listener, route: Route, name: str, unit: int) -> None:
        """Let a listener hear a stream; one that the route does not serve is silence."""
        if name == PLAY_STREAM:
            self._play[listener] = None
            self._tell_end([listener])
        elif (channel := self._channel(route, name, unit)) is not None:
            channel.listeners[listener] = None
            self.listened.set()

    def leave(self, listener: Listener, route: Route, name: str, unit: int) -> None:
        """Let a listener no longer hear a stream."""
        if name == PLAY_STREAM:
            self._play.pop(listener, None)
        channel = self._channels.get((route.market, name, unit))
        if channel is None:
            return
        channel.listeners.pop(listener, None)
        if not channel.listeners:
            del self._channels[route.market, name, unit]
            self._sort()

    def close_at(self, due: int) -> int:
        """Publish all that is due at `due`: trades, best prices, then candles, the short ones first; return how many
        candles closed."""
        closed = 0
        for channel in self._ordered:
            if due % channel.feed.every_ms == 0:
                updates = channel.feed.at_close(due)
                channel.publish(updates)
                closed += sum(is_closed for _, is_closed in updates)
        return closed

    def update(self, now: int, speed: float) -> None:
        """Publish what has changed since the last updates, each stream at its own pace."""
        wall = self._wall()
        for channel in self._ordered:
            if wall >= channel.next_update_s:
                channel.next_update_s = wall + max(channel.feed.pace_ms / 1000 / speed, LEAST_PACE_S)
                channel.publish(channel.feed.between(now))

    def end(self, text: str) -> None:
        """Tell all who listen to the play that it has ended, behind everything else."""
        self.ended = text
        self._tell_end(list(self._play))

    def heard(self) -> bool:
        """Tell whether any message would come through to anybody."""
        return any(listener.hears(channel.name) for channel in self._ordered for listener in channel.listeners)

    async def space(self) -> None:
        """Wait for the slowest consumer; now and then let others have their turn."""
        self._breath += 1
        if self._breath % BREATH == 0:
            await asyncio.sleep(0)
        for listener in {listener for channel in self._ordered for listener in channel.listeners}:
            await listener.outbox.space()

    def _tell_end(self, listeners: list[Listener]) -> None:
        if not self.ended:
            return
        message = Message(PLAY_STREAM, self.ended)
        for listener in listeners:
            listener.tell(message)

    def _channel(self, route: Route, name: str, unit: int) -> Channel | None:
        key = (route.market, name, unit)
        stream = parse_stream(name)
        if stream is None or stream.kind not in SERVED[route]:
            return None
        if key not in self._channels:
            floor = self._floors[route.market]
            feed = make_feed(floor, stream, unit)
            if feed is None:
                return None
            place = list(floor.tapes).index(stream.symbol)
            order = (MARKETS.index(route.market), feed.rank, feed.every_ms, place)
            self._channels[key] = Channel(name, feed, order)
            self._sort()
        return self._channels[key]

    def _sort(self) -> None:
        self._ordered = sorted(self._channels.values(), key=lambda channel: channel.order)
        self.finest_ms = min((channel.feed.every_ms for channel in self._ordered), default=None)
        if not self._ordered:
            self.listened.clear()
