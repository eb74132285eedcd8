"""Times of any usual unit or spelling, as milliseconds UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trader.market.importing.raw import NO_TIME

#: Numbers below 1e11 are seconds, below 1e14 ms, below 1e17 µs, below 1e20 ns: apart for any date from 1973 to 5138.
_LIMITS = (1e11, 1e14, 1e17)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

Milliseconds = NDArray[np.int64]


def from_numbers(values: NDArray[Any]) -> tuple[Milliseconds, NDArray[np.bool_]]:
    """Return times in ms, and which are whole ms; each value's size tells its own unit.

    >>> from_numbers(np.array([1735689600, 1735689600000, 1735689600000001]))
    (array([1735689600000, 1735689600000, 1735689600000]), array([ True,  True, False]))
    """
    usable = np.isfinite(values) & (values >= 0) & (values < 1e20)
    numbers = np.where(usable, values, 0)
    unit = np.searchsorted(_LIMITS, numbers, side="right")
    seconds = np.rint(numbers * 1000)
    scaled = np.choose(unit, [seconds.astype(numbers.dtype), numbers, numbers // 1000, numbers // 1_000_000])
    left = np.choose(unit, [np.abs(numbers * 1000 - seconds) > 0.01, numbers % 1, numbers % 1000, numbers % 1_000_000])
    return np.where(usable, np.floor(scaled).astype(np.int64), NO_TIME), ~usable | (left == 0)


def from_text(text: str) -> tuple[int, bool]:
    """Return a number's or an ISO date's ms (UTC unless it says otherwise), and whether they are whole.

    >>> from_text("2025-01-01 00:00:00"), from_text("1735689600000000"), from_text("soon")
    ((1735689600000, True), (1735689600000, True), (-1, True))
    """
    text = text.strip()
    try:
        number = int(text) if text.isdigit() else float(text)
    except ValueError:
        return _from_date(text)
    times, exact = from_numbers(np.array([number]))
    return int(times[0]), bool(exact[0])


def _from_date(text: str) -> tuple[int, bool]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return NO_TIME, True
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return since // _MS, not since % _MS
