"""The daemon: instants through the engine as they come, until it is told to stop or its market ends."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import msgspec

from trader.core.candle import Candle
from trader.core.errors import ExchangeError
from trader.core.events import Action, FundingRate, Instant, OperatorCommand
from trader.core.settings import Settings
from trader.engine.engine import Engine
from trader.engine.live.funding import FundingWatch
from trader.engine.live.history import History
from trader.engine.live.intake import Intake
from trader.engine.live.keeper import Keeper
from trader.engine.live.snapshot import Snapshot
from trader.engine.live.status import Pulse, funnel_line, open_trades, status_lines
from trader.engine.live.venue import Venue, finest_of
from trader.engine.streams import plan_streams
from trader.market.instruments import instruments
from trader.market.store import Store
from trader.simulation.broker import SimulatedBroker
from trader.strategy.opinions import LiveOpinions
from trader.strategy.registry import strategy_called
from trader.trading.logic import TradingLogic
from trader.trading.notes import Audience

log = logging.getLogger(__name__)

#: Instants between two turns of the loop for others: sockets are read, commands are heard.
TURN = 32
LOOK_EVERY_S = 0.25
HOUSEKEEP_EVERY_S = 1.0


class LiveWebSocketTrader:
    """Trades one market live on simulated fills. `initialize`, then `run`; `stop` ends `run` within seconds.

    `home` keeps the snapshot, `store` the candles. `finished` tells after `run` that the market's play had ended.
    """

    def __init__(
        self, settings: Settings, venue: Venue, store: Store, home: Path, audience: Audience, snapshot: Snapshot | None
    ) -> None:
        self._settings = settings
        self._venue = venue
        self._store = store
        self._audience = audience
        self._snapshot = snapshot
        self._kill_file = Path(settings.DATA_DIR) / "KILL"
        self._kill_seen = False
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._flagged: set[str] = set()
        self._funding = FundingWatch(venue.rest) if settings.MARKET == "futures" else None
        self._keeper = Keeper(store, settings.MARKET, home)
        self.pulse = Pulse()
        self.finished = False

    async def initialize(self) -> None:
        """Load filters and history, take up the snapshot, judge what was missed; nothing is decided yet."""
        settings, venue = self._settings, self._venue
        self._store.save_exchange_info(settings.MARKET, await venue.rest.exchange_info())
        self.plan = plan_streams(settings, finest_of(venue.first_state, settings))
        for note in self.plan.notes:
            log.warning("%s", note)
        now = await venue.market_time()
        start = now - now % min(base.ms for base in self.plan.exits.values())
        self._anchor = self._snapshot.anchor if self._snapshot else start
        self._intake = Intake(settings, venue, self.plan, start, self._wake)
        self._history = History(settings, self._store, venue.rest, self._intake.feeds)
        await self._history.fetch(self.plan.exits, self.plan.streams, self._anchor, start)
        self._wire(start)
        if self._snapshot is not None:
            self._catch_up(self._snapshot.book.time, start)

    def _wire(self, start: int) -> None:
        """Make core and broker, new or from the snapshot, and bring the kernels to `start`."""
        settings, plan, snapshot = self._settings, self.plan, self._snapshot
        self._opinions = LiveOpinions(strategy_called(settings.STRATEGY), plan.streams)
        for symbol in plan.exits:
            self._load(symbol, start)
        grids, fallbacks = instruments(self._store, settings, list(plan.exits))
        if fallbacks:
            log.warning("no filters for %s: DEFAULT_FILTERS stand in", ", ".join(fallbacks))
        book, state = (snapshot.book, snapshot.broker) if snapshot else (None, None)
        logic = TradingLogic(settings, plan.exits, grids, self._opinions, self._audience, book)
        self.engine = Engine(logic, SimulatedBroker(settings, plan.exits, grids, logic, state))

    def _load(self, symbol: str, end: int) -> None:
        """Bring a coin's kernels and longer candles to `end`, from the anchor on."""
        base = self.plan.exits[symbol]
        for name, timeframe in self.plan.streams:
            if name == symbol:
                self._opinions.reload(self._history.table(symbol, base, timeframe, self._anchor, end))
        self._intake.assembler.seed(self._history.base(symbol, base, end))

    def _catch_up(self, since: int, start: int) -> None:
        """Judge the exits of candles that closed while we were away; they decide nothing."""
        missed: dict[int, list[Candle]] = {}
        for symbol, base in self.plan.exits.items():
            table = self._store.read(self._settings.MARKET, symbol, base, since - base.ms + 1, start)
            for candle in table.candles():
                missed.setdefault(candle.close_time, []).append(candle)
        for at in sorted(missed):
            self.engine.step(Instant(at, tuple(missed[at]), late=True))
        equity = self.engine.logic.book.worth()
        log.info("taken up at equity %.2f; judged %d missed instants without decisions", equity, len(missed))
        self.say_open()

    # --- the run ----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Let `run` end; what is open stays open, and is in the snapshot."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Trade until `stop`, or until an embedded play has ended and everything is closed."""
        self.pulse.started_s = time.monotonic()
        streaming = asyncio.create_task(self._intake.run())
        beside = [asyncio.create_task(job) for job in (self._trade(), self._housekeep())]
        try:
            await asyncio.wait([streaming, *beside], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._intake.stop()
            for task in beside:
                task.cancel()
            results = await asyncio.gather(streaming, *beside, return_exceptions=True)
            await self._keeper.close(self._encoded())
        for result in results:
            if isinstance(result, Exception):
                raise result

    def _encoded(self) -> bytes:
        book, broker = self.engine.logic.book, self.engine.broker
        return self._keeper.encode(self._venue.name, self.plan.exits, self._anchor, book, broker.state)

    async def _trade(self) -> None:
        await self._begin()
        while not self._stopping.is_set():
            for turn, instant in enumerate(self._intake.ready(), 1):
                await self._take(instant)
                if turn % TURN == 0:
                    await asyncio.sleep(0)
            self._flag_gaps()
            if self._intake.is_over():
                return self._finish()
            await self._rest()
        return None

    async def _begin(self) -> None:
        """Let a held play begin once the streams are subscribed: nothing of it is missed."""
        await self._intake.connected.wait()
        await self._venue.start_play()
        log.info("streams are up: %d coins, %d streams decide", len(self.plan.exits), len(self.plan.streams))

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), self._intake.pause_s(LOOK_EVERY_S))
        except TimeoutError:
            return
        self._wake.clear()

    async def _take(self, instant: Instant) -> None:
        funding = await self._due_funding(instant)
        self.engine.step(msgspec.structs.replace(instant, funding=funding) if funding else instant)
        exits = self.plan.exits
        self._keeper.keep([candle for candle in instant.candles if exits[candle.symbol] is candle.timeframe])
        self.pulse.count(instant, self._intake.arrived_s)
        if instant.late:
            await self._keeper.flush()
            self._load(instant.candles[0].symbol, self._intake.assembler.done)

    async def _due_funding(self, instant: Instant) -> tuple[FundingRate, ...]:
        trades = self.engine.logic.book.trades.values()
        if self._funding is None or instant.late or not trades:
            return ()
        return await self._funding.due(instant.time, sorted({trade.symbol for trade in trades}))

    def _flag_gaps(self) -> None:
        """Let readings say `gap` while a candle that instants went on without is not repaired."""
        for symbol in self.plan.exits:
            gap = bool(self._intake.assembler.missing(symbol))
            if gap == (symbol in self._flagged):
                continue
            for name, timeframe in self.plan.streams:
                if name == symbol:
                    (self._opinions.mark_gap if gap else self._opinions.clear_gap)(symbol, timeframe)
            (self._flagged.add if gap else self._flagged.discard)(symbol)
            if gap:
                self._intake.repair_missing(symbol)

    def _finish(self) -> None:
        log.info("the play has ended: open trades close at their last prices (end_of_data)")
        self.engine.finish()
        self.finished = True

    # --- beside the trading -----------------------------------------------------------------------------------

    async def _housekeep(self) -> None:
        """Kill file, candles to the store, snapshot, the end of a play that we may have missed, status."""
        last_status = time.monotonic()
        while True:
            await asyncio.sleep(HOUSEKEEP_EVERY_S)
            self._look_for_kill_file()
            await self._keeper.flush()
            await self._keeper.save(self._encoded())
            if self._venue.embedded:
                await self._poll_play()
            if time.monotonic() - last_status >= self._settings.STATUS_EVERY_S:
                last_status = time.monotonic()
                self.say_status()

    async def _poll_play(self) -> None:
        try:
            state = await self._venue.play()
        except ExchangeError as error:
            log.warning("%s", error)
            return
        if state is not None and state.ended:
            self._intake.end_at(state.now)

    def _look_for_kill_file(self) -> None:
        there = self._kill_file.exists()
        if there == self._kill_seen:
            return
        self._kill_seen = there
        text = "is there: kill switch" if there else "is gone: the kill switch is lifted"
        log.warning("%s %s", self._kill_file, text)
        self.engine.process(OperatorCommand(Action.KILL if there else Action.LIFT))

    def say_status(self) -> None:
        """Log how the daemon is."""
        book = self.engine.logic.book
        market_ms = max(book.time, self._intake.clock_ms)
        for line in status_lines(book, self.pulse, self._intake.stats, market_ms):
            log.info("%s", line)
        log.info("%s", funnel_line(book))

    def say_open(self) -> None:
        """Log what is open."""
        lines = open_trades(self.engine.logic.book)
        for line in lines or ["no trade is open"]:
            log.info("%s", line)

    def reconnects(self) -> int:
        """Return how often a connection was made anew."""
        return self._intake.stats.reconnects

    def repaired(self) -> int:
        """Return how many candles REST had to bring."""
        return self._intake.repaired
