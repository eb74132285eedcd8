"""Which rows cannot be candles. They are refused one by one with a reason, and never repaired.

>>> import numpy as np
>>> one = np.ones(2)
>>> table = CandleTable.build("BTCUSDT", Timeframe.MIN_1, np.array([0, 60_000]),
...     open=one, high=np.array([1.0, 0.5]), low=one, close=one, volume=one)
>>> codes = check(table)
>>> reason(table, 1, codes)
'high 0.5 < low 1.0'
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from trader.core.candle import EXTRA_COLUMNS, PRICE_COLUMNS
from trader.core.errors import DataError
from trader.core.timeframe import Timeframe
from trader.market.overlay import columns_of, differs, select
from trader.market.table import CandleTable, Times

Codes = NDArray[np.int8]

#: Sums of rounded parts may pass the whole by this share.
TAKER_TOLERANCE = 1e-9
#: 2100-01-01; a time past it is a unit mistaken, or garbage.
END_OF_TIME_MS = 4_102_444_800_000


class Fault(IntEnum):
    """Why a row is refused; the first that applies. `REPEATED` rows are exact repetitions, which harm nothing."""

    NONE = 0
    NOT_A_NUMBER = 1
    NOT_POSITIVE = 2
    HIGH_BELOW_LOW = 3
    HIGH_BELOW_BODY = 4
    LOW_ABOVE_BODY = 5
    NEGATIVE = 6
    TAKER_ABOVE_VOLUME = 7
    BROKEN_COUNT = 8
    OFF_GRID = 9
    NOT_OUR_TIME = 10
    CONTRADICTS = 11
    BACKWARDS = 12
    REPEATED = 13


#: What each fault is called where it is counted.
NAMES = {
    Fault.NOT_A_NUMBER: "not a number",
    Fault.NOT_POSITIVE: "price of zero or less",
    Fault.HIGH_BELOW_LOW: "high below low",
    Fault.HIGH_BELOW_BODY: "high below open or close",
    Fault.LOW_ABOVE_BODY: "low above open or close",
    Fault.NEGATIVE: "negative volume or count",
    Fault.TAKER_ABOVE_VOLUME: "takers bought more than was traded",
    Fault.BROKEN_COUNT: "count is not a whole number",
    Fault.OFF_GRID: "open time is not on the grid",
    Fault.NOT_OUR_TIME: "open time before 1970 or after 2099",
    Fault.CONTRADICTS: "contradicts an earlier row of the same time",
    Fault.BACKWARDS: "time goes back",
    Fault.REPEATED: "repeats an earlier row",
}


def check(table: CandleTable) -> Codes:
    """Return a `Fault` for each row of a table in any state: alone first, then against the other rows."""
    codes = candle_faults(table)
    fine = np.flatnonzero(codes == Fault.NONE)
    times = table.open_time[fine]
    if (np.diff(times) > 0).all():
        return codes
    fine = fine[_first_of_each(table, fine, codes)]
    codes[fine[~_ascending(table.open_time[fine])]] = Fault.BACKWARDS
    return codes


def candle_faults(table: CandleTable) -> Codes:
    """Return a `Fault` for each row by its own values."""
    codes = np.zeros(len(table), np.int8)
    body_top, body_bottom = np.maximum(table.open, table.close), np.minimum(table.open, table.close)
    finite = [np.isfinite(getattr(table, name)) for name in PRICE_COLUMNS]
    finite += [~np.isinf(getattr(table, name)) for name in EXTRA_COLUMNS]
    extras = [getattr(table, name) < 0 for name in EXTRA_COLUMNS]
    faults = (
        (Fault.NOT_A_NUMBER, ~np.logical_and.reduce(finite)),
        (Fault.NOT_POSITIVE, np.minimum(body_bottom, np.minimum(table.low, table.high)) <= 0),
        (Fault.HIGH_BELOW_LOW, table.high < table.low),
        (Fault.HIGH_BELOW_BODY, table.high < body_top),
        (Fault.LOW_ABOVE_BODY, table.low > body_bottom),
        (Fault.NEGATIVE, np.logical_or.reduce([table.volume < 0, *extras])),
        (Fault.TAKER_ABOVE_VOLUME, _taker_above(table)),
        (Fault.BROKEN_COUNT, table.count > np.floor(table.count)),
        (Fault.OFF_GRID, (table.open_time % table.timeframe.ms != 0)),
        (Fault.NOT_OUR_TIME, (table.open_time < 0) | (table.open_time >= END_OF_TIME_MS)),
    )
    for fault, mask in reversed(faults):
        codes[mask] = fault
    return codes


def _taker_above(table: CandleTable) -> NDArray[np.bool_]:
    base = table.taker_buy_volume > table.volume * (1 + TAKER_TOLERANCE)
    quote = table.taker_buy_quote_volume > table.quote_volume * (1 + TAKER_TOLERANCE)
    return np.asarray(base | quote)


def _first_of_each(table: CandleTable, fine: NDArray[np.intp], codes: Codes) -> NDArray[np.bool_]:
    """Mark all but the first row of each time, as `REPEATED` or `CONTRADICTS`; return which rows of `fine` stay."""
    _, first, group = np.unique(table.open_time[fine], return_index=True, return_inverse=True)
    stays = first[group] == np.arange(len(fine))
    again = np.flatnonzero(~stays)
    rows, firsts = fine[again], fine[first[group[again]]]
    against = differs(columns_of(select(table, firsts)), columns_of(select(table, rows)), len(rows))
    codes[rows] = np.where(against, Fault.CONTRADICTS, Fault.REPEATED)
    return np.asarray(stays)


def _ascending(times: Times) -> NDArray[np.bool_]:
    """Tell which rows stay when the fewest go so that time ascends (the longest ascending sequence).

    A running maximum would let one row with a far too late time condemn all that follow it.
    """
    stays = np.zeros(len(times), np.bool_)
    ends: list[int] = []
    by_length: list[list[int]] = []
    for row, time in enumerate(times.tolist()):
        length = bisect_left(ends, time)
        if length == len(ends):
            ends.append(time)
            by_length.append([])
        ends[length] = time
        by_length[length].append(row)
    limit = times.max() + 1
    for rows in reversed(by_length):
        row = rows[bisect_right(rows, -limit, key=lambda row: -times[row])]
        stays[row], limit = True, times[row]
    return stays


def reason(table: CandleTable, row: int, codes: Codes) -> str:
    """Return in words, with the values, why `row` is refused."""
    value = {name: float(column[row]) for name, column in columns_of(table).items()}
    value["open_time"] = int(table.open_time[row])
    return _REASONS[Fault(int(codes[row]))](value, table.timeframe)


def _named(value: Mapping[str, float], names: Iterable[str], bad: Callable[[float], bool]) -> str:
    return ", ".join(f"{name} {value[name]}" for name in names if bad(value[name]))


def _not_a_number(value: Mapping[str, float], _: Timeframe) -> str:
    prices = _named(value, PRICE_COLUMNS, lambda number: not math.isfinite(number))
    extras = _named(value, EXTRA_COLUMNS, math.isinf)
    return ", ".join(filter(None, (prices, extras)))


def _around_body(value: Mapping[str, float], name: str, sign: str) -> str:
    return f"{name} {value[name]} {sign} open {value['open']} or close {value['close']}"


def _taker(value: Mapping[str, float], _: Timeframe) -> str:
    base = f"taker buy volume {value['taker_buy_volume']} of {value['volume']}"
    return f"{base}, quote {value['taker_buy_quote_volume']} of {value['quote_volume']}"


_REASONS: dict[Fault, Callable[[Mapping[str, float], Timeframe], str]] = {
    Fault.NOT_A_NUMBER: _not_a_number,
    Fault.NOT_POSITIVE: lambda value, _: _named(value, PRICE_COLUMNS[:4], lambda number: number <= 0) + " <= 0",
    Fault.HIGH_BELOW_LOW: lambda value, _: f"high {value['high']} < low {value['low']}",
    Fault.HIGH_BELOW_BODY: lambda value, _: _around_body(value, "high", "<"),
    Fault.LOW_ABOVE_BODY: lambda value, _: _around_body(value, "low", ">"),
    Fault.NEGATIVE: lambda value, _: _named(value, ("volume", *EXTRA_COLUMNS), lambda number: number < 0) + " < 0",
    Fault.TAKER_ABOVE_VOLUME: _taker,
    Fault.BROKEN_COUNT: lambda value, _: f"count {value['count']} is not a whole number",
    Fault.OFF_GRID: lambda value, timeframe: f"open time {value['open_time']} is not on the grid of {timeframe}",
    Fault.NOT_OUR_TIME: lambda value, _: f"open time {value['open_time']} is before 1970 or after 2099",
    Fault.CONTRADICTS: lambda value, _: f"contradicts an earlier row of the same open time {value['open_time']}",
    Fault.BACKWARDS: lambda value, _: f"time goes back: open time {value['open_time']} is out of order",
    Fault.REPEATED: lambda value, _: f"repeats an earlier row of open time {value['open_time']}",
}


def require_possible(table: CandleTable, place: str) -> None:
    """Raise `DataError` naming `place` and the first row that is not a possible candle after the one before it."""
    codes = check(table)
    if not codes.any():
        return
    row = int(np.flatnonzero(codes)[0])
    refused = int(np.count_nonzero(codes))
    why = reason(table, row, codes)
    raise DataError(f"{place}: {refused} of {len(table)} candles are impossible; the first at {row}: {why}")
