"""The daemon: instants through the engine as they come, until it is told to stop or its market ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from trader.compiled import is_cold
from trader.core.events import FundingRate, Instant, ModelChange, OperatorCommand
from trader.core.settings import Settings
from trader.engine.control.deeds import Deeds
from trader.engine.control.standing import settle_changes
from trader.engine.engine import Engine
from trader.engine.live.careful import CarefulEngine
from trader.engine.live.funding import FundingWatch
from trader.engine.live.gap_opinions import GapOpinions
from trader.engine.live.history import History
from trader.engine.live.hours import know_hours
from trader.engine.live.housekeeping import ChangeBell, Housekeeper, KillFile
from trader.engine.live.intake import Intake
from trader.engine.live.keeper import Keeper
from trader.engine.live.models import ModelSide
from trader.engine.live.order_side import OrderSide
from trader.engine.live.snapshot import VERSION, Snapshot, encode
from trader.engine.live.status import Pulse, open_trades, status_lines
from trader.engine.live.takeup import take_up
from trader.engine.live.venue import Venue
from trader.engine.live.vitals import LagMeter, Vitals, vitals, vitals_line
from trader.engine.narrator import Audiences
from trader.engine.streams import plan_streams
from trader.journal.journal import Journal
from trader.journal.scribe import Witness
from trader.market.instruments import instruments
from trader.market.store import Store
from trader.ml import features
from trader.simulation.broker import SimulatedBroker
from trader.strategy.opinions import LiveOpinions
from trader.trading.attention import held_streams
from trader.trading.book import Book
from trader.trading.guards import BY_FILE, is_thrown_by
from trader.trading.logic import TradingLogic
from trader.trading.notes import Audience

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.25
#: How long the loop works on instants before others have their turn; longer when more candles wait than `CROWD`, so
#: that they do not pile up.
TURN_S, LONG_TURN_S = 0.004, 0.05
CROWD = 2_000


class LiveWebSocketTrader:
    """Trades one market live. `initialize`, then `run`; `stop` ends `run` within seconds.

    With a `journal` orders go to the exchange, and `pool` is the one in it that goes on; without, fills are simulated
    and `home` keeps a snapshot. `options` give another command these settings. `store` keeps the candles. `finished`
    tells after `run` that the play had ended.
    """

    def __init__(
        self,
        settings: Settings,
        venue: Venue,
        store: Store,
        home: Path,
        audience: Audience,
        snapshot: Snapshot | None,
        journal: Journal | None = None,
        pool: int | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self._settings = settings
        self._venue = venue
        self._store = store
        self._snapshot = snapshot
        self._bell = ChangeBell()
        self.deeds = Deeds()
        self.models = ModelSide(settings, home, options, store.root)
        self._audience = Audiences([audience, self._bell, self.deeds, self.models.drift])
        self._journal = journal
        self._pool = pool
        self._unjudged: dict[str, list[int]] = dict(snapshot.missing) if snapshot else {}
        self._orders: OrderSide | None = None
        self._keeper = Keeper(store, settings.MARKET, home)
        self._funding: FundingWatch | None = None
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._behind: set[str] = set()
        self.pulse = Pulse()
        self.lag = LagMeter()
        self.finished = False

    async def initialize(self) -> None:
        """Load filters and history, take up the snapshot, judge what was missed; nothing is decided yet."""
        settings, venue, snapshot = self._settings, self._venue, self._snapshot
        info = await venue.rest.exchange_info()
        await asyncio.to_thread(self._store.save_exchange_info, settings.MARKET, info)
        self.plan = plan_streams(settings, venue.finest(info))
        for note in self.plan.notes:
            log.warning("%s", note)
        start = await venue.settled_time(min(base.ms for base in self.plan.exits.values()))
        self._anchor = snapshot.anchor if snapshot else start
        self.intake = Intake(settings, venue, self.plan, start, self._wake)
        self.intake.assembler.times.begin(time.monotonic())
        if settings.MARKET == "futures" and self._journal is None:  # else the account says what was taken
            wait_s = settings.INSTANT_WAIT_MS.futures / 1000
            late = not venue.embedded
            self._funding = FundingWatch(venue.rest, self.intake.announced, start, wait_s, publishes_late=late)
        self._history = History(settings, self._store, venue.rest, self.intake.feeds, self.plan)
        await self._history.fetch(self._anchor, start)
        await self._wire(start, info)
        if snapshot is not None:
            await take_up(self._careful, snapshot, self.plan, self._history, self._funding, start)
            self._unjudged = {}
            self.say_open()
        self.kill_file = KillFile(Path(settings.DATA_DIR) / "KILL", is_thrown_by(self.book, BY_FILE))
        self._look_for_kill()

    async def _wire(self, start: int, info: Mapping[str, Any]) -> None:
        """Make core and broker, new or from the snapshot, and bring the kernels to `start`."""
        settings, plan, snapshot = self._settings, self.plan, self._snapshot
        self._live = LiveOpinions(None, plan.streams, settings.PRELOAD_CANDLES)
        self._opinions = GapOpinions(self._live, plan.streams)
        if self.models.has_models:
            self._live.seen = self.models.drift.see
        await self.models.watch.look()
        if is_cold(features.run):
            log.info("compiling indicators, at the first start only: about 15 s")
        for symbol in plan.exits:
            await self._reload(symbol, start)
        grids, fallbacks = await asyncio.to_thread(instruments, self._store, settings, list(plan.exits))
        if fallbacks:
            log.warning("no filters for %s: DEFAULT_FILTERS stand in", ", ".join(fallbacks))
        book, state = (snapshot.book, snapshot.broker) if snapshot else (None, None)
        if book is not None:
            settle_changes(book, settings)
        if self._journal is not None:
            self._orders = OrderSide(settings, self._venue, self._journal, plan)
        book = book or Book.of(await self._orders.capital() if self._orders else settings.BACKTEST_INITIAL_CAPITAL)
        await know_hours(book, settings, plan, self._store, snapshot.at if snapshot else start)
        if self._orders is not None:
            await self._orders.open(book, info, grids, self._anchor, self._pool)
            audience = Audiences([self._audience, self._orders.scribe])
            opinions = Witness(self._opinions, self._orders.scribe)
            logic = TradingLogic(settings, plan.exits, grids, opinions, audience, book)
            self.engine = Engine(logic, self._orders, self._orders.scribe)
        else:
            logic = TradingLogic(settings, plan.exits, grids, self._opinions, self._audience, book)
            self.engine = Engine(logic, SimulatedBroker(settings, plan.exits, grids, logic, state))
        self._live.held = lambda: held_streams(logic.book)
        self._careful = CarefulEngine(self.engine, self._save)
        if self._orders is not None:
            self._orders.wire(self._careful)
            self._save()
            self._orders.take_up()

    async def _reload(self, symbol: str, end: int) -> None:
        """Bring a coin's kernels and longer candles to `end`, from the anchor on."""
        for table in await self._history.tables(symbol, self._anchor, end):
            await asyncio.to_thread(self._opinions.reload, table)
        self.intake.assembler.seed(await self._history.making(symbol, end))

    @property
    def book(self) -> Book:
        """The books, as they stand."""
        return self.engine.logic.book

    # --- the run ----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Let `run` end; what is open stays open, and is in the snapshot."""
        self._stopping.set()
        self._wake.set()

    async def let_go(self) -> None:
        """Close what a start that failed has left open; behind a run there is nothing."""
        if self._orders is not None:
            await self._orders.let_go()

    async def run(self) -> None:
        """Trade until `stop`, or until an embedded play has ended and everything is closed; raise what goes wrong."""
        keeping = Housekeeper(self._venue, self.intake, self._keeper, self._settings.STATUS_EVERY_S, self.say_status)
        jobs: list[Coroutine[Any, Any, None]] = [
            self._trade(),
            self.intake.run(),
            keeping.run(self._look_for_kill),
            self._venue.watch(),
            self.lag.run(),
            self.models.run(),
            keeping.save_changes(self._bell, self._encoded) if self._orders is None else self._orders.run(),
        ]
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.say_status()
            await self._end(tasks)
        for task in done:
            task.result()

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        """Close the connections, end what runs, and write what is not written yet."""
        self._stopping.set()
        self.intake.stop()
        trading, streaming, *beside = tasks
        for task in (trading, *beside):
            task.cancel()
        try:
            await asyncio.gather(trading, streaming, *beside, return_exceptions=True)
            if self._funding is not None:
                await self._funding.stop()
            if self._orders is not None:
                await self._orders.close()
                if not self.finished:
                    self._save()
        finally:
            await self._keeper.close(self._encoded() if self._orders is None else None)

    def _save(self) -> None:
        """Write a checkpoint where there is a journal; else the snapshot is written when the bell has rung."""
        if self._orders is not None:
            self._orders.save(self._encoded())

    def _encoded(self) -> bytes:
        missing = {symbol: sorted(self.intake.assembler.missing(symbol)) for symbol in self.intake.assembler.gaps}
        missing = self._unjudged | missing
        at = max(self.book.time, self._anchor)
        coins, state = self._settings.COINS, self.engine.broker.state
        return encode(
            Snapshot(VERSION, self._venue.name, coins, self.plan.exits, self._anchor, at, missing, self.book, state)
        )

    async def _trade(self) -> None:
        await self._begin()
        turn_ends = time.monotonic() + TURN_S
        while not self._stopping.is_set():
            await self._mend()
            instant = self.intake.next()
            if instant is not None:
                await self._take(instant)
            elif await self._idle():
                await self._finish()
                return
            if instant is None or time.monotonic() >= turn_ends:
                await asyncio.sleep(0)
                crowded = self.intake.assembler.waiting > CROWD
                turn_ends = time.monotonic() + (LONG_TURN_S if crowded else TURN_S)

    async def _begin(self) -> None:
        """Let a held play begin once the streams are subscribed: nothing of it is missed."""
        await self.intake.connected.wait()
        if self._orders is not None:
            await self._orders.listening()
        times = self.intake.assembler.times
        if await self._venue.start_play():
            times.begin(time.monotonic())
        elif self._venue.keeps_time:
            times.interrupt()  # what fell due while we prepared is not waited for
        log.info("streams are up: %d coins, %d streams decide", len(self.plan.exits), len(self.plan.streams))

    async def _idle(self) -> bool:
        """Ask for what is missing and wait for more; tell whether the play is over."""
        self.intake.ask_for_lacking()
        if self.intake.is_over():
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(self.intake.pause_s(LOOK_EVERY_S)):
                await self._wake.wait()
        self._wake.clear()
        return False

    async def _take(self, instant: Instant) -> None:
        arrived_s = self.intake.arrived_s(instant)
        if instant.late:
            self._hold({candle.symbol for candle in instant.candles})
        elif self.intake.assembler.gaps:
            self._hold(self.intake.assembler.gaps)
        funding = await self._due_funding(instant)
        if self._orders is not None and not instant.late:
            await self._orders.before(instant, arrived_s)
        self._change_model(instant)
        self._careful.step(msgspec.structs.replace(instant, funding=funding) if funding else instant)
        self._opinions.muted = self._careful.distrusted
        self.deeds.look(self.book, instant.time, self._under_way)
        if self._orders is not None and not instant.late:
            if self._orders.is_save_due(instant):
                self._save()
            await self._orders.after(instant)
        exits = self.plan.exits
        self._keeper.keep([candle for candle in instant.candles if exits[candle.symbol] is candle.timeframe])
        self.pulse.count(instant, arrived_s)

    def _change_model(self, instant: Instant) -> None:
        """Ask another model from this instant on, where one has come; none where that of before a restart is lost."""
        if instant.late:
            return
        turn = self.models.take()
        if turn is not None:
            self._live.strategy = turn.strategy
        asked = turn.model if turn is not None else self.book.model if self._live.strategy is not None else ""
        if asked != self.book.model:
            self._careful.process(ModelChange(instant.time, asked))

    def _hold(self, symbols: set[str]) -> None:
        for symbol in symbols - self._behind:
            self._opinions.hold(symbol)
            self._behind.add(symbol)

    async def _mend(self) -> None:
        """Feed the kernels of coins anew whose candles came late, or are now known not to exist."""
        assembler = self.intake.assembler
        if not self._behind or assembler.has_late or not self._behind - assembler.gaps:
            return
        await self._keeper.flush()
        for symbol in self._behind - assembler.gaps:
            await self._reload(symbol, assembler.done)
            self._opinions.release(symbol)
            self._behind.discard(symbol)

    async def _due_funding(self, instant: Instant) -> tuple[FundingRate, ...]:
        if self._funding is None or instant.late:
            return ()
        exposed = {trade.symbol for trade in self.book.trades.values()}
        return await self._funding.due(instant.time, exposed | {p.request.symbol for p in self.book.pending.values()})

    async def _finish(self) -> None:
        log.info("the play has ended: open trades close at their last prices (end_of_data)")
        if self._orders is None:
            self.engine.finish()
        else:
            await self._orders.finish()
        self.finished = True

    def _look_for_kill(self) -> None:
        action = self.kill_file.look()
        if action is not None:
            self.command(OperatorCommand(action, BY_FILE))

    def command(self, command: OperatorCommand) -> None:
        """Let a command in: it is taken among the guards of the next instant, and survives a stop before that."""
        self._careful.process(command)
        self._bell.rung.set()

    def follow_deeds(self) -> None:
        """See what has become of commands between two instants: an exchange answers when it likes."""
        self.deeds.look(self.book, self.book.time, self._under_way)

    def _under_way(self, symbol: str) -> list[str]:
        return self._orders.desk.ending(symbol) if self._orders is not None else []

    @property
    def orders(self) -> OrderSide | None:
        """The side that sends real orders, None where fills are simulated."""
        return self._orders

    @property
    def ending(self) -> bool:
        """Whether it is about to stop: a command would come too late for the last snapshot."""
        return self._stopping.is_set()

    @property
    def distrusted(self) -> bool:
        """Whether the books have contradicted themselves in this run."""
        return self._careful.distrusted

    # --- words ------------------------------------------------------------------------------------------------

    def say_status(self) -> None:
        """Log how the daemon is."""
        for line in [*self.status_lines(), *self.warnings()]:
            log.info("%s", line)

    @property
    def market_ms(self) -> int:
        """The market's time, as far as it is known, ms."""
        return max(self.book.time, self.intake.clock_ms)

    def status_lines(self) -> list[str]:
        """Return how the daemon is."""
        intake = self.intake
        stats, counters = intake.stats, intake.assembler.counters
        lines = status_lines(self.book, self.pulse, stats, counters, intake.repaired, self.market_ms)
        return [*lines, *self.models.lines(), vitals_line(self.vitals())]

    def vitals(self) -> Vitals:
        """Return memory, tasks, queues and the loop's lag."""
        queues = {"instants": self.intake.assembler.waiting, "requests": self._venue.rest.gate.waiting}
        queues |= {} if self._orders is None else self._orders.queues
        return vitals(self.lag.lag, queues)

    def warnings(self) -> list[str]:
        """Return what a person should look at."""
        contradiction = ["the books contradict themselves (see the log): no entries"] if self.distrusted else []
        return [
            *contradiction,
            *self.models.watch.warnings(),
            *([self._keeper.trouble] if self._keeper.trouble else []),
        ]

    def say_open(self) -> None:
        """Log what is open."""
        for line in open_trades(self.book) or ["no trade is open"]:
            log.info("%s", line)
