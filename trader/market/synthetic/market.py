"""The generated market as others see it: candles, trades, funding, exchangeInfo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from trader.core.candle import VALUE_COLUMNS
from trader.core.errors import DataError
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from trader.market.resample import resample
from trader.market.synthetic.info import exchange_info
from trader.market.synthetic.listing import Listing, listing
from trader.market.synthetic.noise import key_of, normal
from trader.market.synthetic.path import BLOCK_MINUTES, TRADES_PER_BLOCK, Path, corners_of, draw_path, follows
from trader.market.synthetic.tape import make_trades
from trader.market.table import CandleTable
from trader.market.trades import TradeTable, candles_from_trades

FUNDING_MS = 8 * HOUR_MS


class SyntheticMarket:
    """A market made from a seed. Equal arguments give equal bytes, whatever is asked, and in whatever order.

    `start_ms` is when prices are the listed ones (BTCUSDT 97,000 …): history reaches back and ahead from there without
    end. Coins do not depend on which others are listed. Memory is bounded by a cache of some days per coin.
    """

    def __init__(self, seed: int, symbols: Sequence[str], start_ms: int, market: str = "spot") -> None:
        self.seed = seed
        self.symbols = tuple(symbols)
        self.start_ms = start_ms
        self.market = market
        self._listings = {symbol: listing(symbol, market) for symbol in symbols}
        self._corners = lru_cache(64)(lambda name, block: corners_of(seed, name, block))
        self._path = lru_cache(64 + 2 * len(symbols))(self._draw_path)
        self._day = lru_cache(128 + 2 * len(symbols))(self._make_day)
        self._zero = lru_cache(None)(self._find_zero)

    def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        """Return the candles with `start_ms <= open_time < end_ms`, all ten columns; none is ever missing.

        Longer candles are the resampled shorter ones: below 1min from 1s, above from 1min.
        """
        self._listed(symbol)
        start = -(-start_ms // timeframe.ms) * timeframe.ms
        end = -(-end_ms // timeframe.ms) * timeframe.ms
        if start >= end:
            return CandleTable.empty(symbol, timeframe)
        if timeframe.ms < MINUTE_MS:
            return resample(self._seconds(symbol, start, end), timeframe)
        days = [self._day(symbol, day) for day in range(start // DAY_MS, -(-end // DAY_MS))]
        return resample(_joined(days).between(start, end), timeframe)

    def trades(self, symbol: str, start_ms: int, end_ms: int) -> TradeTable:
        """Return the aggregated trades with `start_ms <= time < end_ms`; each aggregates one trade."""
        self._listed(symbol)
        first, last = start_ms // MINUTE_MS, -(-end_ms // MINUTE_MS)
        blocks = range(first // BLOCK_MINUTES, -(-last // BLOCK_MINUTES))
        parts = [self._block_trades(symbol, block, first, last) for block in blocks]
        return _joined_trades(symbol, parts, start_ms, end_ms)

    def funding(self, symbol: str, start_ms: int, end_ms: int) -> list[tuple[int, float]]:
        """Return (time in ms, rate) of the payments with `start_ms <= time < end_ms`: every 8 hours, mostly 0.01 %."""
        self._listed(symbol)
        times = np.arange(-(-start_ms // FUNDING_MS), -(-end_ms // FUNDING_MS), dtype=np.int64)
        luck = normal(key_of(self.seed, symbol, "funding"), times)
        rates = np.where(np.abs(luck) < 0.8, 0.0001, np.round(0.0001 + 0.00012 * luck, 8))
        return list(zip((times * FUNDING_MS).tolist(), rates.tolist(), strict=True))

    def exchange_info(self, market: str | None = None) -> dict[str, Any]:
        """Return exchangeInfo of all symbols in Binance's shape, by default of this market; without `serverTime`."""
        market = market or self.market
        return exchange_info(market, [listing(symbol, market) for symbol in self.symbols])

    @property
    def cached_days(self) -> int:
        """How many days of minutes are kept in memory."""
        return self._day.cache_info().currsize

    def _listed(self, symbol: str) -> Listing:
        if symbol not in self._listings:
            raise DataError(f"{symbol} is not on the generated market; allowed: {', '.join(self.symbols)}")
        return self._listings[symbol]

    def _seconds(self, symbol: str, start: int, end: int) -> CandleTable:
        trades = self.trades(symbol, start - start % MINUTE_MS, end)
        return _candles(trades, Timeframe.SEC_1, start, end)

    def _make_day(self, symbol: str, day: int) -> CandleTable:
        trades = self.trades(symbol, day * DAY_MS, (day + 1) * DAY_MS)
        return _candles(trades, Timeframe.MIN_1, day * DAY_MS, (day + 1) * DAY_MS)

    def _draw_path(self, symbol: str, block: int) -> Path:
        own = self._corners(symbol, block)
        leader = self._corners("market", block) if follows(self.seed, symbol, block) else None
        return draw_path(self.seed, symbol, block, self._listed(symbol).scale, own, leader)

    def _find_zero(self, symbol: str) -> float:
        """Return what to add to the levels so that the price at the start is the listed one."""
        block, within = divmod(self.start_ms // MINUTE_MS, BLOCK_MINUTES)
        return math.log(self._listed(symbol).price) - float(self._path(symbol, block).level[within])

    def _block_trades(self, symbol: str, block: int, first_minute: int, end_minute: int) -> TradeTable:
        """Return the trades of one block in the minutes from `first_minute` on and before `end_minute`."""
        listed, path, begin = self._listed(symbol), self._path(symbol, block), block * BLOCK_MINUTES
        low, high = max(first_minute - begin, 0), min(end_minute - begin, BLOCK_MINUTES)
        ticks, steps = 10.0**listed.price_decimals, 10.0**listed.quantity_decimals
        made = make_trades(
            key_of(self.seed, symbol, "trades"),
            begin + low,
            path.level[low : high + 1] + self._zero(symbol),
            path.sigma[low:high],
            path.activity[low:high],
            path.trades[low : high + 1],
            (ticks, steps, listed.worth / listed.price * steps),
        )
        ids = block * TRADES_PER_BLOCK + np.arange(path.trades[low], path.trades[high], dtype=np.int64)
        return TradeTable(symbol, ids, *made)


def _candles(trades: TradeTable, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
    return candles_from_trades(
        trades.symbol,
        timeframe,
        trades.times_ms,
        trades.prices,
        trades.quantities,
        trades.is_buyer_maker,
        start_ms,
        end_ms,
    )


def _joined(tables: Sequence[CandleTable]) -> CandleTable:
    first = tables[0]
    times = np.concatenate([table.open_time for table in tables])
    values = (np.concatenate([getattr(table, name) for table in tables]) for name in VALUE_COLUMNS)
    return CandleTable(first.symbol, first.timeframe, times, *values)


def _joined_trades(symbol: str, parts: Sequence[TradeTable], start_ms: int, end_ms: int) -> TradeTable:
    times = np.concatenate([np.empty(0, np.int64), *(part.times_ms for part in parts)])
    first, last = np.searchsorted(times, (start_ms, end_ms))
    return TradeTable(
        symbol,
        np.concatenate([np.empty(0, np.int64), *(part.ids for part in parts)])[first:last],
        times[first:last],
        np.concatenate([np.empty(0), *(part.prices for part in parts)])[first:last],
        np.concatenate([np.empty(0), *(part.quantities for part in parts)])[first:last],
        np.concatenate([np.empty(0, np.bool_), *(part.is_buyer_maker for part in parts)])[first:last],
    )
