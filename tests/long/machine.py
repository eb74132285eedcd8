"""Core and broker with a second reading of the rules beside them; everything is checked after each event."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tests.long.ledger import Ledger
from tests.long.matching import Matching
from tests.long.oracle import Oracle
from trader.core.candle import Candle
from trader.core.commands import Command
from trader.core.events import EndOfData, Event, FundingRate, Instant, OperatorCommand
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import Reading
from trader.core.timeframe import Timeframe
from trader.simulation.broker import BrokerState, SimulatedBroker
from trader.trading.book import Book
from trader.trading.hourly import Hourly, needs_hours
from trader.trading.logic import TradingLogic
from trader.trading.notes import Note


class Machine:
    """The real core on the real simulated broker: each event goes in here, and what comes of it is compared."""

    def __init__(self, settings: Settings, exits: dict[str, Timeframe], instruments: dict[str, Instrument]) -> None:
        self.settings = settings
        self.exits = exits
        self.instruments = instruments
        self.ledger = Ledger(settings, instruments)
        self.matching = Matching(settings, instruments)
        self.oracle = Oracle(settings, list(exits), instruments, self.ledger)
        self.readings: Sequence[Reading] = ()
        self.events = 0
        self._wire(None, None)

    def _wire(self, book: Book | None, state: BrokerState | None) -> None:
        self.logic = TradingLogic(self.settings, self.exits, self.instruments, self, self, book)
        self.broker = SimulatedBroker(self.settings, self.exits, self.instruments, self.logic, state)

    @property
    def book(self) -> Book:
        """The core's books."""
        return self.logic.book

    def read(self, instant: Instant) -> Sequence[Reading]:
        """Return the readings of this instant."""
        return self.readings

    def note(self, note: Note) -> None:
        """Let all readers hear what the core tells."""
        self.matching.note(note)
        self.ledger.note(note)
        self.oracle.note(note, self.logic.settings)

    def instant(
        self,
        time: int,
        candles: Sequence[Candle],
        readings: Sequence[Reading] = (),
        funding: Sequence[FundingRate] = (),
        late: bool = False,
    ) -> None:
        """Close an instant: fills first, each answered before the next, then the candles."""
        instant = Instant(time, tuple(candles), tuple(funding), late)
        by_coin = {candle.symbol: candle for candle in candles}
        self.readings = readings
        self.matching.begin(by_coin, self.book, self.broker.state)
        self.ledger.begin(by_coin, () if late else funding)
        self.oracle.begin(instant, self.book, readings)
        for event in self.broker.match(instant):
            self._process(event)
        self.matching.end(self.book)
        self.ledger.candles_end(self.book)
        self.oracle.candles_end(by_coin, self.logic.settings)
        self.oracle.before_guards()
        commands = self._process(instant)
        self.oracle.end(commands, self.logic.settings)
        assert not self.ledger.payments

    def remember(self, candle: Candle) -> None:
        """Let a candle have been before the first instant: where hours are kept, they know it."""
        if needs_hours(self.settings):
            self.book.hours.setdefault(candle.symbol, Hourly()).take(candle, candle.close_time)
            self.oracle.hours[candle.symbol].take(candle)

    def command(self, command: OperatorCommand) -> None:
        """Give a person's command."""
        self.oracle.commands.append(command)
        self._process(command)

    def save_and_load(self) -> None:
        """Go on from what was saved; it must be all there is."""
        book, state = (msgspec.msgpack.encode(each) for each in (self.book, self.broker.state))
        running = self.logic.settings
        self._wire(msgspec.msgpack.decode(book, type=Book), msgspec.msgpack.decode(state, type=BrokerState))
        assert msgspec.msgpack.encode(self.book) == book
        assert self.logic.settings == running
        self.check()

    def finish(self) -> None:
        """No candle follows: everything closes, and the pool is what was put in and what came of it."""
        self.ledger.begin({})
        for event in (*self.broker.close_out(self.book.last_close, self.book.last_close_time), EndOfData()):
            self.events += 1
            self.logic.handle(event)
        assert not self.book.trades
        assert not self.book.pending
        assert not self.ledger.accounts
        noise = 1e-9 * self.ledger.turnover
        assert abs(self.book.pool.free - self.ledger.cash) <= noise
        assert abs(self.book.pool.free - self.settings.BACKTEST_INITIAL_CAPITAL - self.ledger.ended) <= noise

    def _process(self, event: Event) -> list[Command]:
        self.events += 1
        commands = self.logic.handle(event)
        for command in commands:
            self.broker.send(command)
        self.check()
        return commands

    def check(self) -> None:
        """Compare books, broker and the second accounts."""
        self.ledger.check(self.book, self.broker.state)
        self.ledger.check_orders(self.book, self.broker.state)
