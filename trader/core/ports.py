"""The seams between the core and what surrounds it; each has one to three methods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from trader.core.commands import Command
from trader.core.events import Event, Instant
from trader.core.order import Fill, OrderDropped, OrderRequest
from trader.core.signal import Reading


class Opinions(Protocol):
    """Says what each stream whose candle closed shows, in the order of decisions."""

    def read(self, instant: Instant) -> Sequence[Reading]:
        """Return the readings of `instant`: shorter timeframes first, then the order of `COINS`."""
        ...


class Broker(Protocol):
    """Takes commands; never blocks, never raises: answers come as events."""

    def send(self, command: Command) -> None:
        """Accept one command."""
        ...


class MatchingBroker(Broker, Protocol):
    """A broker that fills orders from candles."""

    def match(self, instant: Instant) -> Iterable[Fill | OrderDropped]:
        """Yield what the candles of `instant` do to the orders; lazily, so that each event is answered first."""
        ...


class Funds(Protocol):
    """Answers whether the account can pay for a fill, as an exchange would."""

    def covers(self, request: OrderRequest, price: float, fee: float) -> bool:
        """Tell whether margin at `price` and `fee` are covered once the order's own reserve is given back."""
        ...


class Journal(Protocol):
    """Keeps what happened, in order, before it has effects outside."""

    def append(self, event: Event, commands: Sequence[Command]) -> int:
        """Record an event with the commands that it led to, and return the place of this entry."""
        ...
