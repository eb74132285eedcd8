"""The candles that each stream remembers, and one rule for each way in which a candle can come.

- **new**: opens where the last one closed. Appended.
- **ahead**: opens later. Appended; what is missing before it is a gap, remembered until it is repaired or given up.
- **duplicate**: known, with the same values. Ignored, counted.
- **contradiction**: known, with other values. The first one stands, because decisions were made on it; it is counted
  and disputed until `repair` brings the exchange's own record, which is right and replaces what differs.
- **filled**: older than the last, inside a gap (where a candle that was overtaken ends). Inserted, counted.
- **late**: older than the last, and in no gap: from before the ring begins, or given up. Ignored, counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.candle import EXTRA_COLUMNS, VALUE_COLUMNS, Candle
from trader.core.errors import DataError
from trader.core.timeframe import Timeframe
from trader.market.gaps import Gap, Gaps
from trader.market.ring import Ring
from trader.market.table import CandleTable, Floats, Times

if TYPE_CHECKING:
    import pandas as pd


class Verdict(StrEnum):
    """What a candle was to its frame; the rules are in the module's text."""

    NEW = "new"
    AHEAD = "ahead"
    DUPLICATE = "duplicate"
    CONTRADICTION = "contradiction"
    FILLED = "filled"
    LATE = "late"


class Repair(msgspec.Struct, frozen=True):
    """What a repair did, in candles: inserted into gaps, added at the end, replaced because they differed."""

    filled: int
    appended: int
    replaced: int


