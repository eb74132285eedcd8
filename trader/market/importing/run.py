"""Importing: every file is read whole before anything of it is stored; what is broken is named, the rest goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

import msgspec

from trader.core.errors import DataError
from trader.core.settings import Market
from trader.core.timeframe import Timeframe
from trader.market.brackets import entries_by_symbol, is_bracket_list
from trader.market.importing.columnar import read_parquet
from trader.market.importing.content import (
    CandleBatch,
    FundingBatch,
    LastTrade,
    candle_batches,
    funding_batches,
    trade_batch,
)
from trader.market.importing.files import FoundFile, Part, find, parts_of
from trader.market.importing.names import Names, names_of
from trader.market.importing.raw import RawTable, Refusals
from trader.market.importing.report import FundingReport, ImportReport, StreamReport
from trader.market.importing.text import read_text
from trader.market.overlay import MergeResult, concat
from trader.market.store import Store
from trader.market.table import CandleTable

#: Rows that wait to be stored together, of one stream and of all: a month of archives by the day is one write.
STREAM_ROWS = 600_000
ALL_ROWS = 3_000_000

StreamKey = tuple[Market, str, Timeframe]


class ExchangeInfo(msgspec.Struct, frozen=True):
    """The exchangeInfo of one market."""

    market: Market
    info: dict[str, Any]


class LeverageBrackets(msgspec.Struct, frozen=True):
    """The leverage brackets of futures coins, by symbol, as the exchange answers them."""

    entries: dict[str, dict[str, Any]]


Content = CandleBatch | FundingBatch | ExchangeInfo | LeverageBrackets


class ImportOptions(msgspec.Struct, frozen=True):
    """What the caller says of all files; None leaves it to names and columns.

    `default_market` is taken where nothing tells. `replace`: imported candles replace stored ones they contradict.
    """

    default_market: Market = "spot"
    market: Market | None = None
    symbol: str | None = None
    timeframe: Timeframe | None = None
    replace: bool = False


def import_paths(
    store: Store,
    paths: Iterable[Path],
    options: ImportOptions | None = None,
    on_file: Callable[[FoundFile, int], None] = lambda file, total_bytes: None,
) -> ImportReport:
    """Read the files at and below `paths` into `store`; say what became of each.

    `on_file` is called before each file, with the bytes of all. A broken file leaves the store as it was.
    """
    return Importer(store, options or ImportOptions()).run(find(paths, store.root), on_file)


class Importer:
    """One run over many files."""

    def __init__(self, store: Store, options: ImportOptions) -> None:
        self._store = store
        self._options = options
        self._report = ImportReport()
        self._pending: dict[StreamKey, list[CandleTable]] = {}
        self._last_trades: dict[tuple[Market, str | None], LastTrade] = {}

    def run(self, files: list[FoundFile], on_file: Callable[[FoundFile, int], None]) -> ImportReport:
        """Import `files` in turn."""
        total = sum(file.size for file in files)
        for file in files:
            on_file(file, total)
            self._take(file)
        self._flush_all()
        for key, report in self._report.streams.items():
            with self._noting(" ".join(key)):
                report.manifest = self._store.manifest(*key)
        return self._report

    @contextmanager
    def _noting(self, place: str) -> Iterator[None]:
        """Note a `DataError` as a failure of `place`, its first, and go on."""
        try:
            yield
        except DataError as error:
            if all(place != noted for noted, _ in self._report.broken):
                self._report.broken.append((place, str(error)))

    def _take(self, file: FoundFile) -> None:
        with self._noting(str(file.path)):
            contents = [content for part in parts_of(file.path) for content in self._contents(part, file)]
            for content in contents:
                self._keep(content, file)

    def _contents(self, part: Part, file: FoundFile) -> list[Content]:
        if part.form == "json":
            return self._document(part, file)
        names = self._names(part)
        raw = read_parquet(file.path) if part.data is None else read_text(part.data, names.kind)
        if raw is None:
            return self._pass_over(file, "its columns are none that are read: candles, trades or funding rates")
        if not len(raw):
            raise DataError(f"none of its rows can be read{_first(raw.refusals)}")
        contents = self._batches(raw, names)
        if not any(map(_usable, contents)):
            raise DataError(f"none of its {len(raw):,} rows can be used{_first(raw.refusals)}")
        return contents

    def _names(self, part: Part) -> Names:
        names = names_of(PurePath(os.path.abspath(part.name)))
        return msgspec.structs.replace(
            names,
            market=self._options.market or names.market,
            symbol=self._options.symbol or names.symbol,
            timeframe=self._options.timeframe or names.timeframe,
        )

    def _batches(self, raw: RawTable, names: Names) -> list[Content]:
        market = names.market or self._options.default_market
        if raw.kind == "funding":
            return list(funding_batches(raw, names))
        if raw.kind == "candles":
            return list(candle_batches(raw, names, market))
        batch, last = trade_batch(raw, names, market, self._last_trades.get((market, names.symbol)))
        if last:
            self._last_trades[market, names.symbol] = last
        return [batch]

    def _document(self, part: Part, file: FoundFile) -> list[Content]:
        """Read JSON: what it is its contents tell."""
        try:
            info = msgspec.json.decode(part.data or b"")
        except msgspec.DecodeError as error:
            raise DataError(f"broken JSON: {error}") from error
        if is_bracket_list(info):
            return [LeverageBrackets(entries_by_symbol(info, part.name.name))]
        symbols = info.get("symbols") if isinstance(info, dict) else None
        if not isinstance(symbols, list) or not symbols or "filters" not in symbols[0]:
            return self._pass_over(file, "JSON that is neither exchangeInfo nor leverage brackets")
        # The contents are surer than any name: only futures have types of contract.
        return [ExchangeInfo("futures" if "contractType" in symbols[0] else "spot", info)]

    def _pass_over(self, file: FoundFile, why: str) -> list[Content]:
        """Pass over a file that is not ours; one that the caller named itself is a failure."""
        if file.named:
            raise DataError(why)
        self._report.skipped.append((str(file.path), why))
        return []

    def _keep(self, content: Content, file: FoundFile) -> None:
        if isinstance(content, ExchangeInfo):
            self._keep_exchange_info(content, file)
        elif isinstance(content, LeverageBrackets):
            self._keep_brackets(content, file)
        elif isinstance(content, FundingBatch):
            self._keep_funding(content, file)
        else:
            self._keep_candles(content, file)

    def _keep_candles(self, batch: CandleBatch, file: FoundFile) -> None:
        table = batch.table
        key = (batch.market, table.symbol, table.timeframe)
        report = self._report.streams.setdefault(key, StreamReport(*key))
        report.take(batch.rows, batch.repeated)
        self._note(report.refused, batch.refusals, file)
        report.notes += [f"{file.path.name}: {note}" for note in batch.notes]
        waiting = self._pending.setdefault(key, [])
        if waiting and len(table) and waiting[-1].open_time[-1] >= table.open_time[0]:
            self._flush(key)
        if len(table):
            self._pending.setdefault(key, []).append(table)
        if _rows(self._pending.get(key, [])) > STREAM_ROWS:
            self._flush(key)
        if sum(map(_rows, self._pending.values())) > ALL_ROWS:
            self._flush_all()

    def _note(self, refused: list[tuple[str, Refusals]], refusals: Refusals, file: FoundFile) -> None:
        if refusals.total:
            refused.append((file.path.name, refusals))

    def _flush_all(self) -> None:
        for key in list(self._pending):
            self._flush(key)

    def _flush(self, key: StreamKey) -> None:
        tables = self._pending.pop(key, [])
        if not tables:
            return
        market, symbol, timeframe = key
        with self._noting(" ".join(key)):
            result = self._store.merge(market, concat(symbol, timeframe, tables), self._options.replace)
            self._report.streams[key].result += result

    def _keep_funding(self, batch: FundingBatch, file: FoundFile) -> None:
        report = self._report.funding.setdefault(batch.symbol, FundingReport(batch.symbol))
        self._note(report.refused, batch.refusals, file)
        report.rows += len(batch.rows)
        report.result += self._store.merge_funding("futures", batch.symbol, batch.rows) if batch.rows else MergeResult()

    def _keep_exchange_info(self, content: ExchangeInfo, file: FoundFile) -> None:
        stored = self._store.exchange_info(content.market)
        newer = stored is None or content.info.get("serverTime", 0) >= stored.get("serverTime", 0)
        if newer:
            self._store.save_exchange_info(content.market, content.info)
        what = f"{len(content.info['symbols']):,} symbols" if newer else "older than the stored one, which stays"
        self._report.exchange_info.append(f"{content.market} exchangeInfo from {file.path.name}: {what}")

    def _keep_brackets(self, content: LeverageBrackets, file: FoundFile) -> None:
        self._store.save_leverage_brackets("futures", content.entries)
        what = f"futures leverage brackets from {file.path.name}: {len(content.entries):,} symbols"
        self._report.exchange_info.append(what)


def _usable(content: Content) -> bool:
    if isinstance(content, ExchangeInfo | LeverageBrackets):
        return True
    return bool(content.rows if isinstance(content, FundingBatch) else len(content.table))


def _first(refusals: Refusals) -> str:
    if not refusals.named:
        return ""
    place, reason = refusals.named[0]
    return f"; the first, {refusals.unit} {place}: {reason}"


def _rows(tables: list[CandleTable]) -> int:
    return sum(map(len, tables))
