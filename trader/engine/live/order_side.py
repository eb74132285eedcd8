"""The side of a daemon that sends real orders: account, journal, desk, audit.

The core's commands go to the desk, what the exchange tells comes back as events through the same door as candles, and
both are in the journal before anything leaves.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from trader import __version__
from trader.core.account import AccountEvent, AlgoUpdate, OrderUpdate, StreamBack, StreamFault, StreamLost
from trader.core.commands import Command
from trader.core.events import EndOfData, Event, Instant
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderDropped
from trader.core.settings import Settings
from trader.core.timeframe import HOUR_MS
from trader.engine.keys.stores import credentials_of
from trader.engine.live.careful import CarefulEngine
from trader.engine.live.futures_side import FuturesSide
from trader.engine.live.snapshot import VERSION
from trader.engine.live.venue import Venue
from trader.engine.redaction import redactor
from trader.engine.replay import SECRETS, filters_of
from trader.engine.safety.capital import pool_start
from trader.engine.safety.clearance import require_clearance
from trader.engine.streams import StreamPlan
from trader.exchange.binance.account_rest import AccountRest
from trader.exchange.binance.states import StreamOptions
from trader.exchange.binance.symbols import market_info
from trader.exchange.binance.trade_client import TradingClient
from trader.exchange.binance.trade_rest import TradeRest
from trader.exchange.binance.user_stream_futures import futures_user_stream
from trader.exchange.binance.user_stream_spot import spot_user_stream
from trader.execution.audit.auditor import Auditor
from trader.execution.audit.inquiry import Means
from trader.execution.desk.booking import Prices
from trader.execution.desk.desk import Desk, Surroundings, no_terms
from trader.execution.desk.holding import Holding
from trader.execution.desk.stop_places import StopPlaces, most_stops
from trader.execution.order_room import order_room
from trader.execution.recovery import Place as Whereabouts
from trader.execution.recovery import remembered, restored
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.journal.records import Checkpoint, DustRecord, FillRecord, OrderRecord, Run
from trader.journal.scribe import Scribe
from trader.simulation.broker import BrokerState
from trader.trading.book import Book
from trader.trading.targets import most_targets

log = logging.getLogger(__name__)

#: So many entries without a checkpoint are followed in less than a second at a restart.
MOST_ENTRIES = 5_000
#: Messages a second where the venue waits for us.
UNLIMITED = 10_000
#: The longest wait, before an instant is judged, for what the exchange had told by then.
FENCE_S = 2.0
#: The longest that a play waits for the orders of an instant.
SETTLED_S = 60.0


class OrderSide:
    """Sends the orders of one pool. `open`, then `wire` to the core; `run` beside the trading; `close` at the end."""

    def __init__(self, settings: Settings, venue: Venue, journal: Journal, plan: StreamPlan) -> None:
        self._settings = settings
        self._venue = venue
        self._plan = plan
        self._client = TradingClient(venue.endpoints, venue.rest.gate, venue.credentials or credentials_of(settings))
        self._door, self._account = TradeRest(self._client), AccountRest(self._client)
        self._futures = FuturesSide(self._account) if settings.MARKET == "futures" else None
        stream = spot_user_stream if self._futures is None else futures_user_stream
        self._stream = stream(venue.endpoints, self._client, self._hear, _stream_options(settings, venue))
        self.journal = journal
        self._process: Callable[[Event], None] = lambda _: None
        self._auditor: Auditor | None = None
        self._holdings: list[Holding] = []
        self._saved_seq = 0
        self._fenced_s = 0.0

    async def open(
        self, book: Book, info: Mapping[str, Any], grids: Mapping[str, Instrument], anchor: int, pool: int | None
    ) -> None:
        """Open the account, begin a run, and find what `pool` had at the exchange; None is a new one.

        Raise `ConfigError`, `Unauthorized`, `JournalError`, `ExchangeError`.
        """
        settings, exits = self._settings, self._plan.exits
        await self._client.sync_clock()
        await require_clearance(settings, self._account, self.journal.place.home)
        self._book = book
        self._prices = await self._commissions(info)
        run = self._run_of(grids, anchor)
        self.run_of_journal = await asyncio.to_thread(self.journal.begin, run, pool)
        self.scribe = Scribe(self.journal, book, run.streams, settings.JOURNAL_DECISIONS)
        self.desk = self._made_desk(info, grids)
        self._auditor = Auditor(self.desk, self._means(grids))
        if self._futures is not None:
            self._futures.begin(self.desk, self._auditor, exits, anchor, self._now, lambda fee: self._process(fee))
        if pool is not None:
            where = Whereabouts(self._name, grids, {symbol: self._bases.get(symbol, "") for symbol in exits})
            self._holdings = await asyncio.to_thread(self._found, pool, where)

    async def _commissions(self, info: Mapping[str, Any]) -> dict[str, Prices]:
        """Return what trading each coin costs this account."""
        symbols = market_info(info).symbols
        return {
            symbol: Prices(symbols[symbol].base, symbols[symbol].quote, await self._account.commission(symbol))
            for symbol in self._plan.exits
        }

    def _run_of(self, grids: Mapping[str, Instrument], anchor: int) -> Run:
        """Return what the journal is told of this run: all that a replay of it needs."""
        settings = self._settings
        return Run(
            self._venue.name,
            settings.MODE,
            settings.MARKET,
            __version__,
            int(time.time() * 1000),
            anchor,
            tuple(f"{symbol},{timeframe}" for symbol, timeframe in self._plan.streams),
            settings.model_dump(mode="json", exclude=set(SECRETS)),
            filters=filters_of(grids),
            brackets={symbol: each.brackets for symbol, each in grids.items() if each.brackets},
        )

    @property
    def _name(self) -> str:
        """What all runs on this pool's journal are called in the ids of orders."""
        return f"p{self.run_of_journal.pool}"

    @property
    def _bases(self) -> dict[str, str]:
        """The coin that is bought, by symbol; on futures none is."""
        return {} if self._futures is not None else {symbol: each.base for symbol, each in self._prices.items()}

    def _made_desk(self, info: Mapping[str, Any], grids: Mapping[str, Instrument]) -> Desk:
        settings = self._settings
        room = order_room(settings.MARKET, info)
        self._client.limit_orders(room.gates)
        # On USD-M one stop guards a position, and where it moves the new one is there before the old one goes.
        places = StopPlaces(most_stops(info), *((most_targets(settings), 0) if settings.MARKET == "spot" else (1, 1)))
        around = Surroundings(
            self._door,
            self.journal,
            self._deliver,
            self._mark,
            self._now,
            time.monotonic,
            no_terms if self._futures is None else self._futures.prepared,
            room=room,
            places=places,
        )
        kinds = {each["symbol"]: each.get("orderTypes", ()) for each in info["symbols"]}
        limited = {symbol for symbol in self._plan.exits if "STOP_LOSS" not in kinds.get(symbol, ())}
        return Desk(settings.MARKET, self._name, grids, self._prices, around, limited)

    def _means(self, grids: Mapping[str, Instrument]) -> Means:
        """Return what the audit works with."""
        return Means(
            self._settings.MARKET,
            self._name,
            self._door,
            self._account,
            grids,
            self._bases,
            lambda: self._book.orders,
            self._mark,
            self._now,
        )

    def _found(self, pool: int, where: Whereabouts) -> list[Holding]:
        with Reader(self.journal.place) as reader:
            known = remembered(reader, pool, where.run, self._book)
            self.desk.dust.balances.update(reader.dust())
        return restored(self._book, known.orders, known.fills, known.dust, where)

    async def capital(self) -> float:
        """Return the capital of a new pool."""
        return pool_start(self._settings, await self._account.account())

    def take_up(self) -> None:
        """Go on with the positions of before: what may have been sent is looked up before anything else is."""
        self.desk.restore(self._holdings)

    def wire(self, careful: CarefulEngine) -> None:
        """Say who handles what the exchange tells."""
        self._process = careful.process

    # --- the journal --------------------------------------------------------------------------------------------------

    def save(self, snapshot: bytes) -> None:
        """Write a checkpoint down: where a restart begins to follow the journal."""
        self._saved_seq = self.scribe.keep(Checkpoint(self._now(), VERSION, snapshot))

    def is_save_due(self, instant: Instant) -> bool:
        """Tell whether a checkpoint is due: at the end of each hour, so also of each day, and of many entries."""
        return instant.time % HOUR_MS == 0 or self.journal.last - self._saved_seq > MOST_ENTRIES

    # --- as the engine's broker ---------------------------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Take a command of the core."""
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

    # --- beside the trading -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen to the account and look after it, until cancelled."""
        assert self._auditor is not None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stream.run())
                group.create_task(self._client.keep_clock())
                group.create_task(self._auditor.run())
                if self._futures is not None:
                    group.create_task(self._futures.run())
        finally:
            self._stream.stop()

    async def listening(self) -> None:
        """Wait until the account can be heard."""
        while not self._stream.connected:  # noqa: ASYNC110 - the stream says so by itself soon
            await asyncio.sleep(0.01)

    async def before(self, instant: Instant, arrived_s: float) -> None:
        """Wait, within bounds, until what the exchange had told has been taken; and for room in the journal.

        `arrived_s` is when the instant was complete, on the monotonic clock: what was asked later covers it too.
        """
        now_s = time.monotonic()
        if arrived_s > self._fenced_s:
            if await self._stream.fence(FENCE_S):
                self._fenced_s = now_s
            else:
                words = "the account cannot be heard: instant %d is judged without what it may have told"
                log.warning(words, instant.time)
        await self.journal.room()

    async def after(self, instant: Instant) -> None:
        """Where the play waits for us, see every order of the instant answered before it goes on."""
        if self._venue.lockstep:
            await self._settled(instant)
            await self._venue.go(instant.time)

    async def _settled(self, instant: Instant) -> None:
        """Wait until every order is answered; a position that finds no rest must not hold a market for ever."""
        try:
            async with asyncio.timeout(SETTLED_S):
                await self.desk.idle()
        except TimeoutError:
            log.warning("orders of instant %d are under way after %g s: the play goes on", instant.time, SETTLED_S)

    async def finish(self) -> None:
        """Close at the exchange what is open when the market's play is over."""
        self._process(EndOfData())
        await self.desk.idle()

    @property
    def connected(self) -> bool:
        """Whether the account can be heard."""
        return self._stream.connected

    @property
    def standing(self) -> list[str]:
        """What the newest audit could not put right, in words."""
        return [] if self._auditor is None else [each.text for each in self._auditor.standing]

    @property
    def queues(self) -> dict[str, int]:
        """What waits on this side, by name."""
        return {"journal entries": self.journal.health().waiting, "positions with work": self.desk.busy}

    async def close(self) -> None:
        """End the desk; what rests at the exchange stays there."""
        self._stream.stop()
        await self.desk.close()
        await self._client.close_connection()

    async def let_go(self) -> None:
        """End what a start that failed has begun: the next one has a desk of its own. Again is no error."""
        if self._auditor is not None:  # there is a desk
            await self.desk.close()
        await self._client.close_connection()

    # --- what comes ---------------------------------------------------------------------------------------------------

    def _deliver(self, event: Event, records: Sequence[FillRecord | OrderRecord | DustRecord]) -> None:
        self.scribe.attach(*records)
        self._process(event)

    def _hear(self, event: AccountEvent) -> None:
        if isinstance(event, OrderUpdate | AlgoUpdate):
            if not self.desk.tell(event) and self._auditor is not None:
                self._auditor.hear(event)
        elif isinstance(event, StreamLost):
            log.warning("the account cannot be heard: %s", event.reason)
        elif isinstance(event, StreamFault) or (isinstance(event, StreamBack) and event.gap):
            self.desk.look_again()
            if self._auditor is not None:
                self._auditor.wake()
            if self._futures is not None:
                self._futures.missed()
        elif self._futures is not None:
            self._futures.hear(event)

    def _mark(self, symbol: str) -> float:
        return self._book.last_close.get(symbol, float("nan"))

    def _now(self) -> int:
        return max(self._book.time, 0)


def _stream_options(settings: Settings, venue: Venue) -> StreamOptions:
    """Return the limits of the account's stream; a play in lockstep, faster than any market, has none."""
    options = StreamOptions.of(settings.MARKET)
    return msgspec.structs.replace(options, messages_per_s=UNLIMITED) if venue.lockstep else options


@asynccontextmanager
async def open_journal(settings: Settings, home: Path) -> AsyncIterator[Journal]:
    """Open the journal of the daemon at `home`; raise `JournalError` when another has it, or it cannot be used."""
    place = Place(home, settings.JOURNAL_URL.get_secret_value())
    redactor.remember(place.password)
    journal = Journal(place, wait_s=settings.JOURNAL_WAIT_S, buffer_bytes=settings.JOURNAL_BUFFER_MB * 1_000_000)
    await asyncio.to_thread(journal.open)
    try:
        yield journal
    finally:
        await asyncio.to_thread(journal.close)
