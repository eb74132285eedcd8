"""One life of the trader, from its start or recovery until it is killed: real core, engine, desk, audit, journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from tests.simulate.client import VirtualClient
from tests.simulate.notebook import Notebook
from trader.core.account import AlgoUpdate, ConfigUpdate, OrderUpdate
from trader.core.commands import Command
from trader.core.events import Event, Instant
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderDropped
from trader.core.ports import Opinions
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine.engine import Engine
from trader.exchange.binance.account_rest import AccountRest
from trader.exchange.binance.trade_rest import TradeRest
from trader.exchange.binance.user_codec import decode_user
from trader.execution.audit.auditor import Auditor
from trader.execution.audit.inquiry import Means
from trader.execution.desk.booking import Prices
from trader.execution.desk.desk import Desk, Surroundings, no_terms
from trader.execution.dust import DustLedger
from trader.execution.recovery import Place, remembered, restored
from trader.execution.terms import Terms
from trader.journal.reader import Reader
from trader.journal.records import DustRecord, FillRecord, OrderRecord
from trader.journal.scribe import Scribe
from trader.simulation.broker import BrokerState
from trader.trading.book import Book
from trader.trading.logic import TradingLogic
from trader.trading.notes import Note

NAN = float("nan")


class Parts(msgspec.Struct, frozen=True):
    """The parts that a planted bug may replace."""

    desk: type[Desk] = Desk
    orders: type[TradeRest] = TradeRest
    auditor: type[Auditor] = Auditor


class Setup(msgspec.Struct, frozen=True):
    """What all lives of a seed share. `bases` has the coin of each symbol on spot, and is empty on USD-M."""

    settings: Settings
    instruments: Mapping[str, Instrument]
    prices: Mapping[str, Prices]
    bases: Mapping[str, str]
    parts: Parts
    opinions: Opinions
    now: Callable[[], int]


class Life:
    """Takes candles, a person's words and frames of the exchange; once `dead`, nothing it does has any effect."""

    def __init__(self, setup: Setup, notebook: Notebook, make_client: Callable[[Life], VirtualClient]) -> None:
        self.dead = False
        self._setup = setup
        self._book = Book.of(setup.settings.BACKTEST_INITIAL_CAPITAL)
        self.journal, lived = notebook.begin()
        self._scribe = Scribe(self.journal, self._book, ())
        exits = dict.fromkeys(setup.instruments, Timeframe.MIN_1)
        self.logic = TradingLogic(
            setup.settings, exits, setup.instruments, setup.opinions, self if lived else self._scribe, self._book
        )
        self._replaying = lived
        self.engine = Engine(self.logic, self, self._scribe)
        self._ledger = DustLedger()
        self._wire(make_client(self), f"p{notebook.pool}")
        if lived:
            self._recover(notebook, f"p{notebook.pool}")
        self._replaying = False
        self._audit = asyncio.create_task(self.auditor.run(), name="audit")

    def _wire(self, client: VirtualClient, run: str) -> None:
        setup, market = self._setup, client.market
        orders, account = setup.parts.orders(client), AccountRest(client)
        clock = asyncio.get_running_loop().time
        self._terms = Terms(account, lambda words: None) if market == "futures" else None
        prepared = self._terms.prepared if self._terms else no_terms
        around = Surroundings(orders, self.journal, self._deliver, self._mark, setup.now, clock, prepared, self._ledger)
        self.desk = setup.parts.desk(market, run, setup.instruments, setup.prices, around)
        given = self._given
        means = Means(market, run, orders, account, setup.instruments, setup.bases, given, self._mark, setup.now)
        self.auditor = setup.parts.auditor(self.desk, means)

    def _given(self) -> int:
        return self._book.orders

    def _mark(self, symbol: str) -> float:
        return self._book.last_close.get(symbol, NAN)

    # --- recovery ---------------------------------------------------------------------------------------------------

    def _recover(self, notebook: Notebook, run: str) -> None:
        """Take up what the journal has: events through the core, which must want what it wanted then; orders."""
        with Reader(notebook.place) as reader:
            for entry in reader.entries():
                commands = tuple(self.logic.handle(entry.event))
                if repr(commands) != repr(entry.commands):
                    raise AssertionError(f"replayed otherwise: {commands} for {entry.commands}")
            known = remembered(reader, notebook.pool, run, self._book)
            self._ledger.balances.update({coin: each for coin, each in reader.dust().items() if each})
        where = Place(run, self._setup.instruments, {symbol: self._base(symbol) for symbol in self._setup.instruments})
        self.desk.restore(restored(self._book, known.orders, known.fills, known.dust, where))

    def _base(self, symbol: str) -> str:
        return self._setup.bases.get(symbol, "")

    def note(self, note: Note) -> None:
        """Pass on what the core says, but for what it said before."""
        if not self._replaying:
            self._scribe.note(note)

    # --- as the engine's broker -------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Take a command of the core."""
        if not self.dead:
            self.desk.send(command)

    def match(self, instant: Instant) -> Iterator[Fill | OrderDropped]:
        """Yield nothing: candles fill no real order."""
        return iter(())

    def close_out(self, last_close: Mapping[str, float], last_close_time: Mapping[str, int]) -> Iterator[Fill]:
        """Yield nothing: what is held is closed at the exchange."""
        return iter(())

    @property
    def state(self) -> BrokerState:
        """What a simulated exchange would remember: nothing."""
        return BrokerState()

    # --- what comes -------------------------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """Let the core take an event, write it down, and do what it wants."""
        if not self.dead:
            self.engine.process(event)

    def _deliver(self, event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord]) -> None:
        if not self.dead:
            self._scribe.attach(*records)
            self.engine.process(event)

    def hear(self, frame: bytes) -> None:
        """Take a frame of the user stream."""
        for message in decode_user(frame):
            if self.dead:
                return
            if isinstance(message, OrderUpdate | AlgoUpdate):
                if not self.desk.tell(message):
                    self.auditor.hear(message)
            elif isinstance(message, ConfigUpdate) and self._terms is not None:
                self._terms.forget(message.symbol)

    def missed(self) -> None:
        """Something may have been missed."""
        self.desk.look_again()
        self.auditor.wake()
        if self._terms is not None:
            self._terms.forget()

    # --- the end ----------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """Stop where it stands: no line of its code has an effect any more."""
        self.dead = True
        for task in (self._audit, *self.desk._tasks.values()):
            task.cancel()

    def fault(self) -> str:
        """Return what ended a task that should go on, "" where none was ended."""
        if self.desk.halted.startswith("a fault of this program"):
            return self.desk.halted
        if self._audit.done() and not self._audit.cancelled():
            return f"the audit ended: {self._audit.exception()!r}"
        return ""

    @property
    def flat(self) -> bool:
        """Whether nothing is held, wanted or under way."""
        return not (self._book.trades or self._book.pending or self.desk.holdings)
