"""What a coin did by the hour in the last 30 days: closes and ranges, kept as candles come (section 8).

Hours are counted from the epoch. They come from the exit stream, so a coin whose exit stream is longer than an hour
has none, and the rules that need them have no effect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

import msgspec

from trader.core.candle import Candle
from trader.core.settings import Settings
from trader.core.timeframe import HOUR_MS

#: Hours of which closes and ranges are kept, and how many two coins must share for a correlation.
HOURS = 30 * 24
LEAST_COMMON = 100
#: Wilder's smoothing of the hourly range, as in ATR14.
SMOOTHING = 14
#: Hours before a run that are taken before its first instant, so that the rules know 30 days from the start on: more
#: than are kept, for the average of the ranges has to forget where it began.
PRELOAD_HOURS = HOURS + 10 * SMOOTHING


class Hourly(msgspec.Struct):
    """The hours of one coin: `closes` and `ranges` (ATR14 / close) by full hour, ascending, 30 days of them.

    One close more is kept: the return of the first hour counts from it. The rest is the hour in the making, which
    `ends` (ms), and Wilder's average of the true ranges.
    """

    closes: dict[int, float] = {}
    ranges: dict[int, float] = {}
    ends: int = 0
    high: float = -math.inf
    low: float = math.inf
    last_close: float = 0.0
    average: float = 0.0
    count: int = 0

    def take(self, candle: Candle, time: int) -> None:
        """Take a candle that closed at `time` (ms); the last of an hour completes it. Longer ones tell no hours.

        One that is late, of an hour before the one in the making, can only complete its own.
        """
        if candle.timeframe.ms > HOUR_MS:
            return
        ends = -(-time // HOUR_MS) * HOUR_MS
        high, low = candle.high, candle.low
        if ends == self.ends:
            high, low = max(self.high, high), min(self.low, low)
        if ends >= self.ends:
            self.ends, self.high, self.low = ends, high, low
        if time == ends:
            self._complete(time // HOUR_MS, high, low, candle.close)

    def widen(self, candle: Candle) -> None:
        """Take a candle of the hour in the making that is not its last: what `take` does, for the many in less time."""
        if candle.high > self.high:
            self.high = candle.high
        if candle.low < self.low:
            self.low = candle.low

    def copy(self) -> Hourly:
        """Return the same hours, to go on from apart."""
        return msgspec.structs.replace(self, closes=dict(self.closes), ranges=dict(self.ranges))

    def _complete(self, hour: int, high: float, low: float, close: float) -> None:
        before = self.last_close or close
        true_range = max(high, before) - min(low, before)
        self.count += 1
        self.average += (true_range - self.average) / min(self.count, SMOOTHING)
        self.last_close = close
        self.closes[hour] = close
        if self.count >= SMOOTHING:
            self.ranges[hour] = self.average / close
        for kept, first in ((self.closes, hour - HOURS), (self.ranges, hour - HOURS + 1)):
            while kept and next(iter(kept)) < first:
                del kept[next(iter(kept))]

    def returns(self, hour: int) -> dict[int, float]:
        """Return the returns of the 30 days up to `hour`; one with a missing neighbour is left out."""
        closes = self.closes
        return {
            at: close / closes[at - 1] - 1
            for at, close in closes.items()
            if at - 1 in closes and hour - HOURS < at <= hour
        }

    def calm(self) -> float | None:
        """Return the median of the ranges over the present one, above 1 in a calm market; None while unknown."""
        if len(self.ranges) < LEAST_COMMON:
            return None
        present = next(reversed(self.ranges.values()))
        return median(self.ranges.values()) / present if present > 0 else None


def needs_hours(settings: Settings) -> bool:
    """Tell whether a rule that is on looks at hours: correlation, or hedges by volatility."""
    return settings.CORRELATION_MODE != "off" or (settings.HEDGING.enable and settings.HEDGING.dynamic_hedge)


def correlation(one: Mapping[int, float], other: Mapping[int, float]) -> float | None:
    """Return Pearson's r of two coins' returns over their common hours; None with fewer than 100, or without variance.

    NaN where a return is no number.

    >>> up = {hour: 0.01 * (hour % 3 - 1) for hour in range(120)}
    >>> round(correlation(up, {hour: 2 * value for hour, value in up.items()}), 6)
    1.0
    """
    common = [hour for hour in one if hour in other]
    if len(common) < LEAST_COMMON:
        return None
    return _pearson([one[hour] for hour in common], [other[hour] for hour in common])


def _pearson(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    count = len(xs)
    if not math.isfinite(sum(xs) + sum(ys)):
        return math.nan
    mean_x, mean_y = math.fsum(xs) / count, math.fsum(ys) / count
    xx = math.fsum((x - mean_x) * (x - mean_x) for x in xs)
    yy = math.fsum((y - mean_y) * (y - mean_y) for y in ys)
    xy = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return None if xx == 0 or yy == 0 else xy / math.sqrt(xx * yy)
