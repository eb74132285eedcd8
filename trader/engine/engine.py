"""The few lines that backtest, paper and live share: an event goes through the one door, its commands to the broker."""

from __future__ import annotations

from trader.core.events import EndOfData, Event, Instant
from trader.core.ports import Journal
from trader.simulation.broker import SimulatedBroker
from trader.trading.logic import TradingLogic


class Engine:
    """Feeds the core and carries out its commands, in order; a backtest needs no journal: it can be run again."""

    def __init__(self, logic: TradingLogic, broker: SimulatedBroker, journal: Journal | None = None) -> None:
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
