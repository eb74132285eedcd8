"""Funding as the mark-price stream announces it: the last word before each full hour says what falls due then."""

from __future__ import annotations

import math

from trader.core.events import FundingRate
from trader.core.timeframe import HOUR_MS, MINUTE_MS
from trader.exchange.binance.messages import MarkPrice

#: The exchange stamps a payment some milliseconds behind its full minute; stored rates carry the minute.
STAMP_MS = 5_000
#: The rate is an estimate until it falls due: only a word so shortly before counts as final, ms of the market.
NEAR_MS = 10_000
#: Hours that are remembered of a coin: more than any instant lies behind the stream.
KEPT = 48


class Announcements:
    """Remembers by coin, for each full hour, the last message before it, and judges by it what falls due then.

    A message from `near_ms` before the hour on is the last word: a payment at the hour, with its rate, or none.
    Without one the stream was silent, and nobody knows.
    """

    def __init__(self, near_ms: int = NEAR_MS) -> None:
        self._near_ms = near_ms
        self._words: dict[str, dict[int, MarkPrice]] = {}

    def hear(self, message: MarkPrice) -> None:
        """Take a message; of two before one hour the later one counts, whatever order they come in."""
        hour = message.event_ms - message.event_ms % HOUR_MS + HOUR_MS
        words = self._words.setdefault(message.symbol, {})
        if hour not in words or words[hour].event_ms <= message.event_ms:
            words[hour] = message
        while len(words) > KEPT:
            del words[min(words)]

    def told(self, symbol: str, start_ms: int, end_ms: int) -> list[FundingRate] | None:
        """Return a coin's payments with `start_ms <= time <= end_ms`; None where the stream did not tell them all."""
        found: list[FundingRate] = []
        for hour in range(-(-start_ms // HOUR_MS) * HOUR_MS, end_ms + 1, HOUR_MS):
            word = self._words.get(symbol, {}).get(hour)
            if word is None or not self._is_last_word(word, hour):
                return None
            if due_time(word.next_funding_ms) == hour:
                found.append(FundingRate(symbol, hour, word.funding_rate))
        return found

    def _is_last_word(self, word: MarkPrice, hour: int) -> bool:
        near = hour - word.event_ms <= self._near_ms
        return near and due_time(word.next_funding_ms) >= hour and math.isfinite(word.funding_rate)


def due_time(stamp_ms: int) -> int:
    """Return when a payment fell due, given when the exchange says it was made.

    >>> due_time(28_800_003), due_time(28_790_000)
    (28800000, 28790000)
    """
    behind = stamp_ms % MINUTE_MS
    return stamp_ms - behind if behind <= STAMP_MS else stamp_ms
