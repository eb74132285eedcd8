"""One pass of the program over prepared history; what was prepared once may be passed through again."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from trader.core.events import ModelChange
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.engine.engine import Engine
from trader.engine.hedge_watch import HedgeWatch
from trader.engine.narrator import Audiences
from trader.engine.opinions import BatchOpinions, Stream, merged_counts, quiet_counts
from trader.engine.prepare import Progress, Span
from trader.engine.recorder import Recorder
from trader.engine.streams import StreamPlan
from trader.market.replay import replay
from trader.market.table import CandleTable
from trader.simulation.broker import SimulatedBroker
from trader.strategy.opinions import StreamOpinions
from trader.strategy.schedule import Schedule, Turn
from trader.trading.attention import held_streams
from trader.trading.book import Book
from trader.trading.hourly import Hourly
from trader.trading.logic import TradingLogic
from trader.trading.notes import Audience

#: Instants between two words about how far the run is.
PROGRESS_EVERY = 20_000

#: Funding rates by coin: (time in ms, rate), ascending.
Funding = Mapping[str, Sequence[tuple[int, float]]]


class Prepared(msgspec.Struct, frozen=True, eq=False):
    """History with opinions on it: each coin's base candles, what every stream shows, funding, filters.

    `schedule` tells who had those opinions; `hours` are what each coin did by the hour before the span, where a rule
    looks at that.
    """

    plan: StreamPlan
    span: Span
    bases: list[CandleTable]
    opinions: list[StreamOpinions]
    schedule: Schedule
    funding: Funding
    grids: Mapping[str, Instrument]
    hours: Mapping[str, Hourly]


class Passage(msgspec.Struct, frozen=True, eq=False):
    """What a pass leaves; `watch` is None where nothing is hedged, `looked_at` as in `BatchOpinions`."""

    logic: TradingLogic
    recorder: Recorder
    watch: HedgeWatch | None
    instants: int
    looked_at: Mapping[Stream, Sequence[int]]


def pass_through(
    prepared: Prepared, settings: Settings, audiences: Sequence[Audience], progress: Progress, what: str
) -> Passage:
    """Take all instants under `settings`, and close what is open at the last of them.

    `audiences` hear the notes behind the recorder; `what` is the pass for who watches `progress`.
    """
    plan, grids, recorder = prepared.plan, prepared.grids, Recorder()
    book = Book.of(settings.BACKTEST_INITIAL_CAPITAL)
    opinions = BatchOpinions(prepared.opinions, settings.COINS, lambda: held_streams(book))
    book.hours = {symbol: hours.copy() for symbol, hours in prepared.hours.items()}
    logic = TradingLogic(settings, plan.exits, grids, opinions, Audiences([recorder, *audiences]), book)
    engine = Engine(logic, SimulatedBroker(settings, plan.exits, grids, logic))
    hedged = settings.HEDGING.enable and settings.MARKET == "futures"
    watch = HedgeWatch(settings, grids) if hedged else None
    instants = _replay(prepared, engine, recorder, watch, progress, what)
    return Passage(logic, recorder, watch, instants, opinions.looked_at)


def _replay(
    prepared: Prepared, engine: Engine, recorder: Recorder, watch: HedgeWatch | None, progress: Progress, what: str
) -> int:
    """Return how many instants there were."""
    book, step, mark = engine.logic.book, engine.step, recorder.mark
    span, opinions = prepared.span, prepared.opinions
    candles = sum(map(len, opinions))
    mark(span.start, book)
    count = 0
    coming = deque(prepared.schedule.turns)
    for count, instant in enumerate(replay(prepared.bases, span.start, span.end, prepared.funding), 1):
        if coming and coming[0].time <= instant.time:
            _turn(engine, coming, instant.time)
        step(instant)
        mark(instant.time, book)
        if watch is not None and book.trades:
            watch.look(book)
        if count % PROGRESS_EVERY == 0:
            progress(what, _closed(opinions, instant.time), candles)
    engine.finish()
    mark(span.end, book)
    progress(what, candles, candles)
    return count


def _turn(engine: Engine, coming: deque[Turn], time: int) -> None:
    """Tell the core which model is asked from this instant on."""
    while coming and coming[0].time <= time:
        turn = coming.popleft()
    if turn.model != engine.logic.book.model:
        engine.process(ModelChange(time, turn.model))


def _closed(opinions: Sequence[StreamOpinions], time_ms: int) -> int:
    return sum(int(np.searchsorted(stream.time, time_ms, "right")) for stream in opinions)


def funnel_of(prepared: Prepared, passage: Passage) -> dict[Stream, dict[str, int]]:
    """Count every candle of every stream under the rule that ended its decision."""
    logic = passage.logic
    quiet: dict[str, dict[str, dict[str, int]]] = {}
    for stream in prepared.opinions:
        quiet.setdefault(stream.symbol, {})[stream.timeframe] = quiet_counts(
            stream, logic.settings, passage.looked_at.get((stream.symbol, stream.timeframe), ())
        )
    return merged_counts(prepared.plan.streams, quiet, logic.book.funnel)
