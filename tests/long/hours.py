"""The hours of each coin a second time: correlation and hourly ranges, from scratch."""

from __future__ import annotations

from statistics import median

import numpy as np

from trader.core.candle import Candle
from trader.core.timeframe import HOUR_MS

DAYS_30 = 720
LEAST = 100


class SecondHours:
    """Every hour of one coin that its candles completed: closes and true ranges."""

    def __init__(self) -> None:
        self.closes: dict[int, float] = {}
        self.true_ranges: list[float] = []
        self.averages: dict[int, float] = {}
        self.candles: list[Candle] = []

    def take(self, candle: Candle) -> None:
        """Keep a candle; the last of an hour completes it with those of the same hour."""
        if candle.timeframe.ms > HOUR_MS:
            return
        hour = -(-candle.close_time // HOUR_MS)
        newest = max((-(-kept.close_time // HOUR_MS) for kept in self.candles), default=hour)
        made_of = [candle, *(kept for kept in self.candles if newest == hour)]
        if hour >= newest:
            self.candles = made_of
        if candle.close_time % HOUR_MS == 0:
            self._complete(hour, made_of)

    def _complete(self, hour: int, candles: list[Candle]) -> None:
        close = candles[0].close
        before = next(reversed(self.closes.values()), close)
        high = max([before, *(candle.high for candle in candles)])
        low = min([before, *(candle.low for candle in candles)])
        self.closes[hour] = close
        self.true_ranges.append(high - low)
        if len(self.true_ranges) == 14:
            self.averages[hour] = sum(self.true_ranges) / 14
        elif len(self.true_ranges) > 14:
            last = next(reversed(self.averages.values()))
            self.averages[hour] = (last * 13 + high - low) / 14

    def returns(self, hour: int) -> dict[int, float]:
        """Return the returns of the 30 days up to `hour`."""
        hours = range(hour - DAYS_30 + 1, hour + 1)
        closes = self.closes
        return {at: closes[at] / closes[at - 1] - 1 for at in hours if at in closes and at - 1 in closes}

    def calm(self) -> float:
        """Return the median range of 30 days over the present one; 1 while it is not known."""
        if not self.averages:
            return 1.0
        now = next(reversed(self.averages))
        ranges = [average / self.closes[at] for at, average in self.averages.items() if at > now - DAYS_30]
        return 1.0 if len(ranges) < LEAST or ranges[-1] <= 0 else median(ranges) / ranges[-1]


def move_together(one: SecondHours, other: SecondHours, hour: int) -> bool:
    """Tell whether |r| of two coins is above 0.7, known from 100 common hours on."""
    first, second = one.returns(hour), other.returns(hour)
    common = sorted(set(first) & set(second))
    if len(common) < LEAST:
        return False
    xs, ys = ([returns[at] for at in common] for returns in (first, second))
    if np.ptp(xs) == 0 or np.ptp(ys) == 0:
        return False
    return bool(abs(np.corrcoef(xs, ys)[0, 1]) > 0.7)
