"""The files of one stream: a Parquet file a month, the tail of appended candles, the manifest.

Readers take no lock. They read the tail before the months: a candle that is folded meanwhile is seen in both,
never in neither. Writers hold the folder's lock; each file changes at one stroke, the tail is emptied last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from zlib import crc32

import numpy as np

from trader.core.candle import Candle
from trader.core.errors import DataError
from trader.core.timeframe import Timeframe
from trader.market import manifest, tail
from trader.market.durable import locked
from trader.market.manifest import Manifest, Month, Stamp
from trader.market.overlay import MergeResult, concat, overlay
from trader.market.parquet import read_candles, write_candles
from trader.market.table import CandleTable

#: Appended candles are folded when so many wait: 3.5 days of 1min. Streams differ by up to a fifth of it, so that
#: hundreds which started together do not rewrite their months in the same minute.
FOLD_AT = 5_000

FOREVER = 2**62


class StreamFiles:
    """The candles of one stream on disk, below `folder`."""

    def __init__(self, folder: Path, symbol: str, timeframe: Timeframe) -> None:
        self._folder = folder
        self._symbol = symbol
        self._timeframe = timeframe
        self._tail = folder / tail.NAME
        self._fold_at = FOLD_AT - crc32(str(folder).encode()) % (FOLD_AT // 5)

    def exists(self) -> bool:
        """Tell whether any candle was ever stored."""
        return self._tail.exists() or bool(self._months())

    def read(self, start_ms: int, end_ms: int) -> CandleTable:
        """Return the candles with `start_ms <= open_time < end_ms`."""
        waiting = self._waiting()
        months = [month for month in self._months() if _begin(month) < end_ms and _end(month) > start_ms]
        parts = [self._load(month, start_ms, end_ms) for month in months]
        table = concat(self._symbol, self._timeframe, [part for part in parts if len(part)])
        for layer in waiting:
            table, _ = overlay(table, layer.between(start_ms, end_ms))
        return table

    def append(self, candles: Iterable[Candle]) -> MergeResult | None:
        """Keep `candles` in the tail; return what folding did when it was due."""
        with locked(self._folder):
            try:
                waiting = tail.append(self._tail, candles)
            except OSError as error:
                raise DataError(f"{self._tail} cannot be written: {error.strerror or error}") from error
            return self._merge([], replace=False) if waiting >= self._fold_at else None

    def fold(self) -> MergeResult:
        """Move the candles of the tail into the month files."""
        return self.merge(CandleTable.empty(self._symbol, self._timeframe))

    def merge(self, table: CandleTable, replace: bool = False) -> MergeResult:
        """Lay `table` and the tail over the month files; one file after the other changes at one stroke.

        The result counts the candles of `table`, and the contradictions of the tail; of a fold, the tail's.
        """
        with locked(self._folder):
            return self._merge([table] if len(table) else [], replace)

    def _merge(self, tables: list[CandleTable], replace: bool) -> MergeResult:
        self._sweep()
        waiting = self._waiting()
        outcome = MergeResult()
        layers = [(layer, False) for layer in waiting] + [(table, replace) for table in tables]
        for month in sorted({name for layer, _ in layers for name in _month_names(layer)}):
            results = self._merge_month(month, layers)
            outcome += _counted(results, len(waiting), bool(tables))
        self._refresh()
        self._tail.unlink(missing_ok=True)
        return outcome

    def _merge_month(self, month: str, layers: list[tuple[CandleTable, bool]]) -> list[MergeResult]:
        path = self._path(month)
        stored = self._load(month) if path.exists() else CandleTable.empty(self._symbol, self._timeframe)
        results = []
        for layer, replace in layers:
            stored, result = overlay(stored, layer.between(_begin(month), _end(month)), replace)
            results.append(result)
        if any(result.changed for result in results):
            write_candles(path, stored)
        return results

    def manifest(self) -> Manifest:
        """Return what the stream holds; entries of the file that disagree with the months are made anew."""
        waiting = self._waiting()
        months, stale = self._facts(manifest.load(self._folder))
        if stale:
            months = self._repair(months)
        for month in sorted({name for layer in waiting for name in _month_names(layer)}):
            months[month] = manifest.month_of(self.read(_begin(month), _end(month)))
        return manifest.summarise(months, self._timeframe)

    def _repair(self, months: dict[str, Month]) -> dict[str, Month]:
        try:
            with locked(self._folder):
                return self._refresh()
        except DataError:  # a store that we may only read
            return months

    def _refresh(self) -> dict[str, Month]:
        months, stale = self._facts(manifest.load(self._folder))
        if stale:
            manifest.save(self._folder, months, self._timeframe)
        return months

    def _facts(self, known: dict[str, Month]) -> tuple[dict[str, Month], bool]:
        """Return the facts of each month file, and whether any differed from those `known`."""
        facts = {}
        for month, path in self._months().items():
            stamp = Stamp.of(path)
            entry = known.get(month)
            fresh = entry is not None and entry.stamp == stamp
            facts[month] = entry if entry and fresh else manifest.month_of(self._load(month), stamp)
        return facts, facts != known

    def _load(self, month: str, start_ms: int = -FOREVER, end_ms: int = FOREVER) -> CandleTable:
        """Return the candles of a month file between two times; raise `DataError` when others are in it."""
        table = read_candles(self._path(month), self._symbol, self._timeframe, start_ms, end_ms)
        if len(table) and (table.open_time[0] < _begin(month) or table.open_time[-1] >= _end(month)):
            raise DataError(f"{self._path(month)} holds candles of other months: move it away and import it instead")
        return table

    def _waiting(self) -> list[CandleTable]:
        return tail.layers(self._tail, self._symbol, self._timeframe)

    def _months(self) -> dict[str, Path]:
        """Return the month files by name, in order."""
        return {path.stem: path for path in sorted(self._folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9].parquet"))}

    def _path(self, month: str) -> Path:
        return self._folder / f"{month}.parquet"

    def _sweep(self) -> None:
        """Remove what a crash left half written."""
        for path in self._folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)


def _counted(results: list[MergeResult], waiting: int, merging: bool) -> MergeResult:
    """Add up the layers of one month: those of the tail count for their contradictions only, unless they are all."""
    outcome = MergeResult()
    for result in results[:waiting]:
        named = MergeResult(conflicts=result.conflicts, conflict_times=result.conflict_times)
        outcome += named if merging else result
    for result in results[waiting:]:
        outcome += result
    return outcome


def _month_names(table: CandleTable) -> Iterator[str]:
    months = table.open_time.astype("datetime64[ms]").astype("datetime64[M]")
    yield from map(str, np.unique(months))


def _begin(month: str) -> int:
    return int(np.datetime64(month, "M").astype("datetime64[ms]").astype(np.int64))


def _end(month: str) -> int:
    return int((np.datetime64(month, "M") + 1).astype("datetime64[ms]").astype(np.int64))
