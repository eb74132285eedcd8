"""Opinions of one strategy on all streams of a run: as candles come, or computed before; the same bits either way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.candle import Candle
from trader.core.errors import ConfigError
from trader.core.events import Instant
from trader.core.signal import Reading, Signal
from trader.core.timeframe import Timeframe
from trader.market.frames import Frames
from trader.market.table import CandleTable
from trader.ml.chunks import State, feature_chunks
from trader.ml.features import ATR14, EMA50, FEATURES, OLD, READY, FeatureKernel
from trader.strategy.base import OpinionArrays, Strategy, signals_of
from trader.strategy.later import Later
from trader.strategy.schedule import Schedule

Stream = tuple[str, Timeframe]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Rows about which a strategy is asked at once in a backtest: enough to hide the cost of asking, few enough to stay in
#: the processor's cache.
CHUNK_ROWS = 1024


class StreamOpinions(msgspec.Struct, frozen=True, eq=False):
    """What one stream shows at each of n candles, in the order of time.

    `time` int64 ms, at which the candle closes; `close`, `ema50`, `atr14` float64 in quote currency, NaN while warming
    up; `ready`: at least 60 candles since the anchor and every feature warmed up; the others as in `OpinionArrays`,
    nothing where not ready. What is `held_only` counts while a trade is open on the stream; `later` works it out where
    it was not looked at before.
    """

    symbol: str
    timeframe: Timeframe
    time: Integers
    close: Floats
    ema50: Floats
    atr14: Floats
    ready: Flags
    pattern: NDArray[np.int8]
    probability: Floats
    strength: Floats
    success: Floats
    expected: Floats
    held_only: Flags
    later: Later | None = None

    def __len__(self) -> int:
        return len(self.time)


def stream_opinions(
    table: CandleTable, strategy: Strategy | Schedule, first_ms: int, everywhere: bool = False
) -> StreamOpinions:
    """Return what `strategy` sees in the candles of `table` with `open_time >= first_ms`; those before warm up.

    `everywhere`: every candle is looked at; else what is passed over is left for `later`.
    The kernel starts with the first candle of the table and restarts behind every gap. Memory beyond the answer is
    a chunk of rows.
    """
    schedule = strategy if isinstance(strategy, Schedule) else Schedule.of(strategy)
    first = int(np.searchsorted(table.open_time, first_ms))
    answer = _silent(table, first)
    states: list[State] | None = [] if schedule.passes_over and not everywhere else None
    for where, rows in feature_chunks(table, first, CHUNK_ROWS, answer.ema50, answer.atr14, states):
        _ask(schedule, answer, where, rows, everywhere)
    return answer if states is None else msgspec.structs.replace(answer, later=Later(table, schedule, first, states))


def _silent(table: CandleTable, first: int) -> StreamOpinions:
    """Return opinions on the rows of `table` from `first` on, as yet without any."""
    count = len(table) - first
    return StreamOpinions(
        table.symbol,
        table.timeframe,
        table.open_time[first:] + table.timeframe.ms,
        table.close[first:].copy(),
        np.full(count, np.nan),
        np.full(count, np.nan),
        np.zeros(count, np.bool_),
        *OpinionArrays.nothing(count),
    )


def _ask(schedule: Schedule, answer: StreamOpinions, where: Integers, rows: Floats, everywhere: bool) -> None:
    """Write into `answer` at `where` what is seen in `rows`, by who has the turn then."""
    answer.ready[where] = True
    for part, strategy in schedule.parts(answer.time[where]):
        seen = strategy.evaluate(rows[part], np.ones(part.stop - part.start, np.bool_) if everywhere else None)
        for name in OpinionArrays._fields:
            getattr(answer, name)[where[part]] = getattr(seen, name)


class LiveOpinions:
    """Reads instants candle by candle: `core.ports.Opinions` of a daemon.

    Each stream has a kernel that goes on from its last candle. A candle that does not follow upon it restarts the
    kernel, which warms up again; one that is not newer is passed over. The strategy is asked once an instant.
    `frames` hold the last `length` candles of each stream, for whoever looks back. `held` tells on which streams a
    trade is open whose rules act on what is seen. Without a strategy nothing is seen. `seen` is told of the candles
    that are ready: T, their timeframes, their rows.
    """

    def __init__(self, strategy: Strategy | None, streams: Iterable[Stream], length: int = 1_000) -> None:
        self.strategy = strategy
        self.held: Callable[[], Collection[Stream]] = tuple
        self.seen: Callable[[int, Sequence[Timeframe], Floats], None] | None = None
        self._kernels = {(symbol, timeframe): FeatureKernel(timeframe) for symbol, timeframe in streams}
        self.frames = Frames(self._kernels, length)
        self._rows = np.full((len(self._kernels), len(FEATURES)), np.nan)
        self._gaps: set[Stream] = set()

    def preload(self, table: CandleTable) -> None:
        """Take history without evaluating it; candles that the stream has already had are passed over."""
        self._kernel(table.symbol, table.timeframe).feed(table)
        self._remember(table)

    def reload(self, table: CandleTable) -> None:
        """Begin a stream anew from its whole history, as after the repair of a candle that came late."""
        kernel = self._kernel(table.symbol, table.timeframe)
        kernel.reset()
        kernel.feed(table)
        self._remember(table)

    def _remember(self, table: CandleTable) -> None:
        """Put the newest candles of a history into the stream's frame."""
        frame = self.frames[table.symbol, table.timeframe]
        frame.repair(table.rows(max(0, len(table) - frame.length), len(table)))

    def mark_gap(self, symbol: str, timeframe: Timeframe) -> None:
        """Say in the stream's readings that a candle is missing whose repair is pending."""
        self._kernel(symbol, timeframe)
        self._gaps.add((symbol, timeframe))

    def clear_gap(self, symbol: str, timeframe: Timeframe) -> None:
        """Say no more that a candle is missing: it came, or the kernel will restart behind the gap."""
        self._gaps.discard((symbol, timeframe))

    def read(self, instant: Instant) -> list[Reading]:
        """Return the readings of the streams that have a new candle in `instant`, in its order.

        Candles of other streams (an exit stream) are passed over. Late candles are read as all others are.
        """
        candles, ready = self._take(instant.candles)
        rows = self._rows[: len(candles)]
        signals = self._ask(rows, ready, candles)
        if self.seen is not None and any(ready):
            warm = [candle.timeframe for candle, is_ready in zip(candles, ready, strict=True) if is_ready]
            self.seen(instant.time, warm, rows if all(ready) else rows[ready])
        columns = (candles, rows[:, EMA50].tolist(), rows[:, ATR14].tolist(), signals, ready)
        return [self._reading(*each) for each in zip(*columns, strict=True)]

    def _take(self, given: Iterable[Candle]) -> tuple[list[Candle], list[bool]]:
        """Take the candles into their kernels; return those that are new, with whether their rows are ready."""
        candles: list[Candle] = []
        ready: list[bool] = []
        for candle in given:
            kernel = self._kernels.get((candle.symbol, candle.timeframe))
            said = kernel.write(candle, self._rows, len(candles)) if kernel is not None else OLD
            if said != OLD:
                self.frames.append(candle)
                candles.append(candle)
                ready.append(said == READY)
        return candles, ready

    def _ask(self, rows: Floats, ready: list[bool], candles: list[Candle]) -> list[Signal | None]:
        """Ask the strategy about the rows that are ready; the others show nothing."""
        if self.strategy is None or not any(ready):
            return [None] * len(ready)
        held = self.held()
        everywhere = np.array([(each.symbol, each.timeframe) in held for each in candles]) if held else None
        if not all(ready):
            rows, everywhere = rows[ready], None if everywhere is None else everywhere[ready]
        opinions = signals_of(self.strategy.evaluate(rows, everywhere))
        return [next(opinions) if warm else None for warm in ready]

    def _reading(self, candle: Candle, ema50: float, atr14: float, signal: Signal | None, ready: bool) -> Reading:
        stream = (candle.symbol, candle.timeframe)
        return Reading(*stream, candle.close, ema50, atr14, signal, ready, stream in self._gaps)

    def _kernel(self, symbol: str, timeframe: Timeframe) -> FeatureKernel:
        kernel = self._kernels.get((symbol, timeframe))
        if kernel is None:
            raise ConfigError(f"{symbol} {timeframe} is not among the streams of this run")
        return kernel
