"""Opinions on a whole history, worked out before the run: what each stream shows, by T."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from trader.core.events import Instant
from trader.core.settings import Settings
from trader.core.signal import Reading
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.strategy.base import signal_of
from trader.strategy.opinions import StreamOpinions
from trader.trading.hours import inside_hours

#: Offsets of time zones are multiples of this, so one look per quarter of an hour is enough.
QUARTER_MS = 15 * MINUTE_MS


class BatchOpinions:
    """Readings by T, shorter timeframes first, then the order of the coins.

    Only candles on which something is seen become readings; how the others ended is counted by `quiet_counts`.
    """

    def __init__(self, streams: Iterable[StreamOpinions], coins: Sequence[str]) -> None:
        rank = {symbol: index for index, symbol in enumerate(coins)}
        self._by_time: dict[int, list[Reading]] = {}
        for stream in sorted(streams, key=lambda stream: (stream.timeframe.ms, rank[stream.symbol])):
            for time, reading in _seen(stream):
                self._by_time.setdefault(time, []).append(reading)

    def read(self, instant: Instant) -> Sequence[Reading]:
        """Return the readings on which something is seen."""
        return self._by_time.get(instant.time, ())


def _seen(stream: StreamOpinions) -> Iterable[tuple[int, Reading]]:
    for row in np.flatnonzero(stream.ready & (stream.pattern >= 0)):
        signal = signal_of(int(stream.pattern[row]), float(stream.probability[row]), float(stream.strength[row]))
        reading = Reading(
            stream.symbol,
            stream.timeframe,
            float(stream.close[row]),
            float(stream.ema50[row]),
            float(stream.atr14[row]),
            signal,
        )
        yield int(stream.time[row]), reading


def quiet_counts(stream: StreamOpinions, settings: Settings) -> dict[str, int]:
    """Count the candles of a stream that end at checks 1 to 4, as `quiet_refusal` would, one by one."""
    quiet = ~(stream.ready & (stream.pattern >= 0))
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
