"""The public endpoints of spot, below `/api/v3` (weights: binance.md, section 7)."""

from __future__ import annotations

from typing import Any

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
from trader.exchange.embedded.transport import Transport
from trader.exchange.embedded.wire import number


def spot_endpoints(transport: Transport) -> list[Endpoint]:
    """Return all endpoints; `transport` tells the server's time and the limits in force."""

    def time(params: Params) -> dict[str, int]:
        params.known()
        return {"serverTime": transport.time_ms() * params.unit()}

    def info(params: Params) -> dict[str, Any]:
        params.known("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus")
        entries = [tape.entry for tape in params.tapes()] if _names_symbols(params) else params.floor.entries
        now = transport.time_ms() * params.unit()
        return exchange_info("spot", entries, transport.weight_limit("spot"), transport.orders["spot"], now)

    return [
        Endpoint("/api/v3/ping", ping, flat(1)),
        Endpoint("/api/v3/time", time, flat(1)),
        Endpoint("/api/v3/exchangeInfo", info, flat(20)),
        Endpoint("/api/v3/klines", klines(500, 1_000), flat(2)),
        Endpoint("/api/v3/uiKlines", klines(500, 1_000), flat(2)),
        Endpoint("/api/v3/aggTrades", agg_trades, flat(4)),
        Endpoint("/api/v3/trades", recent_trades, flat(25)),
        Endpoint("/api/v3/historicalTrades", historical_trades, flat(25)),
        Endpoint(
            "/api/v3/depth", depth(None, 5_000, 100), by_limit(((100, 5), (500, 25), (1_000, 50), (5_000, 250)), 100)
        ),
        Endpoint("/api/v3/avgPrice", _average_price, flat(2)),
        Endpoint("/api/v3/ticker/price", price, by_symbol(2, 4)),
        Endpoint("/api/v3/ticker/bookTicker", book_ticker, by_symbol(2, 4)),
        Endpoint("/api/v3/ticker/24hr", day, by_symbol(2, 80)),
        Endpoint("/api/v3/ticker", _rolling, by_symbol(4, 200)),
    ]


def _names_symbols(params: Params) -> bool:
    return params.has("symbol") or params.has("symbols")


def _average_price(params: Params) -> dict[str, Any]:
    params.known("symbol")
    tape = params.tape()
    close_time = params.floor.clock.now() * params.unit()
    return {"mins": 5, "price": number(tape.last_price(), tape.decimals.price), "closeTime": close_time}


def _rolling(params: Params) -> Any:
    params.known("symbol", "symbols", "windowSize", "type")
    unit = params.unit()
    return one_or_all(params, [payloads.rolling_row(tape, tape.day(), unit) for tape in params.tapes()])
