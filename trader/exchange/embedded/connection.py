"""One WebSocket connection of market streams: its subscriptions, and what goes wrong on it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from trader.exchange.embedded.frames import Message, frame
from trader.exchange.embedded.heartbeat import Allowance
from trader.exchange.embedded.hub import Hub
from trader.exchange.embedded.mischief import Mischief
from trader.exchange.embedded.protocol import answer
from trader.exchange.embedded.socket_line import SocketLine, Wire
from trader.exchange.embedded.streams import Route
from trader.exchange.embedded.transport import Transport


class Opening(msgspec.Struct, frozen=True):
    """How a connection was opened: the `number`-th, by which `route`, with events wrapped in their stream's name
    (`combined`), and times in so many units a millisecond."""

    number: int
    route: Route
    combined: bool
    unit: int


class Connection(SocketLine):
    """A client, from its handshake to its end. `combined` wraps events in their stream's name."""

    def __init__(self, wire: Wire, opening: Opening, hub: Hub, transport: Transport) -> None:
        limits, route = transport.limits, opening.route
        allowance = Allowance(limits.messages_per_s.of(route.market), time.monotonic)
        super().__init__(wire, limits, route.market, self._answer, lambda: None, allowance)
        self.combined = opening.combined
        self._route = route
        self._unit = opening.unit
        self._hub = hub
        self._transport = transport
        self._names: dict[str, None] = {}
        self._room = limits.streams.of(route.market)
        self._plan = transport.plan
        self._mischief = Mischief(transport.plan, opening.number, self.outbox.put, self.drop, self.outbox.stall)

    def names(self) -> list[str]:
        """Return the streams in the order of their subscription."""
        return list(self._names)

    def subscribe(self, names: Sequence[str]) -> bool:
        """Add streams; tell whether there was room for all, else none is added."""
        if len({*self._names, *names}) > self._room:
            return False
        for name in names:
            self._names[name] = None
            self._mischief.forgive(name)
            self._hub.join(self, self._route, name, self._unit)
        return True

    def unsubscribe(self, names: Sequence[str]) -> None:
        """Take streams out."""
        for name in names:
            self._names.pop(name, None)
            self._hub.leave(self, self._route, name, self._unit)

    def deliver(self, message: Message) -> None:
        """Queue a message, through the faults in force; a consumer too slow for its queue is cut off."""
        if self._plan.streams_at_risk or self._mischief.active:
            self._mischief.pass_on(message, self.combined)
        else:
            self.outbox.put(message.frame(self.combined))
        if self.outbox.overflowed:
            self.drop()

    def tell(self, message: Message) -> None:
        """Queue a message that no fault may touch, behind all that went before it."""
        self._mischief.settle()
        self.outbox.put(message.frame(self.combined))

    def hears(self, stream: str) -> bool:
        """Tell whether messages of `stream` come through."""
        return stream not in self._mischief.silent

    def drop(self) -> None:
        """End the connection at once, without a word; nothing more is published to it."""
        super().drop()
        self.unsubscribe(self.names())

    async def run(self) -> None:
        """Talk until either side ends it."""
        try:
            await super().run()
        finally:
            self.unsubscribe(self.names())

    def _answer(self, text: str) -> None:
        self.outbox.put(frame(msgspec.json.encode(answer(text, self))))

    def _warn(self) -> None:
        """Announce the end, as spot does."""
        if self._route is Route.SPOT:
            event = f'{{"e":"serverShutdown","E":{self._transport.time_ms()}}}'
            self.outbox.put(Message("!serverShutdown", event).frame(self.combined))
