"""The public endpoints of USD-M futures, below `/fapi/v1` (weights: binance.md, section 7)."""

from __future__ import annotations

from typing import Any

from trader.core.timeframe import HOUR_MS
from trader.exchange.embedded import payloads
from trader.exchange.embedded.endpoints import (
    Endpoint,
    agg_trades,
    book_ticker,
    by_limit,
    by_symbol,
    day,
    depth,
    flat,
    historical_trades,
    klines,
    one_or_all,
    ping,
    price,
    recent_trades,
)
from trader.exchange.embedded.info import exchange_info
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.tape import Tape
from trader.exchange.embedded.transport import Transport

DEPTHS = (5, 10, 20, 50, 100, 500, 1_000)
KLINE_WEIGHTS = ((99, 1), (499, 2), (1_000, 5), (1_500, 10))
DEPTH_WEIGHTS = ((50, 2), (100, 5), (500, 10), (1_000, 20))


def futures_endpoints(transport: Transport) -> list[Endpoint]:
    """Return all endpoints; `transport` tells the server's time and the limits in force."""

    def time(params: Params) -> dict[str, int]:
        return {"serverTime": transport.time_ms()}

    def info(params: Params) -> dict[str, Any]:
        weight, orders = transport.weight_limit("futures"), transport.orders["futures"]
        return exchange_info("futures", params.floor.entries, weight, orders, transport.time_ms())

    return [
        Endpoint("/fapi/v1/ping", ping, flat(1)),
        Endpoint("/fapi/v1/time", time, flat(1)),
        Endpoint("/fapi/v1/exchangeInfo", info, flat(1)),
        Endpoint("/fapi/v1/klines", klines(500, 1_500), by_limit(KLINE_WEIGHTS, 500)),
        Endpoint("/fapi/v1/continuousKlines", klines(500, 1_500, "pair"), by_limit(KLINE_WEIGHTS, 500)),
        Endpoint("/fapi/v1/aggTrades", agg_trades, flat(20)),
        Endpoint("/fapi/v1/trades", recent_trades, flat(5)),
        Endpoint("/fapi/v1/historicalTrades", historical_trades, flat(20)),
        Endpoint("/fapi/v1/depth", depth(DEPTHS, 1_000, 500), by_limit(DEPTH_WEIGHTS, 500)),
        Endpoint("/fapi/v1/ticker/price", price, by_symbol(1, 2)),
        Endpoint("/fapi/v2/ticker/price", price, by_symbol(1, 2)),
        Endpoint("/fapi/v1/ticker/bookTicker", book_ticker, by_symbol(2, 5)),
        Endpoint("/fapi/v1/ticker/24hr", day, by_symbol(1, 40)),
        Endpoint("/fapi/v1/premiumIndex", _premium_index, by_symbol(1, 10)),
        Endpoint("/fapi/v1/fundingRate", _funding_rate, flat(1), metered=False),
        Endpoint("/fapi/v1/fundingInfo", _funding_info, flat(1), metered=False),
    ]


def _premium_index(params: Params) -> Any:
    return one_or_all(params, [_premium(params, tape) for tape in params.tapes()])


def _premium(params: Params, tape: Tape) -> dict[str, Any]:
    """Return a symbol's row: like the stream, it names the rate of the next payment "last"."""
    floor = params.floor
    upcoming = floor.upcoming_funding(tape.symbol)
    rate, time = (None, 0) if upcoming is None else (upcoming.rate, upcoming.time)
    return payloads.premium_row(tape, rate, time, floor.clock.now())


def _funding_rate(params: Params) -> list[dict[str, Any]]:
    """Answer the first rows from a start, else the last ones; oldest first."""
    start, end = params.span()
    limit = params.limit(100, 1_000)
    rows = [row for tape in params.tapes() for row in _payments(params, tape, start or 0, end)]
    rows.sort(key=lambda row: row["fundingTime"])
    return rows[-limit:] if start is None else rows[:limit]


def _payments(params: Params, tape: Tape, start_ms: int, end_ms: int | None) -> list[dict[str, Any]]:
    end = params.floor.clock.now() if end_ms is None else end_ms
    times, rates = params.floor.funding(tape.symbol, start_ms, end + 1)
    return [
        payloads.funding_row(tape.symbol, time, rate) for time, rate in zip(times.tolist(), rates.tolist(), strict=True)
    ]


def _funding_info(params: Params) -> list[dict[str, Any]]:
    return [
        {
            "symbol": symbol,
            "adjustedFundingRateCap": "0.02000000",
            "adjustedFundingRateFloor": "-0.02000000",
            "fundingIntervalHours": params.floor.funding_interval_ms(symbol) // HOUR_MS,
            "disclaimer": False,
        }
        for symbol in params.floor.tapes
    ]
