"""A source of a test's own: tables in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.builders import START_MS, walk
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.exchange.embedded.source import NO_FUNDING, Funding
from trader.market.table import CandleTable

#: Where plays of tests begin: a thousand minutes have happened.
PLAY_MS = START_MS + 1_000 * MINUTE_MS


class TableSource:
    """Plays the tables given: `{market: [table, ...]}`, several timeframes of a symbol being several tables."""

    generated = False
    name = "tables of a test"

    def __init__(
        self,
        tables: dict[str, list[CandleTable]],
        infos: dict[str, dict[str, Any]] | None = None,
        fundings: dict[str, Funding] | None = None,
    ) -> None:
        self._tables = tables
        self._infos = infos or {}
        self._fundings = fundings or {}

    def symbols(self, market: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(table.symbol for table in self._tables.get(market, [])))

    def timeframes(self, market: str, symbol: str) -> tuple[Timeframe, ...]:
        held = [table.timeframe for table in self._tables[market] if table.symbol == symbol]
        return tuple(sorted(held, key=lambda timeframe: timeframe.ms))

    def base_of(self, market: str, symbol: str, timeframe: Timeframe) -> Timeframe:
        return self.timeframes(market, symbol)[0]

    def trades(self, market: str, symbol: str) -> None:
        return None

    def span(self, market: str, symbol: str, timeframe: Timeframe) -> tuple[int, int]:
        times = self._table(market, symbol, timeframe).open_time
        return int(times[0]), int(times[-1]) + timeframe.ms

    def columns(self, market: str, symbol: str) -> tuple[str, ...]:
        return self._table(market, symbol, self.timeframes(market, symbol)[0]).present()

    def candles(self, market: str, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        return self._table(market, symbol, timeframe).between(start_ms, end_ms)

    def exchange_info(self, market: str) -> dict[str, Any] | None:
        return self._infos.get(market)

    def funding(self, market: str, symbol: str, start_ms: int, end_ms: int) -> Funding:
        times, rates = self._fundings.get(symbol, NO_FUNDING) if market == "futures" else NO_FUNDING
        first, last = np.searchsorted(times, (start_ms, end_ms))
        return times[first:last], rates[first:last]

    def _table(self, market: str, symbol: str, timeframe: Timeframe) -> CandleTable:
        return next(table for table in self._tables[market] if (table.symbol, table.timeframe) == (symbol, timeframe))


def rounded(table: CandleTable, digits: int = 2) -> CandleTable:
    """Return `table` with prices of so many digits, and with the optional columns that the wire has."""
    columns = {name: np.round(getattr(table, name), digits) for name in ("open", "high", "low", "close")}
    volume = np.round(table.volume, 3)
    extra = {
        "quote_volume": np.round(volume * columns["close"], 8),
        "count": np.full(len(table), 40.0),
        "taker_buy_volume": np.round(volume / 4, 3),
        "taker_buy_quote_volume": np.round(volume * columns["close"] / 4, 8),
    }
    return CandleTable.build(table.symbol, table.timeframe, table.open_time, **columns, volume=volume, **extra)


def coin(
    symbol: str, count: int = 3_000, *, seed: int = 1, timeframe: str = "1min", start: int = START_MS
) -> CandleTable:
    """Return a random walk of one coin, on a grid of cents."""
    return rounded(walk(count, seed=seed, symbol=symbol, timeframe=timeframe, start_ms=start))


def two_markets(count: int = 3_000) -> TableSource:
    """Return BTCUSDT and ETHUSDT on spot and futures, minute candles from `START_MS`, and BTC's funding."""
    times = START_MS + np.arange(8, dtype=np.int64) * 8 * 3_600_000
    return TableSource(
        {
            "spot": [coin("BTCUSDT", count, seed=1), coin("ETHUSDT", count, seed=2)],
            "futures": [coin("BTCUSDT", count, seed=3), coin("ETHUSDT", count, seed=4)],
        },
        fundings={"BTCUSDT": (times, np.linspace(0.0001, 0.0008, 8))},
    )
