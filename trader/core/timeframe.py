"""Candle lengths, by the names that settings, files and reports use."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from trader.core.errors import ConfigError

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Timeframe(StrEnum):
    """One length of candles; `ms` is its interval in milliseconds, `wire` Binance's name.

    15s and 30s have no name at Binance; they are built here.

    >>> Timeframe.parse("1m") is Timeframe.MIN_1, Timeframe.MIN_5.ms
    (True, 300000)
    """

    ms: int
    wire: str

    def __new__(cls, name: str, ms: int, wire: str) -> Timeframe:
        member = str.__new__(cls, name)
        member._value_ = name
        member.ms = ms
        member.wire = wire
        return member

    SEC_1 = "1s", SECOND_MS, "1s"
    SEC_15 = "15s", 15 * SECOND_MS, ""
    SEC_30 = "30s", 30 * SECOND_MS, ""
    MIN_1 = "1min", MINUTE_MS, "1m"
    MIN_5 = "5min", 5 * MINUTE_MS, "5m"
    MIN_15 = "15min", 15 * MINUTE_MS, "15m"
    MIN_30 = "30min", 30 * MINUTE_MS, "30m"
    HOUR_1 = "1h", HOUR_MS, "1h"
    HOUR_4 = "4h", 4 * HOUR_MS, "4h"
    DAY_1 = "1d", DAY_MS, "1d"

    @classmethod
    def parse(cls, text: str) -> Timeframe:
        """Return the member called `text`, in our name or Binance's; raise `ConfigError` otherwise."""
        for member in cls:
            if text == member.value or (member.wire and text == member.wire):
                return member
        raise ConfigError(f"timeframe {text!r} is unknown; allowed: {', '.join(cls)}")


def utc(time_ms: int) -> str:
    """Return a time of the market as a person reads it.

    >>> utc(1_735_689_600_500)
    '2025-01-01 00:00:00'
    """
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
