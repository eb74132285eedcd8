"""The store of market data: candles, funding rates and exchangeInfo of each market, as files below one folder.

    <root>/<market>/<COIN>/<timeframe>/<YYYY-MM>.parquet   closed candles by month of their open time (UTC)
    <root>/<market>/<COIN>/<timeframe>/tail.bin            candles appended since, not folded yet
    <root>/<market>/<COIN>/<timeframe>/manifest.json       spans, gaps, columns, rows
    <root>/<market>/<COIN>/funding.parquet                 funding times (ms) and rates
    <root>/<market>/exchange_info.json                     as the exchange sent it (or .json.gz)
    <root>/futures/leverageBracket.json                    likewise, of one account: its leverage brackets

One rule for what is there already: the stored candle stays; see `trader.market.overlay`.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np

from trader.core.candle import VALUE_COLUMNS, Candle
from trader.core.errors import ConfigError, DataError
from trader.core.settings import Market
from trader.core.timeframe import Timeframe
from trader.market.brackets import entries_by_symbol
from trader.market.durable import locked, write_atomic
from trader.market.manifest import Manifest
from trader.market.overlay import MergeResult
from trader.market.parquet import read_funding, write_funding
from trader.market.stream_files import FOREVER, StreamFiles
from trader.market.table import CandleTable
from trader.market.validate import require_possible

MARKETS: tuple[Market, ...] = get_args(Market)
#: What can name a coin's folder; letters of any script, for 币安人生USDT is a symbol.
SYMBOL = re.compile(r"\w[\w.-]*")
#: Its name is the endpoint's: a person may put the answer there as it came.
LEVERAGE_BRACKETS = "leverageBracket.json"
#: Funding falls due on the full minute; the exchange stamps it some milliseconds late.
FUNDING_GRID_MS = 60_000
FUNDING_LATE_MS = 5_000

FundingRow = tuple[int, float]
StreamName = tuple[str, Timeframe]


class Store:
    """The market data below `root`; nothing is read or made before it is needed."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def markets(self) -> list[Market]:
        """Return the markets of which there is anything."""
        return [market for market in MARKETS if (self.root / market).is_dir()]

    def symbols(self, market: str) -> list[str]:
        """Return the coins with candles, in order of name."""
        folder = self._market(market)
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return [name for name in names if SYMBOL.fullmatch(name) and self.timeframes(market, name)]

    def timeframes(self, market: str, symbol: str) -> list[Timeframe]:
        """Return the timeframes of a coin with candles, the finest first."""
        return [timeframe for timeframe in Timeframe if self._stream(market, symbol, timeframe).exists()]

    def manifest(self, market: str, symbol: str, timeframe: Timeframe) -> Manifest:
        """Return spans, gaps, columns and rows of a stream; all empty when there is none."""
        return self._stream(market, symbol, timeframe).manifest()

    def read(
        self, market: str, symbol: str, timeframe: Timeframe, start_ms: int | None = None, end_ms: int | None = None
    ) -> CandleTable:
        """Return the candles with `start_ms <= open_time < end_ms`; an open end is None.

        Columns that a stored candle lacks are NaN. Raise `DataError` naming a file that is broken.
        """
        start = -FOREVER if start_ms is None else start_ms
        return self._stream(market, symbol, timeframe).read(start, FOREVER if end_ms is None else end_ms)

    def merge(self, market: str, table: CandleTable, replace: bool = False) -> MergeResult:
        """Add closed candles of one stream; doing it again changes nothing.

        A stored candle stays when another contradicts it (which is counted), unless `replace`. Raise `DataError`
        before anything is written when a candle is impossible, or `table` not ascending.
        """
        require_possible(table, f"{market} {table.symbol} {table.timeframe}")
        return self._stream(market, table.symbol, table.timeframe).merge(table, replace)

    def append(self, market: str, candles: Iterable[Candle]) -> dict[StreamName, MergeResult]:
        """Add closed candles of any streams as they come, at the cost of one small write a stream.

        They can be read at once, and survive the end of the process; a loss of power may take those of the last
        half minute. Now and then a stream's waiting candles are folded into its months: the results of that come
        back. Raise `DataError` when a candle is impossible; the streams before it are kept.
        """
        folded = {}
        ordered = sorted(candles, key=lambda candle: (candle.symbol, candle.timeframe))  # stable: time as it came
        for (symbol, timeframe), group in groupby(ordered, lambda candle: (candle.symbol, candle.timeframe)):
            rows = list(group)
            for candle in rows:
                require_possible(_one(candle), f"{market} {symbol} {timeframe}")
            result = self._stream(market, symbol, timeframe).append(rows)
            if result is not None:
                folded[symbol, timeframe] = result
        return folded

    def fold(self) -> dict[tuple[Market, str, Timeframe], MergeResult]:
        """Fold all waiting candles into the month files, and return what that did to each stream."""
        return {
            (market, symbol, timeframe): self._stream(market, symbol, timeframe).fold()
            for market in self.markets()
            for symbol in self.symbols(market)
            for timeframe in self.timeframes(market, symbol)
        }

    def exchange_info(self, market: str) -> dict[str, Any] | None:
        """Return the market's exchangeInfo as it was stored, or None."""
        folder = self._market(market)
        for name in ("exchange_info.json", "exchange_info.json.gz"):
            if (folder / name).exists():
                info: dict[str, Any] = _decoded(folder / name, dict[str, Any])
                return info
        return None

    def save_exchange_info(self, market: str, info: dict[str, Any]) -> None:
        """Store a market's exchangeInfo in place of the one before."""
        folder = self._market(market)
        text = msgspec.json.encode(info)
        with locked(folder):
            write_atomic(folder / "exchange_info.json", lambda file: file.write(text))

    def leverage_brackets(self, market: str) -> dict[str, dict[str, Any]]:
        """Return the leverage brackets of each coin of a market, as the exchange answers them, where they are known.

        Raise `DataError` when the file is broken, or its brackets are impossible.
        """
        path = self._market(market) / LEVERAGE_BRACKETS
        return entries_by_symbol(_decoded(path, Any), str(path)) if path.exists() else {}

    def save_leverage_brackets(self, market: str, entries: Mapping[str, dict[str, Any]]) -> None:
        """Store brackets in the exchange's own form; coins that `entries` do not name keep theirs."""
        folder = self._market(market)
        with locked(folder):
            merged = self.leverage_brackets(market) | dict(entries)
            text = msgspec.json.format(msgspec.json.encode([merged[symbol] for symbol in sorted(merged)]))
            write_atomic(folder / LEVERAGE_BRACKETS, lambda file: file.write(text))

    def funding(
        self, market: str, symbol: str, start_ms: int | None = None, end_ms: int | None = None
    ) -> list[FundingRow]:
        """Return (time in ms, rate) with `start_ms <= time < end_ms`, ascending."""
        path = self._coin(market, symbol) / "funding.parquet"
        if not path.exists():
            return []
        times, rates = read_funding(path)
        start = -FOREVER if start_ms is None else start_ms
        first, last = np.searchsorted(times, (start, FOREVER if end_ms is None else end_ms))
        return list(zip(times[first:last].tolist(), rates[first:last].tolist(), strict=True))

    def merge_funding(self, market: str, symbol: str, rows: Sequence[FundingRow]) -> MergeResult:
        """Add funding rates under the full minute at which they fell due; stored ones stay.

        Raise `DataError` when a time is more than 5 s past a minute, or a rate is not a fraction.
        """
        fresh: dict[int, float] = {}
        for time, rate in rows:
            fresh.setdefault(_due(symbol, time, rate), rate)
        folder = self._coin(market, symbol)
        with locked(folder):
            stored = dict(self.funding(market, symbol))
            against = [time for time, rate in fresh.items() if stored.get(time, rate) != rate]
            added = fresh.keys() - stored.keys()
            if added:
                merged = sorted((fresh | stored).items())
                times, rates = zip(*merged, strict=True)
                write_funding(folder / "funding.parquet", np.array(times, np.int64), np.array(rates))
        same = len(fresh) - len(added) - len(against)
        return MergeResult(len(added), same, conflicts=len(against), conflict_times=tuple(sorted(against)[:10]))

    def _stream(self, market: str, symbol: str, timeframe: Timeframe) -> StreamFiles:
        return StreamFiles(self._coin(market, symbol) / timeframe.value, symbol, timeframe)

    def _coin(self, market: str, symbol: str) -> Path:
        if not SYMBOL.fullmatch(symbol):
            raise DataError(f"symbol {symbol!r} cannot name a folder; allowed: letters, digits and _ . -")
        return self._market(market) / symbol

    def _market(self, market: str) -> Path:
        if market not in MARKETS:
            raise ConfigError(f"market {market!r} is unknown; allowed: {', '.join(MARKETS)}")
        return self.root / market


def _one(candle: Candle) -> CandleTable:
    values = {name: np.array([getattr(candle, name)]) for name in VALUE_COLUMNS}
    return CandleTable.build(candle.symbol, candle.timeframe, np.array([candle.open_time]), **values)


def _due(symbol: str, time: int, rate: float) -> int:
    late = time % FUNDING_GRID_MS
    if late > FUNDING_LATE_MS or not -1 < rate < 1:
        raise DataError(f"{symbol}: funding of {rate} at {time} is impossible; allowed: |rate| < 1, on a full minute")
    return time - late


def _decoded(path: Path, form: Any) -> Any:
    try:
        data = path.read_bytes()
        return msgspec.json.decode(gzip.decompress(data) if path.suffix == ".gz" else data, type=form)
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise DataError(f"{path} is broken ({error}): delete it, and import or download it again") from error
