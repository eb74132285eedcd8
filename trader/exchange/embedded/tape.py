"""One symbol as far as it has happened: closed candles, the open candle, trades, the last price, the last day."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from trader.core.candle import Candle
from trader.core.timeframe import DAY_MS, Timeframe
from trader.exchange.embedded.derived_trades import DerivedTrades
from trader.exchange.embedded.history import History
from trader.exchange.embedded.source import Trades
from trader.exchange.embedded.wire import SPOT_DECIMALS, futures_decimals
from trader.market.instruments import filters_of
from trader.market.table import CandleTable
from trader.market.trades import TradeTable


class Day(msgspec.Struct, frozen=True):
    """The 24 hours before `close_time`; NaN where nothing was traded. Ids are of trades, -1 without any."""

    open_time: int
    close_time: int
    open: float
    high: float
    low: float
    last: float
    volume: float
    quote_volume: float
    count: int
    first_id: int
    last_id: int


class Tape:
    """What can be known of one symbol at the play's time, which `now` tells; nothing later ever shows."""

    def __init__(
        self, history: History, trades: Trades | None, entry: dict[str, Any], now: Callable[[], int], anchor_ms: int
    ) -> None:
        self.symbol = history.symbol
        self.market = history.market
        self.entry = entry
        self.history = history
        filters = filters_of(entry)
        tick, step = filters["tickSize"], filters["stepSize"]
        self.tick, self.step = float(tick), float(step)
        self.decimals = SPOT_DECIMALS if history.market == "spot" else futures_decimals(tick, step)
        self.trades: Trades = trades or DerivedTrades(history, self.tick, self.step, anchor_ms)
        self._now = now

    @property
    def finest(self) -> Timeframe:
        """The finest candles behind this symbol."""
        return self.history.finest

    @property
    def listed(self) -> bool:
        """Whether anything of it has happened."""
        return self._now() >= self.history.start

    def klines(self, timeframe: Timeframe, start_ms: int | None, end_ms: int | None, limit: int) -> list[Candle]:
        """Return candles with `start_ms <= open_time <= end_ms`, the open one included: the first `limit` from a
        given start, else the last ones."""
        now = self._now()
        opened = now - now % timeframe.ms
        end = opened if end_ms is None else min(opened, end_ms + 1)
        rows = self._closed(timeframe, start_ms, end, limit)
        candles = list(rows.candles())
        if self.listed and (start_ms or 0) <= opened <= (opened if end_ms is None else end_ms):
            candles.append(self.open_candle(timeframe))
        return candles[-limit:] if start_ms is None else candles[:limit]

    def open_candle(self, timeframe: Timeframe) -> Candle:
        """Return the candle in the making, from what has passed of it: flat at the last price when nothing has."""
        now = self._now()
        opened = now - now % timeframe.ms
        partial = now - now % self.finest.ms
        rows = self.history.table(self.finest, opened, partial)
        parts = [_of_table(rows)] if len(rows) else []
        if partial < now and len(trades := self.trades.between(partial, now)):
            parts.append(_of_trades(trades))
        if not parts:
            price = self.last_price()
            parts = [(price, price, price, price, 0.0, 0.0, 0.0, 0.0, 0.0)]
        return Candle(self.symbol, timeframe, opened, *_combined(parts))

    def open_ids(self, timeframe: Timeframe) -> tuple[int, int]:
        """Return the ids of the first and last trade of the candle in the making; -1 while it has none."""
        now = self._now()
        first, last = self.trades.first_id(now - now % timeframe.ms), self.last_id()
        return (first, last) if last >= first else (-1, -1)

    def last_id(self) -> int:
        """Return the id of the last trade."""
        now = self._now()
        partial = now - now % self.finest.ms
        seen = self.trades.between(partial, now).ids
        return int(seen[-1]) if len(seen) else self.trades.first_id(partial) - 1

    def recent_trades(self, limit: int) -> TradeTable:
        """Return the last `limit` trades."""
        return self.trades.last(self._now(), limit)

    def trades_between(self, start_ms: int, end_ms: int) -> TradeTable:
        """Return the trades with `start_ms <= time < end_ms` that have happened."""
        return self.trades.between(start_ms, min(end_ms, self._now()))

    def trades_from(self, id: int, limit: int) -> TradeTable:
        """Return up to `limit` trades from `id` on that have happened."""
        return self.trades.from_id(id, self._now(), limit)

    def last_price(self) -> float:
        """Return the price of the last trade; the first open where there was none yet, NaN without any candle."""
        now = self._now()
        partial = now - now % self.finest.ms
        if partial < now and len(trades := self.trades.between(partial, now)):
            return float(trades.prices[-1])
        before = self.history.last(self.finest, 0, partial, 1)
        if len(before):
            return float(before.close[-1])
        coming = self.history.first(self.finest, partial, self.history.end, 1)
        return float(coming.open[0]) if len(coming) else math.nan

    def day(self) -> Day:
        """Return the statistics of the last 24 hours, to the minute where finer candles are held."""
        now = self._now()
        timeframe = Timeframe.MIN_1 if self.finest.ms < Timeframe.MIN_1.ms else self.finest
        opened = now - now % timeframe.ms
        start = now - DAY_MS
        rows = self.history.table(timeframe, start, opened)
        parts = ([_of_table(rows)] if len(rows) else []) + [_values(self.open_candle(timeframe))]
        first_open = int(rows.open_time[0]) if len(rows) else opened
        ids = (self.trades.first_id(first_open), self.last_id())
        open, high, low, close, volume, quote_volume, count, _, _ = _combined(parts)
        whole = 0 if math.isnan(count) else int(count)
        return Day(start, now, open, high, low, close, volume, quote_volume, whole, *ids)

    def _closed(self, timeframe: Timeframe, start_ms: int | None, end_ms: int, limit: int) -> CandleTable:
        if start_ms is None:
            return self.history.last(timeframe, 0, end_ms, limit)
        return self.history.first(timeframe, start_ms, end_ms, limit)


Values = tuple[float, float, float, float, float, float, float, float, float]


def _of_table(rows: CandleTable) -> Values:
    return (
        float(rows.open[0]),
        float(rows.high.max()),
        float(rows.low.min()),
        float(rows.close[-1]),
        float(rows.volume.sum()),
        float(rows.quote_volume.sum()),
        float(rows.count.sum()),
        float(rows.taker_buy_volume.sum()),
        float(rows.taker_buy_quote_volume.sum()),
    )


def _of_trades(trades: TradeTable) -> Values:
    bought = ~trades.is_buyer_maker
    quotes = trades.prices * trades.quantities
    return (
        float(trades.prices[0]),
        float(trades.prices.max()),
        float(trades.prices.min()),
        float(trades.prices[-1]),
        float(trades.quantities.sum()),
        float(quotes.sum()),
        float(len(trades)),
        float(trades.quantities[bought].sum()),
        float(quotes[bought].sum()),
    )


def _values(candle: Candle) -> Values:
    return (
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        candle.quote_volume,
        candle.count,
        candle.taker_buy_volume,
        candle.taker_buy_quote_volume,
    )


def _combined(parts: list[Values]) -> Values:
    sums = [round(sum(part[place] for part in parts), 8) for place in range(4, 9)]
    prices = (parts[0][0], max(part[1] for part in parts), min(part[2] for part in parts), parts[-1][3])
    return (*prices, sums[0], sums[1], sums[2], sums[3], sums[4])
