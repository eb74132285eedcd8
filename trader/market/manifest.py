"""What a stream holds, month by month, and the file that remembers it.

`manifest.json` is a summary for people and a cache for us: each month's entry counts only while size and time of
change of the file are those it was made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from trader.core.candle import EXTRA_COLUMNS, PRICE_COLUMNS
from trader.core.timeframe import Timeframe
from trader.market.durable import write_atomic
from trader.market.table import CandleTable

NAME = "manifest.json"
VERSION = 1

Span = tuple[int, int]


class Stamp(msgspec.Struct, frozen=True):
    """Size in bytes and time of change (ns) of a file."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """Return the stamp of `path`."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns)


class Month(msgspec.Struct, frozen=True):
    """One month's candles: how many, in which spans, and how many carry each optional column."""

    rows: int
    spans: tuple[Span, ...]
    filled: dict[str, int]
    stamp: Stamp | None = None


class Manifest(msgspec.Struct, frozen=True):
    """What a stream holds.

    `spans` and `gaps` are `[start, end)` in ms, a gap being the time between two spans. `first` is the open time of
    the first candle, `last` of the last; None without rows. `columns` are those that every candle has, `partial`
    those that only some have.
    """

    rows: int
    first: int | None
    last: int | None
    spans: tuple[Span, ...]
    gaps: tuple[Span, ...]
    columns: tuple[str, ...]
    partial: tuple[str, ...]

    def missing(self, timeframe: Timeframe) -> int:
        """Return how many candles the gaps would hold."""
        return sum(end - start for start, end in self.gaps) // timeframe.ms


class Record(msgspec.Struct, frozen=True):
    """The contents of `manifest.json`."""

    version: int
    summary: Manifest
    months: dict[str, Month]


#: Made once: msgspec crashes where two threads are the first to decode a type at the same time.
_decode = msgspec.json.Decoder(Record).decode


def month_of(table: CandleTable, stamp: Stamp | None = None) -> Month:
    """Return the facts about the candles of one month."""
    step = table.timeframe.ms
    breaks = np.flatnonzero(np.diff(table.open_time) != step)
    firsts = table.open_time[np.concatenate(([0], breaks + 1))] if len(table) else table.open_time
    lasts = table.open_time[np.concatenate((breaks, [-1]))] if len(table) else table.open_time
    spans = tuple(zip(firsts.tolist(), (lasts + step).tolist(), strict=True))
    filled = {name: int(np.count_nonzero(~np.isnan(getattr(table, name)))) for name in EXTRA_COLUMNS}
    return Month(len(table), spans, {name: count for name, count in filled.items() if count}, stamp)


def summarise(months: Mapping[str, Month], timeframe: Timeframe) -> Manifest:
    """Return the manifest of a stream from its months by name."""
    ordered = [months[name] for name in sorted(months)]
    spans = tuple(_joined(span for month in ordered for span in month.spans))
    rows = sum(month.rows for month in ordered)
    filled = {name: sum(month.filled.get(name, 0) for month in ordered) for name in EXTRA_COLUMNS}
    return Manifest(
        rows=rows,
        first=spans[0][0] if spans else None,
        last=spans[-1][1] - timeframe.ms if spans else None,
        spans=spans,
        gaps=tuple((before[1], after[0]) for before, after in pairwise(spans)),
        columns=PRICE_COLUMNS + tuple(name for name, count in filled.items() if rows and count == rows),
        partial=tuple(name for name, count in filled.items() if 0 < count < rows),
    )


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Join spans that touch; they come in order."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            start, _ = joined.pop()
        joined.append((start, end))
    return joined


def load(folder: Path) -> dict[str, Month]:
    """Return the months that the folder's manifest knows; none when it is absent or cannot be understood."""
    try:
        record = _decode((folder / NAME).read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}
    return record.months if record.version == VERSION else {}


def save(folder: Path, months: Mapping[str, Month], timeframe: Timeframe) -> None:
    """Write the manifest, atomically."""
    record = Record(VERSION, summarise(months, timeframe), dict(sorted(months.items())))
    text = msgspec.json.format(msgspec.json.encode(record), indent=1)
    write_atomic(folder / NAME, lambda file: file.write(text))
