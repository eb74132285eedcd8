"""Days lived on purpose: the core with a journal, and a venue that fills as the simulation does, but for what it is
told to do otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.builders import START_MS
from tests.engine.runs import generated, loose, stored
from trader.core.events import Event, Instant, OperatorCommand
from trader.core.order import Fill, OrderDropped
from trader.core.timeframe import DAY_MS, HOUR_MS
from trader.engine.engine import Engine
from trader.engine.live.snapshot import VERSION, Snapshot, encode
from trader.engine.opinions import BatchOpinions
from trader.engine.prepare import Preparation, Span
from trader.engine.replay import SECRETS, filters_of
from trader.engine.streams import StreamPlan, plan_streams
from trader.journal.journal import Journal
from trader.journal.place import Place
from trader.journal.reader import Reader
from trader.journal.records import Checkpoint, Run
from trader.journal.scribe import Scribe, Witness
from trader.market.history import finest_stored
from trader.market.instruments import instruments
from trader.market.replay import replay_streams
from trader.reports.divergence.make import diverge
from trader.reports.divergence.records import Divergence
from trader.simulation.broker import BrokerState, SimulatedBroker
from trader.strategy.registry import schedule_of_models
from trader.trading.book import Book
from trader.trading.logic import TradingLogic

#: The second day of the history is lived, or a part of it, and some hours of the third: the first one warms up.
FIRST, DAYS = START_MS + DAY_MS, 2.25
Answer = Fill | OrderDropped
#: What becomes of an answer of the simulated venue, and of the instant before the core takes it (None: never does).
Twist = Callable[[Answer], Iterable[Answer]]
Bend = Callable[[Instant], Instant | None]


class Twisted:
    """The simulated venue with other answers."""

    def __init__(self, broker: SimulatedBroker, twist: Twist) -> None:
        self._broker = broker
        self._twist = twist

    @property
    def state(self) -> BrokerState:
        return self._broker.state

    def send(self, command: Any) -> None:
        self._broker.send(command)

    def match(self, instant: Instant) -> Iterator[Answer]:
        for answer in self._broker.match(instant):
            yield from self._twist(answer)

    def close_out(self, last_close: Mapping[str, float], last_close_time: Mapping[str, int]) -> Iterator[Fill]:
        return iter(())


class World:
    """A store of three days, and days lived in it. Preparing the opinions takes longest, so it is done once.

    `models` are those that are asked, each with the T from which on; of none, whom the settings name.
    """

    def __init__(self, root: Path, models: Sequence[tuple[int, str]] = (), **overrides: Any) -> None:
        self.store = stored(root / "store", generated(DAYS))
        self.values = loose(TIMEFRAMES=["1min", "5min"], PRELOAD_CANDLES=100, DAILY_LOSS_LIMIT=0.0, **overrides)
        self._root = root
        self._lives = 0
        finest = {symbol: finest_stored(self.store, "spot", symbol) for symbol in self.values.COINS}
        self.plan: StreamPlan = plan_streams(self.values, finest)
        span, turns = Span(FIRST, START_MS + int(DAYS * DAY_MS)), None
        if models:
            turns = schedule_of_models(self.values, models)
        self._preparation = Preparation(self.values, self.store, self.plan, span, turns)
        self._bases = self._preparation.bases(lambda *_: None)
        self._opinions = self._preparation.opinions(lambda *_: None)

    def live(
        self,
        twist: Twist = lambda answer: (answer,),
        bend: Bend = lambda instant: instant,
        people: Mapping[int, Sequence[OperatorCommand]] | None = None,
        extra: Callable[[Book, Instant], Iterable[Event]] = lambda book, instant: (),
        hours: float = 14,
    ) -> Path:
        """Live from `FIRST` on; return the home with the journal. `extra` comes between fills and instant."""
        self._lives += 1
        home = self._root / f"life-{self._lives}"
        home.mkdir()
        journal = Journal(Place(home, ""), threaded=False)
        journal.open()
        grids, _ = instruments(self.store, self.values, list(self.plan.exits))
        streams = tuple(f"{symbol},{timeframe}" for symbol, timeframe in self.plan.streams)
        settings = self.values.model_dump(mode="json", exclude=set(SECRETS))
        run = Run("a venue", "embedded", "spot", "0", 0, FIRST, streams, settings, filters=filters_of(grids))
        journal.begin(run)
        book = Book.of(10_000.0)
        scribe = Scribe(journal, book, streams)
        opinions = Witness(BatchOpinions(self._opinions, self.values.COINS), scribe)
        logic = TradingLogic(self.values, self.plan.exits, grids, opinions, scribe, book)
        broker = Twisted(SimulatedBroker(self.values, self.plan.exits, grids, logic), twist)
        engine = Engine(logic, broker, scribe)

        def save(at: int) -> None:
            snapshot = Snapshot(
                VERSION, "a venue", self.values.COINS, self.plan.exits, FIRST, at, {}, book, broker.state
            )
            scribe.keep(Checkpoint(book.time, VERSION, encode(snapshot)))

        save(FIRST)
        timeframes = list(self.values.TIMEFRAMES)
        for instant in replay_streams(self._bases, timeframes, FIRST, FIRST + int(hours * HOUR_MS)):
            for command in (people or {}).get(instant.time, ()):
                engine.process(command)
            bent = bend(instant)
            if bent is None:
                continue
            for answer in broker.match(bent):
                engine.process(answer)
            for event in extra(book, bent):
                engine.process(event)
            engine.process(bent)
            if instant.time % HOUR_MS == 0:
                save(instant.time)
        journal.close()
        return home

    def report(self, home: Path, day_ms: int = FIRST) -> Divergence:
        """Return the divergence of a day of a life."""
        with Reader(Place(home, "")) as reader:
            return diverge(reader, self.store, day_ms)


def every(change: Callable[[Fill], Fill], when: Callable[[Fill], bool]) -> Twist:
    """Return a twist that changes the fills for which `when` holds."""
    return lambda answer: (change(answer) if isinstance(answer, Fill) and when(answer) else answer,)


def but(fill: Fill, **values: Any) -> Fill:
    """Return a fill with other values."""
    return msgspec.structs.replace(fill, **values)


def dearer(fill: Fill, share: float, later_ms: int = 0) -> Fill:
    """Return a fill at a price higher by a share, with the fee of that, maybe later."""
    return but(fill, price=fill.price * (1 + share), fee=fill.fee * (1 + share), time=fill.time + later_ms)
