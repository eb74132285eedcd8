"""Where a difference arose, and what is found of it."""

from __future__ import annotations

import math

import msgspec

from trader.core.signal import Direction
from trader.reports.divergence.books import Key
from trader.reports.divergence.evidence import Evidence
from trader.reports.divergence.final import FinalDay
from trader.reports.divergence.records import Cause


class Finding(msgspec.Struct, frozen=True):
    """A cause in words; `cost` in quote currency where it can be told apart, None: all that is left of the cost."""

    cause: Cause
    words: str
    cost: float | None = None


class Place(msgspec.Struct, frozen=True, eq=False):
    """Where a difference arose: between the instants `start` and `until`, and at which it was over, `end`.

    `missed` counts the instants before `until` that the daemon did not judge; `new_run`: it was started in between.
    `position_id` is the live one, 0 where there is none; `stop` is where its books wanted the stop at `start`, NaN
    without one.
    """

    key: Key
    direction: Direction
    start: int
    until: int
    end: int
    missed: int
    new_run: bool
    position_id: int
    evidence: Evidence
    final: FinalDay
    stop: float = math.nan

    def lasting(self, end: int) -> Place:
        """Return the same, over at `end`."""
        return msgspec.structs.replace(self, end=end)


def unexplained(words: str) -> Finding:
    """Return that nothing explains what `words` say."""
    return Finding(Cause.UNEXPLAINED, words)


def not_judged(place: Place, words: str) -> Finding:
    """Return that instants were not judged: the daemon was down, or no candle came."""
    return Finding(Cause.MISSED if place.new_run else Cause.LATE_CANDLE, f"{words}; {missed(place)}")


def missed(place: Place) -> str:
    """Return how many instants were not judged, in words."""
    return f"{place.missed} instants were not judged"
