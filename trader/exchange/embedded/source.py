"""Where the candles and trades of a play come from: the seam to the store and to the generated market."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable, Times
from trader.market.trades import TradeTable

MARKETS = ("spot", "futures")

#: Funding times (ms, ascending) and rates as fractions of the notional.
Funding = tuple[NDArray[np.int64], NDArray[np.float64]]
NO_FUNDING: Funding = (np.empty(0, np.int64), np.empty(0))


class Trades(Protocol):
    """The trades of one symbol, past and future; their ids have no holes."""

    def between(self, start_ms: int, end_ms: int) -> TradeTable:
        """Return the trades with `start_ms <= time < end_ms`."""
        ...

    def last(self, end_ms: int, count: int) -> TradeTable:
        """Return the last `count` trades before `end_ms`."""
        ...

    def from_id(self, id: int, end_ms: int, count: int) -> TradeTable:
        """Return `count` trades before `end_ms`, from `id` on."""
        ...

    def first_id(self, time_ms: int) -> int:
        """Return the id of the first trade at or after `time_ms`, a time on the grid of the finest candles."""
        ...

    def spans(self, table: CandleTable) -> tuple[Times, Times]:
        """Return the first and last trade id of each candle; -1 where it has no trades."""
        ...


class Source(Protocol):
    """Candles of both markets, past and future: what has not happened yet is kept back by the play.

    `generated`: the market is invented, and everything that shows it says so. `name` tells a person which it is.
    """

    generated: bool
    name: str

    def symbols(self, market: str) -> tuple[str, ...]:
        """Return the symbols that can be played."""
        ...

    def timeframes(self, market: str, symbol: str) -> tuple[Timeframe, ...]:
        """Return what is held of a symbol, the finest first."""
        ...

    def base_of(self, market: str, symbol: str, timeframe: Timeframe) -> Timeframe:
        """Return the held timeframe from whose candles those of `timeframe` are built."""
        ...

    def span(self, market: str, symbol: str, timeframe: Timeframe) -> tuple[int, int]:
        """Return `[start, end)` of what is held of one stream, ms."""
        ...

    def columns(self, market: str, symbol: str) -> tuple[str, ...]:
        """Return the optional columns that the finest candles of a symbol have."""
        ...

    def candles(self, market: str, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        """Return the candles held with `start_ms <= open_time < end_ms`."""
        ...

    def trades(self, market: str, symbol: str) -> Trades | None:
        """Return a symbol's trades; None where only candles are held."""
        ...

    def exchange_info(self, market: str) -> dict[str, Any] | None:
        """Return the exchangeInfo that describes the market's filters, or None."""
        ...

    def funding(self, market: str, symbol: str, start_ms: int, end_ms: int) -> Funding:
        """Return the funding payments with `start_ms <= time < end_ms`."""
        ...


def part_of(trades: TradeTable, start: int, stop: int) -> TradeTable:
    """Return rows `start:stop` of trades, as views."""
    return TradeTable(
        trades.symbol,
        trades.ids[start:stop],
        trades.times_ms[start:stop],
        trades.prices[start:stop],
        trades.quantities[start:stop],
        trades.is_buyer_maker[start:stop],
    )
