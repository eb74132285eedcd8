"""A table as it was read: columns by field, the line of each row, and the lines that were no rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.market.importing.names import Kind

#: How many refused rows of a file are named; all are counted.
NAMED = 5

Array = NDArray[Any]
#: Fields that are not plain numbers.
TEXTS = ("symbol", "timeframe")
TIMES = ("time", "close_time")
FLAGS = ("maker",)

#: A time that is none.
NO_TIME = -1


class Refusals:
    """Rows that were refused: all counted by kind of fault, the first named with reason and place.

    A place is counted from 1 in `unit`s: "line" of a text, "row" of a table.
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.kinds: Counter[str] = Counter()
        self.named: list[tuple[int, str]] = []

    @property
    def total(self) -> int:
        """How many rows were refused."""
        return self.kinds.total()

    @property
    def names_more(self) -> bool:
        """Tell whether a further refused row will be named."""
        return len(self.named) < NAMED

    def add(self, line: int, reason: str, kind: str) -> None:
        """Count a refused row, and name it while few are."""
        self.kinds[kind] += 1
        if self.names_more:
            self.named.append((line, reason))


class RawTable(msgspec.Struct, frozen=True):
    """A table as it was read, its rows in any state.

    `columns`: times int64 ms (`NO_TIME` where there is none), `exact` False where a time has a fraction of a
    millisecond; text and flags as objects and bools; everything else float64. `lines`: the place of each row.
    """

    kind: Kind
    columns: dict[str, Array]
    lines: NDArray[np.int64]
    refusals: Refusals
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def take(self, index: Array) -> RawTable:
        """Return the rows at `index` with the same refusals."""
        columns = {name: column[index] for name, column in self.columns.items()}
        return RawTable(self.kind, columns, self.lines[index], self.refusals, self.notes)
