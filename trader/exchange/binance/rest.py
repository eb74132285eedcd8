"""Market data of one market by REST: candles, trades, funding, filters, time."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from trader.core.errors import ConfigError, DataError
from trader.core.events import FundingRate
from trader.core.timeframe import Timeframe
from trader.exchange.binance.client import Gate, GovernedClient, Patience
from trader.exchange.binance.endpoints import Endpoints, kline_stream
from trader.exchange.binance.rows import (
    KlineRow,
    TradePage,
    candle_table,
    funding_rows,
    kline_rows,
    server_time,
    trade_page,
)
from trader.exchange.binance.symbols import market_info
from trader.exchange.binance.weights import kline_page
from trader.market.table import CandleTable

#: Rows of one request for trades, or for funding payments.
PAGE = 1000


class BinanceRest:
    """Reads one market; make it inside a running loop and `close` it, or use it with `async with`.

    Every request passes a gate (`execution.governor.WeightGovernor`). Reads are repeated a few times on `Unavailable`
    and `RateLimited`; what remains is raised: these two, `Rejected` (e.g. an unknown symbol), `Unauthorized`, and
    `DataError` for an answer that makes no sense.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        gate: Gate,
        funding_gate: Gate,
        *,
        api_key: str | None = None,
        api_secret: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.market = endpoints.market
        self.client = GovernedClient(endpoints, gate, funding_gate, patience or Patience(), api_key, api_secret)
        self.gate = gate

    @property
    def server_clock_offset(self) -> int:
        """The server's clock minus ours, ms, as last measured by `sync_clock`; 0 before."""
        return int(self.client.timestamp_offset)

    async def sync_clock(self) -> int:
        """Measure the server's clock again and return `server_clock_offset`."""
        return await self.client.sync_clock()

    async def time(self) -> int:
        """Return the server's time in ms. (Of the embedded exchange: wall time, not that of its play.)"""
        futures = self.market == "futures"
        return server_time(await (self.client.futures_time() if futures else self.client.get_server_time()))

    async def exchange_info(self) -> dict[str, Any]:
        """Return exchangeInfo as it came (see `symbols.market_info`), and take the weight limit from it."""
        futures = self.market == "futures"
        answer = await (self.client.futures_exchange_info() if futures else self.client.get_exchange_info())
        self.gate.limit = market_info(answer).weight_limit or self.gate.limit
        return dict(answer)

    async def klines(
        self,
        symbol: str,
        timeframe: Timeframe,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int | None = None,
        *,
        closed_before_ms: int | None = None,
    ) -> CandleTable:
        """Return the closed candles with `start_ms <= open_time < end_ms`, at most `limit`, the earliest first.

        Without `start_ms` the latest `limit` (before `end_ms`) come. Candles that the venue does not have are absent.
        A candle is closed when a later one exists, or when the market is known to have reached `closed_before_ms`.
        """
        kline_stream(self.market, symbol, timeframe)
        if start_ms is None:
            return await self._latest(symbol, timeframe, end_ms, 1 if limit is None else limit, closed_before_ms)
        rows = await self._forward(symbol, timeframe, start_ms, end_ms, limit)
        table = candle_table(symbol, timeframe, rows, closed_before_ms)
        table = table.between(start_ms, 2**62 if end_ms is None else end_ms)
        return table if limit is None else table.rows(0, min(limit, len(table)))

    async def newest_open_ms(self, symbol: str, timeframe: Timeframe) -> int | None:
        """Return when the newest candle, the open one, began; None without any. What closes by then is closed."""
        kline_stream(self.market, symbol, timeframe)
        rows = await self._page(symbol, timeframe, 1)
        return rows[-1][0] if rows else None

    async def agg_trades(
        self,
        symbol: str,
        *,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = PAGE,
    ) -> TradePage:
        """Return one page of aggregate trades: from an id on, or of a span of time (`end_ms` excluded)."""
        inclusive = None if end_ms is None else end_ms - 1
        params = _given(symbol=symbol, fromId=from_id, startTime=start_ms, endTime=inclusive, limit=limit)
        read = self.client.futures_aggregate_trades if self.market == "futures" else self.client.get_aggregate_trades
        return trade_page(symbol, await read(**params))

    async def funding_rates(self, symbol: str, start_ms: int, end_ms: int) -> list[FundingRate]:
        """Return the funding payments with `start_ms <= time < end_ms`, ascending; futures only."""
        if self.market != "futures":
            raise ConfigError(f"{symbol}: {self.market} has no funding; allowed: MARKET=futures")
        payments: list[FundingRate] = []
        while start_ms < end_ms:
            params = {"symbol": symbol, "startTime": start_ms, "endTime": end_ms - 1, "limit": PAGE}
            page = funding_rows(await self.client.futures_funding_rate(**params))
            payments += page
            if len(page) < PAGE:
                break
            start_ms = _beyond(page[-1].time + 1, start_ms, f"fundingRate of {symbol}")
        return payments

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close_connection()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _forward(
        self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int | None, limit: int | None
    ) -> list[KlineRow]:
        """Page from `start_ms` to one row past what is wanted: that row proves the one before it to be closed."""
        rows: list[KlineRow] = []
        cursor, wanted = start_ms, _wanted(timeframe, start_ms, end_ms, limit)
        while wanted > 0:
            size = kline_page(self.market, wanted)
            page = await self._page(symbol, timeframe, size, startTime=cursor)
            rows += page
            if len(page) < size:
                break
            cursor = _beyond(page[-1][0] + timeframe.ms, cursor, f"klines of {symbol} {timeframe}")
            wanted = _wanted(timeframe, cursor, end_ms, None if limit is None else limit - len(rows))
        return rows

    async def _latest(
        self, symbol: str, timeframe: Timeframe, end_ms: int | None, limit: int, closed_before_ms: int | None
    ) -> CandleTable:
        """Page backwards from the newest row, or from the one at `end_ms`."""
        rows: list[KlineRow] = []
        last = None if end_ms is None else end_ms - 1 + timeframe.ms
        while len(rows) <= limit:
            size = kline_page(self.market, limit + 1 - len(rows))
            page = await self._page(symbol, timeframe, size, endTime=last)
            rows = page + rows
            if len(page) < size or page[0][0] < timeframe.ms:
                break
            last = page[0][0] - 1
        table = candle_table(symbol, timeframe, rows, closed_before_ms)
        table = table if end_ms is None else table.between(0, end_ms)
        return table.rows(max(0, len(table) - limit), len(table))

    async def _page(self, symbol: str, timeframe: Timeframe, size: int, **span: int | None) -> list[KlineRow]:
        params = _given(symbol=symbol, interval=timeframe.wire, limit=size, **span)
        read = self.client.futures_klines if self.market == "futures" else self.client.get_klines
        return kline_rows(await read(**params))


def _wanted(timeframe: Timeframe, cursor: int, end_ms: int | None, left: int | None) -> int:
    """Return how many rows to ask for from `cursor` on, the proving one included; 0 when it is there."""
    spans = [] if end_ms is None else [-((cursor - end_ms) // timeframe.ms) + 1]
    spans += [] if left is None else [left + 1]
    return max(0, min(spans, default=2**31))


def _beyond(following: int, cursor: int, what: str) -> int:
    if following <= cursor:
        raise DataError(f"{what}: asked from {cursor} on, the exchange answered with earlier rows")
    return following


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}
