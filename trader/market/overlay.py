"""Laying one table of candles over another: the only rule for candles that are there already.

What is stored stays. A candle that agrees with the stored one may add columns which that lacks; one that
contradicts it is counted and dropped, unless the caller asks to replace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.candle import VALUE_COLUMNS
from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable, Floats

Mask = NDArray[np.bool_]
Index = NDArray[np.intp]

#: Prices and volumes of two sources agree within this share: float noise, far below any tick.
TOLERANCE = 1e-9
#: How many contradictions are named; all are counted.
NAMED_CONFLICTS = 10


class MergeResult(msgspec.Struct, frozen=True):
    """What happened to the candles of one merge.

    `added` are new, `same` were there already, `enriched` gave columns to stored ones, `replaced` took the place
    of others, `conflicts` contradicted stored ones and were dropped; `conflict_times` are the first of them, ms.
    """

    added: int = 0
    same: int = 0
    enriched: int = 0
    replaced: int = 0
    conflicts: int = 0
    conflict_times: tuple[int, ...] = ()

    def __add__(self, other: MergeResult) -> MergeResult:
        return MergeResult(
            self.added + other.added,
            self.same + other.same,
            self.enriched + other.enriched,
            self.replaced + other.replaced,
            self.conflicts + other.conflicts,
            (self.conflict_times + other.conflict_times)[:NAMED_CONFLICTS],
        )

    @property
    def changed(self) -> bool:
        """Tell whether anything that is stored became different."""
        return bool(self.added or self.enriched or self.replaced)


def columns_of(table: CandleTable) -> dict[str, Floats]:
    """Return the value columns by name."""
    return {name: getattr(table, name) for name in VALUE_COLUMNS}


def select(table: CandleTable, index: Index | Mask) -> CandleTable:
    """Return the rows at `index` (positions or a mask) as copies."""
    values = [column[index] for column in columns_of(table).values()]
    return CandleTable(table.symbol, table.timeframe, table.open_time[index], *values)


def concat(symbol: str, timeframe: Timeframe, tables: Sequence[CandleTable]) -> CandleTable:
    """Return the rows of `tables` one after the other; they must be in order already."""
    if len(tables) == 1:
        return tables[0]
    if not tables:
        return CandleTable.empty(symbol, timeframe)
    values = [np.concatenate([getattr(table, name) for table in tables]) for name in VALUE_COLUMNS]
    return CandleTable(symbol, timeframe, np.concatenate([table.open_time for table in tables]), *values)


def differs(left: Mapping[str, Floats], right: Mapping[str, Floats], rows: int) -> Mask:
    """Tell, row by row, whether a column that both have is different; NaN is a column that a row lacks."""
    different = np.zeros(rows, np.bool_)
    for name in VALUE_COLUMNS:
        a, b = left[name], right[name]
        different |= np.abs(a - b) > TOLERANCE * np.maximum(np.abs(a), np.abs(b))
    return different


def overlay(stored: CandleTable, incoming: CandleTable, replace: bool = False) -> tuple[CandleTable, MergeResult]:
    """Return `stored` with `incoming` laid over it, and what happened; both strictly ascending.

    `stored` itself comes back when nothing changed.
    """
    if not len(stored) or not len(incoming) or incoming.open_time[0] > stored.open_time[-1]:
        result = MergeResult(added=len(incoming))
        parts = [part for part in (stored, incoming) if len(part)]
        return concat(stored.symbol, stored.timeframe, parts), result
    at, known = _positions(stored, incoming)
    kept, result = _meet(stored, at[known], select(incoming, known), replace)
    fresh = select(incoming, ~known)
    result += MergeResult(added=len(fresh))
    return (_interleave(kept, fresh) if len(fresh) else kept), result


def _positions(stored: CandleTable, incoming: CandleTable) -> tuple[Index, Mask]:
    """Find each incoming candle's place among the stored ones, and whether it is there already."""
    at = np.searchsorted(stored.open_time, incoming.open_time)
    known = stored.open_time[np.minimum(at, len(stored) - 1)] == incoming.open_time
    return at, known


def _meet(stored: CandleTable, at: Index, incoming: CandleTable, replace: bool) -> tuple[CandleTable, MergeResult]:
    """Settle the candles that both have: `incoming` row by row against the stored rows `at`."""
    old, new = columns_of(select(stored, at)), columns_of(incoming)
    against = differs(old, new, len(at))
    richer = np.zeros(len(at), np.bool_)
    for name in VALUE_COLUMNS:
        richer |= np.isnan(old[name]) & ~np.isnan(new[name])
    richer &= ~against
    taken = against if replace else np.zeros_like(against)
    refused = against & ~taken
    result = MergeResult(
        same=int((~against & ~richer).sum()),
        enriched=int(richer.sum()),
        replaced=int(taken.sum()),
        conflicts=int(refused.sum()),
        conflict_times=tuple(incoming.open_time[refused][:NAMED_CONFLICTS].tolist()),
    )
    if not result.changed:
        return stored, result
    return _rewrite(stored, at, new, taken, richer), result


def _rewrite(stored: CandleTable, at: Index, new: Mapping[str, Floats], taken: Mask, richer: Mask) -> CandleTable:
    values = []
    for name, column in columns_of(stored).items():
        written = column.copy()
        fill = taken | (richer & np.isnan(column[at]))
        written[at[fill]] = new[name][fill]
        values.append(written)
    return CandleTable(stored.symbol, stored.timeframe, stored.open_time, *values)


def _interleave(stored: CandleTable, fresh: CandleTable) -> CandleTable:
    both = concat(stored.symbol, stored.timeframe, [stored, fresh])
    return select(both, np.argsort(both.open_time, kind="stable"))
