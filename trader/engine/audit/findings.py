"""What an audit compared, how much of it, and what was not the same."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray


class Difference(msgspec.Struct, frozen=True):
    """A value that later candles changed: where, when (ms UTC), both values, and the cut (ms) that shows it."""

    group: str
    column: str
    stream: str
    time: int
    whole: Any
    cut: Any
    at_cut: int


class Count(msgspec.Struct):
    """One column: how many values were compared, how many differ, at which cuts, and the earliest that does."""

    values: int = 0
    differing: int = 0
    first: Difference | None = None
    cuts: set[int] = set()


class Findings:
    """Counts by group and column, gathered while an audit goes on."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], Count] = {}

    @property
    def differing(self) -> int:
        """How many values differ."""
        return sum(count.differing for count in self.counts.values())

    @property
    def values(self) -> int:
        """How many values were compared."""
        return sum(count.values for count in self.counts.values())

    def groups(self) -> dict[str, list[Count]]:
        """Return the counts of the columns by group."""
        found: dict[str, list[Count]] = {}
        for (group, _), count in self.counts.items():
            found.setdefault(group, []).append(count)
        return found

    def firsts(self) -> list[Difference]:
        """Return the earliest difference of each column that has any, the earliest first."""
        found = [count.first for count in self.counts.values() if count.first is not None]
        return sorted(found, key=lambda each: (each.time, each.group, each.column))

    def same(self, group: str, column: str, values: int) -> None:
        """Take note of values that are equal."""
        self.counts.setdefault((group, column), Count()).values += values

    def differ(self, difference: Difference, among: int = 1, differing: int = 1) -> None:
        """Take note of the earliest of `differing` values `among` those compared."""
        count = self.counts.setdefault((difference.group, difference.column), Count())
        count.values += among
        count.differing += differing
        count.cuts.add(difference.at_cut)
        if count.first is None or difference.time < count.first.time:
            count.first = difference

    def compare(
        self,
        name: tuple[str, str, str],
        time: NDArray[np.int64],
        whole: NDArray[Any],
        cut: NDArray[Any],
        at_cut: int,
    ) -> None:
        """Compare one column, bit for bit; `name` is group, column and stream; all arrays of one length."""
        group, column, stream = name
        other = unequal(whole, cut)
        if not other.any():
            self.same(group, column, len(time))
            return
        at = int(np.argmax(other))
        first = Difference(group, column, stream, int(time[at]), whole[at].item(), cut[at].item(), at_cut)
        self.differ(first, len(time), int(other.sum()))


def unequal(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which values are not the same bits; so NaN equals NaN, and 0.0 does not equal -0.0.

    >>> unequal(np.array([np.nan, 0.0, 1.0]), np.array([np.nan, -0.0, 1.0])).tolist()
    [False, True, False]
    """
    if one.dtype != other.dtype:
        return np.ones(len(one), np.bool_)
    bits = f"u{one.dtype.itemsize}"
    return np.asarray(one.view(bits) != other.view(bits), np.bool_)
