"""What a backtest must know before its first instant: candles of every coin, opinions of every stream."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec

from trader.compiled import is_cold
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine.hours import hours_before
from trader.engine.streams import StreamPlan
from trader.market.history import closing, history, stream_from
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.ml import features
from trader.strategy.opinions import StreamOpinions, stream_opinions
from trader.strategy.registry import schedule_of
from trader.strategy.schedule import Schedule
from trader.trading.hourly import Hourly, needs_hours

Given = TypeVar("Given")
Made = TypeVar("Made")

#: Told how far a run is: what is done, how much, of how much.
Progress = Callable[[str, int, int], None]


class Span(msgspec.Struct, frozen=True):
    """The time of a run, ms UTC: its instants are later than `start`, and `end` at the latest."""

    start: int
    end: int


class Preparation:
    """Reads and computes on `NUM_WORKERS` threads: what takes long is compiled or Arrow's, and runs side by side.

    Nothing depends on their number: each coin and each stream is worked out on its own. `schedule` tells who is asked;
    None: whom the settings name. `everywhere`: about every candle.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        plan: StreamPlan,
        span: Span,
        schedule: Schedule | None = None,
        everywhere: bool = False,
    ) -> None:
        self._everywhere = everywhere
        self._settings = settings
        self._schedule = schedule or schedule_of(settings)
        self._store = store
        self._plan = plan
        self._span = span
        self._bases: dict[str, CandleTable] = {}

    def bases(self, progress: Progress) -> list[CandleTable]:
        """Return each coin's base candles of the span, in the order of the coins."""
        tables = self._side_by_side("reading candles", self._read, list(self._plan.exits), progress)
        self._bases = dict(zip(self._plan.exits, tables, strict=True))
        return [closing(table, self._span.start, self._span.end) for table in tables]

    def opinions(self, progress: Progress) -> list[StreamOpinions]:
        """Return what every stream shows, in the order of the plan, once the bases are there.

        A stream decides when its candles close in an instant of the run: not before its coin's first base candle does.
        """
        name = "compiling (once), looking for patterns" if is_cold(features.run) else "looking for patterns"
        return self._side_by_side(name, self._look, self._plan.streams, progress)

    def hours(self, progress: Progress) -> dict[str, Hourly]:
        """Return what each coin did by the hour before the span, where a rule looks at it; else nothing."""
        if not needs_hours(self._settings):
            return {}
        coins = list(self._plan.exits)
        return dict(zip(coins, self._side_by_side("reading hours", self._hours, coins, progress), strict=True))

    def _hours(self, symbol: str) -> Hourly:
        base = self._plan.exits[symbol]
        return hours_before(self._store, self._settings.MARKET, symbol, base, self._span.start)

    def _read(self, symbol: str) -> CandleTable:
        """Read a coin's base as far back as its longest stream begins to warm up."""
        longest = max(timeframe.ms for name, timeframe in self._plan.streams if name == symbol)
        start = self._span.start - self._settings.PRELOAD_CANDLES * longest
        return history(self._store, self._settings.MARKET, symbol, self._plan.exits[symbol], start, self._span.end)

    def _look(self, stream: tuple[str, Timeframe]) -> StreamOpinions:
        settings, span = self._settings, self._span
        symbol, timeframe = stream
        base = self._bases[symbol]
        start = span.start - settings.PRELOAD_CANDLES * timeframe.ms
        table = stream_from(self._store, settings.MARKET, base, timeframe, start, span.end)
        return stream_opinions(table, self._schedule, self._first(base, timeframe), self._everywhere)

    def _first(self, base: CandleTable, timeframe: Timeframe) -> int:
        """Return the least open time of candles that close in an instant of their coin, ms."""
        inside = closing(base, self._span.start, self._span.end)
        return int(inside.open_time[0]) + base.timeframe.ms - timeframe.ms if len(inside) else self._span.end

    def _side_by_side(
        self, name: str, work: Callable[[Given], Made], tasks: list[Given], progress: Progress
    ) -> list[Made]:
        workers = min(self._settings.NUM_WORKERS or os.cpu_count() or 1, len(tasks))
        done: list[Made] = []
        progress(name, 0, len(tasks))
        with ThreadPoolExecutor(workers) as pool:
            for result in pool.map(work, tasks):
                done.append(result)
                progress(name, len(done), len(tasks))
        return done
