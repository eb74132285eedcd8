"""The few lines that backtest, paper and live share: an event goes through the one door, its commands to the broker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from trader.core.events import EndOfData, Event, Instant
from trader.core.order import Fill
from trader.core.ports import Journal, MatchingBroker
from trader.simulation.broker import BrokerState
from trader.trading.logic import TradingLogic


class EngineBroker(MatchingBroker, Protocol):
    """A broker that can be saved, and can close out what is open at the end."""

    @property
    def state(self) -> BrokerState:
        """What a simulated exchange remembers."""
        ...

    def close_out(self, last_close: Mapping[str, float], last_close_time: Mapping[str, int]) -> Iterator[Fill]:
        """Close what is open at each coin's last close."""
        ...


class Engine:
    """Feeds the core and carries out its commands, in order; a backtest needs no journal: it can be run again."""

    def __init__(self, logic: TradingLogic, broker: EngineBroker, journal: Journal | None = None) -> None:
        self.logic = logic
        self.broker = broker
        self._journal = journal

    def process(self, event: Event) -> None:
        """Let the core handle one event, then send what it wants."""
        commands = self.logic.handle(event)
        if self._journal is not None:
            self._journal.append(event, commands)
        for command in commands:
            self.broker.send(command)

    def step(self, instant: Instant) -> None:
        """Take one instant: what its candles do to the orders, each answered before the next, then the candles."""
        for event in self.broker.match(instant):
            self.process(event)
        self.process(instant)

    def finish(self) -> None:
        """Close what is open at the last closes: no candle will follow."""
        book = self.logic.book
        for fill in self.broker.close_out(book.last_close, book.last_close_time):
            self.process(fill)
        self.process(EndOfData())
