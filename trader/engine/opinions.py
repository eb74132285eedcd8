"""Opinions on a whole history, worked out before the run: what each stream shows, by T."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from trader.core.events import Instant
from trader.core.settings import Settings
from trader.core.signal import Reading
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.strategy.base import OpinionArrays, signals_of
from trader.strategy.opinions import StreamOpinions
from trader.trading.hours import inside_hours

Stream = tuple[str, Timeframe]

#: Offsets of time zones are multiples of this, so one look per quarter of an hour is enough.
QUARTER_MS = 15 * MINUTE_MS

#: What stands in the queue of readings when none is left: a time later than any instant.
NO_MORE: tuple[int, int] = (sys.maxsize, 0)


class BatchOpinions:
    """Readings by T, shorter timeframes first, then the order of the coins; instants come in the order of time.

    Only candles on which something is seen become readings, each when its instant comes; how the others ended is
    counted by `quiet_counts`.
    """

    def __init__(
        self, streams: Iterable[StreamOpinions], coins: Sequence[str], held: Callable[[], Collection[Stream]] = tuple
    ) -> None:
        rank = {symbol: index for index, symbol in enumerate(coins)}
        ordered = sorted(streams, key=lambda stream: (stream.timeframe.ms, rank[stream.symbol]))
        self._held = held
        self._place = {(stream.symbol, stream.timeframe): place for place, stream in enumerate(ordered)}
        self._ordered = ordered
        #: The rows of each stream that were passed over at first and became readings all the same.
        self.looked_at: dict[Stream, list[int]] = {}
        rows = [np.flatnonzero(seen(stream)) for stream in ordered]
        times = np.concatenate([stream.time[where] for stream, where in zip(ordered, rows, strict=True)])
        feeds = np.repeat(np.arange(len(ordered)), [len(where) for where in rows])
        order = np.argsort(times, kind="stable")
        self._feeds = [readings(stream, where) for stream, where in zip(ordered, rows, strict=True)]
        self._queue = zip(times[order].tolist(), feeds[order].tolist(), strict=True)
        self._due, self._feed = self._next()

    def read(self, instant: Instant) -> Sequence[Reading]:
        """Return the readings on which something is seen."""
        held = self._held()
        if self._due > instant.time and not held:
            return ()
        due: list[Reading] = []
        while self._due <= instant.time:
            reading = next(self._feeds[self._feed])
            if self._due == instant.time:
                due.append(reading)
            self._due, self._feed = self._next()
        return self._with_held(due, held, instant.time) if held else due

    def _with_held(self, due: list[Reading], held: Collection[Stream], time: int) -> list[Reading]:
        """Return the readings with those of streams on which a trade is open, in the order of decisions."""
        shown = {(reading.symbol, reading.timeframe) for reading in due}
        more = (self._looked_at(self._ordered[self._place[each]], time) for each in held if each not in shown)
        found = [reading for reading in more if reading is not None]
        return sorted(due + found, key=lambda each: self._place[each.symbol, each.timeframe]) if found else due

    def _looked_at(self, stream: StreamOpinions, time: int) -> Reading | None:
        """Return the reading of a candle that was passed over, where something is seen in it after all."""
        row = int(np.searchsorted(stream.time, time))
        if stream.later is None or row == len(stream) or stream.time[row] != time or not stream.ready[row]:
            return None
        signal = stream.later.signal(row)
        if signal is None:
            return None
        self.looked_at.setdefault((stream.symbol, stream.timeframe), []).append(row)
        close, ema50, atr14 = (float(column[row]) for column in (stream.close, stream.ema50, stream.atr14))
        return Reading(stream.symbol, stream.timeframe, close, ema50, atr14, signal)

    def _next(self) -> tuple[int, int]:
        """Return T of the next reading and the feed that has it."""
        return next(self._queue, NO_MORE)


def seen(stream: StreamOpinions) -> NDArray[np.bool_]:
    """Tell in which candles a stream shows something."""
    return stream.ready & (stream.pattern >= 0)


def readings(stream: StreamOpinions, rows: NDArray[np.int64]) -> Iterator[Reading]:
    """Return what a stream shows at `rows`, each made when it is asked for."""
    signals = signals_of(OpinionArrays(*(getattr(stream, name)[rows] for name in OpinionArrays._fields)))
    values = (column[rows].tolist() for column in (stream.close, stream.ema50, stream.atr14))
    return map(Reading, repeat(stream.symbol), repeat(stream.timeframe), *values, signals)


def quiet_counts(stream: StreamOpinions, settings: Settings, looked_at: Sequence[int] = ()) -> dict[str, int]:
    """Count the candles of a stream that end at checks 1 to 4, as `quiet_refusal` would, one by one.

    The rows `looked_at` became readings during the run: those were counted there.
    """
    quiet = ~seen(stream)
    quiet[np.array(looked_at, np.int64)] = False
    outside = _outside_hours(stream.time, settings)
    warming = quiet & ~stream.ready
    closed = quiet & stream.ready & outside
    counts = {
        "warming_up": int(warming.sum()),
        "outside_hours": int(closed.sum()),
        "no_pattern": int((quiet & stream.ready & ~outside).sum()),
    }
    return {rule: count for rule, count in counts.items() if count}


def _outside_hours(times: NDArray[np.int64], settings: Settings) -> NDArray[np.bool_]:
    hours = settings.TRADING_HOURS
    if not hours.enable:
        return np.zeros(len(times), bool)
    quarters, where = np.unique(times // QUARTER_MS, return_inverse=True)
    outside = np.array([not inside_hours(hours, int(quarter) * QUARTER_MS) for quarter in quarters], bool)
    return outside[where]


def merged_counts(
    streams: Sequence[tuple[str, Timeframe]], *sources: dict[str, dict[str, dict[str, int]]]
) -> dict[tuple[str, Timeframe], dict[str, int]]:
    """Add counts by symbol, timeframe and rule into one table with a row for every stream."""
    merged: dict[tuple[str, Timeframe], dict[str, int]] = {stream: {} for stream in streams}
    for source in sources:
        for symbol, timeframes in source.items():
            for timeframe, rules in timeframes.items():
                row = merged.setdefault((symbol, Timeframe.parse(timeframe)), {})
                for rule, count in rules.items():
                    row[rule] = row.get(rule, 0) + count
    return merged