class Frame:
    """The last `length` closed candles of one stream, ascending in time.

    `columns`: the optional columns to keep; by default those that the first candle or table has. `counts` tells how
    many candles were not simply new. A view (`column`, `open_time`, `table`) is read-only and holds until the next
    change: copy what must last.
    """

    def __init__(self, symbol: str, timeframe: Timeframe, length: int, columns: Sequence[str] | None = None) -> None:
        if length < 1:
            raise ValueError(f"a frame of {length} candles is impossible; allowed: at least 1")
        self.symbol = symbol
        self.timeframe = timeframe
        self.length = length
        self.counts: dict[Verdict, int] = dict.fromkeys(Verdict, 0)
        self.disputed: set[int] = set()
        self._interval = timeframe.ms
        self._due = -1
        self._gaps = Gaps(timeframe.ms)
        self._undecided = columns is None
        self._ring = Ring(length if columns is not None else 1, columns or ())

    def __len__(self) -> int:
        return len(self._ring)

    def append(self, candle: Candle) -> Verdict:
        """Take one closed candle and tell what it was; raise `DataError` for a time that is not on the grid."""
        if candle.open_time != self._due:
            return self._judge(candle)
        self._ring.add(candle)
        self._due += self._interval
        return Verdict.NEW

    def repair(self, table: CandleTable) -> Repair:
        """Take the exchange's own record: fill gaps, replace what differs, add what is later, settle disputes.

        Left out are rows from before the ring begins and of spans that were given up; an empty frame takes all.
        A value that the record does not have (NaN) replaces nothing.
        """
        if not len(table):
            return Repair(0, 0, 0)
        if (table.open_time % self._interval).any():
            raise DataError(f"{self.symbol} {self.timeframe}: the record has an open time that is off the grid")
        self._decide(table.present())
        times, values = self.open_time, np.stack([self.column(name) for name in self.columns])
        taken = self._belongs(table.open_time)
        fresh_times = table.open_time[taken]
        fresh = np.stack([getattr(table, name)[taken] for name in self.columns])
        _, old, new = np.intersect1d(times, fresh_times, assume_unique=True, return_indices=True)
        fresh[:, new] = np.where(np.isnan(fresh[:, new]), values[:, old], fresh[:, new])
        replaced = int(_differ(values[:, old], fresh[:, new]).any(axis=0).sum())
        appended = int((fresh_times >= self._due).sum())
        self._rewrite(
            np.concatenate((np.delete(times, old), fresh_times)),
            np.concatenate((np.delete(values, old, axis=1), fresh), axis=1),
        )
        self.disputed.difference_update(fresh_times.tolist())
        return Repair(len(fresh_times) - len(new) - appended, appended, replaced)

    def give_up(self, gap: Gap) -> None:
        """Declare one of `gaps` final: what comes for it later is late."""
        self._gaps.give_up(gap)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The gaps among the candles in the ring that wait for repair, oldest first."""
        self._forget()
        return tuple(self._gaps.waiting)

    @property
    def lost(self) -> tuple[Gap, ...]:
        """The gaps among the candles in the ring that were given up."""
        self._forget()
        return tuple(self._gaps.lost)

    @property
    def unbroken(self) -> int:
        """How many candles there are since the last gap, whether it waits or was given up."""
        return len(self) - int(np.searchsorted(self.open_time, self._gaps.last_end_ms))

    @property
    def due_ms(self) -> int:
        """Open time of the candle that comes next; -1 while there is none."""
        return self._due

    @property
    def last(self) -> Candle | None:
        """The newest candle."""
        return next(self.table(1).candles(), None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are kept, `open_time` apart."""
        return self._ring.columns

    @property
    def open_time(self) -> Times:
        """View of the open times, int64, ms."""
        return self._ring.open_time

    def column(self, name: str) -> Floats:
        """Return a view of one column; NaN throughout where the frame does not keep it."""
        return self._ring.column(name)

    def table(self, count: int | None = None) -> CandleTable:
        """Return the last `count` candles, by default all, as views."""
        start = 0 if count is None else max(0, len(self) - count)
        values = (self.column(name)[start:] for name in VALUE_COLUMNS)
        return CandleTable(self.symbol, self.timeframe, self.open_time[start:], *values)

    def to_pandas(self) -> pd.DataFrame:
        """Return a copy as a DataFrame of the kept columns, indexed by the open time in UTC.

        Pandas is loaded here, at the first use: it costs 40 MB that a daemon need not pay.
        """
        pandas = import_module("pandas")
        index = pandas.DatetimeIndex(self.open_time.astype("datetime64[ms]"), name="open_time").tz_localize("UTC")
        frame: pd.DataFrame = pandas.DataFrame({name: self.column(name).copy() for name in self.columns}, index=index)
        return frame

    @property
    def nbytes(self) -> int:
        """Memory of the columns, bytes."""
        return self._ring.nbytes

    def _decide(self, present: Sequence[str]) -> None:
        """Make the ring for the columns that the first candles have."""
        if self._undecided:
            self._ring = Ring(self.length, present)
            self._undecided = False

    def _judge(self, candle: Candle) -> Verdict:
        time = candle.open_time
        if time % self._interval:
            raise DataError(f"{self.symbol} {self.timeframe}: candle at {time} is off the grid of {self._interval} ms")
        if self._due < 0:
            self._decide([name for name in EXTRA_COLUMNS if not np.isnan(getattr(candle, name))])
            self._due = time
            return self.append(candle)
        verdict = self._jump(candle) if time > self._due else self._look_back(candle)
        self.counts[verdict] += 1
        return verdict

    def _jump(self, candle: Candle) -> Verdict:
        self._gaps.add(self._due, candle.open_time)
        self._due = candle.open_time
        self.append(candle)
        return Verdict.AHEAD

    def _look_back(self, candle: Candle) -> Verdict:
        time, times = candle.open_time, self.open_time
        row = int(np.searchsorted(times, time))
        if row < len(times) and times[row] == time:
            return self._compare(candle, row)
        if not self._belongs(np.array([time]))[0]:
            return Verdict.LATE
        values = {name: np.array([getattr(candle, name)], np.float64) for name in VALUE_COLUMNS}
        self.repair(CandleTable.build(self.symbol, self.timeframe, np.array([time]), **values))
        return Verdict.FILLED

    def _compare(self, candle: Candle, row: int) -> Verdict:
        ours = np.array([self.column(name)[row] for name in self.columns])
        theirs = np.array([getattr(candle, name) for name in self.columns], np.float64)
        if not _differ(ours, theirs).any():
            return Verdict.DUPLICATE
        self.disputed.add(candle.open_time)
        return Verdict.CONTRADICTION

    def _belongs(self, wanted: Times) -> NDArray[np.bool_]:
        """Tell which of the times `wanted` are known, in a gap, or later than the last."""
        self._forget()
        return np.isin(wanted, self.open_time) | (wanted >= self._due) | self._gaps.cover(wanted)

    def _rewrite(self, times: Times, values: Floats) -> None:
        order = np.argsort(times)
        self._ring.rewrite(times[order], values[:, order])
        self._due = int(self.open_time[-1]) + self._interval
        self._gaps.find(self.open_time)

    def _forget(self) -> None:
        """Drop what fell out of the ring."""
        first = int(self.open_time[0]) if len(self) else 0
        self._gaps.forget(first)
        self.disputed = {time for time in self.disputed if time >= first}


class Frames:
    """The frames of all streams, by (symbol, timeframe)."""

    def __init__(
        self, streams: Iterable[tuple[str, Timeframe]], length: int, columns: Sequence[str] | None = None
    ) -> None:
        self._frames = {stream: Frame(*stream, length, columns) for stream in streams}

    def __getitem__(self, stream: tuple[str, Timeframe]) -> Frame:
        return self._frames[stream]

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames.values())

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, candle: Candle) -> Verdict:
        """Take one closed candle into its stream's frame; raise `KeyError` for a stream that is not followed."""
        return self._frames[candle.symbol, candle.timeframe].append(candle)

    def gaps(self) -> list[tuple[Frame, Gap]]:
        """Return every gap that waits for repair, with its frame."""
        return [(frame, gap) for frame in self for gap in frame.gaps]

    @property
    def nbytes(self) -> int:
        """Memory of all rings, bytes."""
        return sum(frame.nbytes for frame in self)


def _differ(one: Floats, other: Floats) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return result
