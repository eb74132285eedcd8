"""Plays what a store holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trader.core.candle import EXTRA_COLUMNS
from trader.core.errors import ConfigError
from trader.core.timeframe import Timeframe
from trader.exchange.embedded.source import MARKETS, NO_FUNDING, Funding
from trader.market.store import Store
from trader.market.table import CandleTable


class StoreSource:
    """The candles below `root`, of all symbols or of those named; `ConfigError` when there are none."""

    generated = False

    def __init__(self, root: Path, symbols: tuple[str, ...] = ()) -> None:
        self.name = f"stored candles of {root}"
        self._store = Store(root)
        self._held: dict[tuple[str, str], tuple[Timeframe, ...]] = {}
        self._funding: dict[tuple[str, str], Funding] = {}
        self._symbols = {market: self._chosen(market, symbols) for market in MARKETS}
        found = {symbol for each in self._symbols.values() for symbol in each}
        absent = [symbol for symbol in symbols if symbol not in found]
        if absent or not found:
            what = f"no candles of {', '.join(absent)}" if absent else "no candles"
            raise ConfigError(f"the store {root} has {what}; `python start.py import` or `download` brings some")

    def symbols(self, market: str) -> tuple[str, ...]:
        """Return the symbols that can be played."""
        return self._symbols[market]

    def timeframes(self, market: str, symbol: str) -> tuple[Timeframe, ...]:
        """Return what is held of a symbol, the finest first."""
        return self._held[market, symbol]

    def base_of(self, market: str, symbol: str, timeframe: Timeframe) -> Timeframe:
        """Return the held timeframe from whose candles those of `timeframe` are built."""
        return self.timeframes(market, symbol)[0]

    def span(self, market: str, symbol: str, timeframe: Timeframe) -> tuple[int, int]:
        """Return `[start, end)` of what is held of one stream, ms."""
        manifest = self._store.manifest(market, symbol, timeframe)
        if manifest.first is None or manifest.last is None:
            return 0, 0
        return manifest.first, manifest.last + timeframe.ms

    def columns(self, market: str, symbol: str) -> tuple[str, ...]:
        """Return the optional columns of the finest candles."""
        finest = self.timeframes(market, symbol)[0]
        held = self._store.manifest(market, symbol, finest).columns
        return tuple(name for name in EXTRA_COLUMNS if name in held)

    def candles(self, market: str, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        """Return the candles with `start_ms <= open_time < end_ms`."""
        return self._store.read(market, symbol, timeframe, start_ms, end_ms)

    def exchange_info(self, market: str) -> dict[str, Any] | None:
        """Return the exchangeInfo of the market."""
        return self._store.exchange_info(market)

    def trades(self, market: str, symbol: str) -> None:
        """Return None: only candles are stored."""
        return None

    def funding(self, market: str, symbol: str, start_ms: int, end_ms: int) -> Funding:
        """Return the payments with `start_ms <= time < end_ms`."""
        if (market, symbol) not in self._funding:
            self._funding[market, symbol] = as_funding(self._store.funding(market, symbol))
        times, rates = self._funding[market, symbol]
        first, last = np.searchsorted(times, (start_ms, end_ms))
        return times[first:last], rates[first:last]

    def _chosen(self, market: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
        held = self._store.symbols(market)
        chosen = tuple(symbol for symbol in wanted if symbol in held) if wanted else tuple(held)
        self._held |= {(market, symbol): tuple(self._store.timeframes(market, symbol)) for symbol in chosen}
        return chosen


def as_funding(rows: list[tuple[int, float]]) -> Funding:
    """Return (time, rate) rows as columns."""
    if not rows:
        return NO_FUNDING
    times, rates = zip(*rows, strict=True)
    return np.array(times, np.int64), np.array(rates, np.float64)
