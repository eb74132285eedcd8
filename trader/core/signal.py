"""What a strategy wishes, and why a wish was not followed."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

import msgspec

from trader.core.timeframe import Timeframe


class Direction(IntEnum):
    """The side of a position; its value is the sign in every formula."""

    LONG = 1
    SHORT = -1


class Pattern(StrEnum):
    """The 11 chart patterns, in the order of every score array (trading-rules, section 3)."""

    ASCENDING_TRIANGLE = "ascending_triangle"
    DESCENDING_TRIANGLE = "descending_triangle"
    SYMMETRICAL_TRIANGLE = "symmetrical_triangle"
    DOUBLE_TOP = "double_top"
    DOUBLE_BOTTOM = "double_bottom"
    HEAD_AND_SHOULDERS = "head_and_shoulders"
    CUP_AND_HANDLE = "cup_and_handle"
    WEDGE_RISING = "wedge_rising"
    WEDGE_FALLING = "wedge_falling"
    FLAG_BULLISH = "flag_bullish"
    FLAG_BEARISH = "flag_bearish"


#: Every pattern whose direction does not depend on the candle; the symmetrical triangle's does.
PATTERN_DIRECTION = {
    Pattern.ASCENDING_TRIANGLE: Direction.LONG,
    Pattern.DOUBLE_BOTTOM: Direction.LONG,
    Pattern.CUP_AND_HANDLE: Direction.LONG,
    Pattern.WEDGE_FALLING: Direction.LONG,
    Pattern.FLAG_BULLISH: Direction.LONG,
    Pattern.DESCENDING_TRIANGLE: Direction.SHORT,
    Pattern.DOUBLE_TOP: Direction.SHORT,
    Pattern.HEAD_AND_SHOULDERS: Direction.SHORT,
    Pattern.WEDGE_RISING: Direction.SHORT,
    Pattern.FLAG_BEARISH: Direction.SHORT,
}


class Signal(msgspec.Struct, frozen=True, gc=False):
    """A wish without a quantity: what the strategy sees and how sure it is, both in 0…1.

    `made` is when the strategy said it (ms), 0 for the candle it is read with: signals on a schedule may be older.
    `success` is how probable it is that a trade on it nets more than 0, `expected` its net return as a fraction of the
    notional, by the rules' own exits and after costs; None where the strategy cannot tell. What is `held_only` speaks
    of a trade that is open on the stream, and of no new one.
    """

    pattern: Pattern
    probability: float
    strength: float
    made: int = 0
    success: float | None = None
    expected: float | None = None
    held_only: bool = False


class Reading(msgspec.Struct, frozen=True):
    """What is known of one stream when its candle closes; `signal` is None where nothing is seen.

    `ready`: at least 60 closed candles and every feature warmed up (check 1).
    `gap`: a candle that the features need is missing and not yet repaired (check 2).
    """

    symbol: str
    timeframe: Timeframe
    close: float
    ema50: float
    atr14: float
    signal: Signal | None
    ready: bool = True
    gap: bool = False


class Refusal(msgspec.Struct, frozen=True):
    """A "no" as a value: the stage and rule that said it, with the values it looked at."""

    stage: str
    rule: str
    values: dict[str, Any] = {}
