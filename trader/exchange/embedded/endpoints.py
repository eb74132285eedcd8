"""What an endpoint is: a path, its weight, and a pure answer to checked parameters; those of both markets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trader.core.timeframe import HOUR_MS
from trader.exchange.embedded import payloads
from trader.exchange.embedded.api_error import ApiError
from trader.exchange.embedded.params import Params
from trader.exchange.embedded.source import part_of
from trader.market.trades import TradeTable

Answer = Callable[[Params], Any]
Weight = Callable[[Params], int]


class Endpoint(msgspec.Struct, frozen=True):
    """One GET. `metered` is False where requests cost no weight but are counted apart."""

    path: str
    answer: Answer
    weight: Weight
    metered: bool = True


def flat(weight: int) -> Weight:
    """Return a weight that does not depend on the parameters."""
    return lambda params: weight


def by_symbol(one: int, every: int) -> Weight:
    """Return the weight of an endpoint that answers for one symbol, or for many."""
    return lambda params: one if params.has("symbol") else every


def by_limit(steps: tuple[tuple[int, int], ...], default: int) -> Weight:
    """Return the weight of the first step whose bound the limit does not pass; the last one beyond."""

    def weight(params: Params) -> int:
        text = params.text("limit", str(default))
        limit = int(text) if text.isdigit() else default
        return next((cost for bound, cost in steps if limit <= bound), steps[-1][1])

    return weight


def ping(params: Params) -> dict[str, Any]:
    """Answer `ping`."""
    params.known()
    return {}


def klines(default: int, most: int, symbol: str = "symbol") -> Answer:
    """Return the answer of `klines`; the last row is the open candle, unless the times asked for end before it."""

    def answer(params: Params) -> list[list[Any]]:
        params.known(symbol, "interval", "startTime", "endTime", "limit", "timeZone", "contractType")
        tape = params.tape(symbol)
        timeframe = params.interval(tape)
        start, end = params.span()
        if params.text("timeZone", "0") not in ("0", "00:00", "+00:00", "-00:00"):
            raise ApiError(-1130, "Data sent for parameter 'timeZone' is not valid.")
        unit = params.unit()
        rows = tape.klines(timeframe, start, end, params.limit(default, most))
        return [payloads.kline_row(candle, tape.decimals, unit) for candle in rows]

    return answer


def agg_trades(params: Params) -> list[dict[str, Any]]:
    """Answer `aggTrades`: from an id, of a span of time, or the last ones."""
    params.known("symbol", "fromId", "startTime", "endTime", "limit")
    tape, limit, unit = params.tape(), params.limit(500, 1_000), params.unit()
    start, end = params.span()
    first = params.integer("fromId")
    if first is not None:
        trades = tape.trades_from(first, limit)
    elif start is None and end is None:
        trades = tape.recent_trades(limit)
    else:
        trades = _trades_of_span(params, start, end)
    return payloads.agg_trade_rows(part_of(trades, 0, limit), tape, unit)


def _trades_of_span(params: Params, start: int | None, end: int | None) -> TradeTable:
    """Return the trades of a span; one end alone means an hour, and futures refuses more than a day."""
    begin = (end or 0) - HOUR_MS if start is None else start
    finish = begin + HOUR_MS if end is None else end + 1
    if params.floor.market == "futures" and finish - begin > 24 * HOUR_MS:
        raise ApiError(-4178, "Maximum time interval is 24 hours.")
    return params.tape().trades_between(begin, min(finish, begin + 24 * HOUR_MS))


def recent_trades(params: Params) -> list[dict[str, Any]]:
    """Answer `trades`."""
    params.known("symbol", "limit")
    tape = params.tape()
    return payloads.trade_rows(tape.recent_trades(params.limit(500, 1_000)), tape, params.unit())


def historical_trades(params: Params) -> list[dict[str, Any]]:
    """Answer `historicalTrades`."""
    params.known("symbol", "limit", "fromId")
    tape, limit, first = params.tape(), params.limit(500, 1_000), params.integer("fromId")
    trades = tape.recent_trades(limit) if first is None else tape.trades_from(first, limit)
    return payloads.trade_rows(trades, tape, params.unit())


def price(params: Params) -> Any:
    """Answer `ticker/price`."""
    params.known("symbol", "symbols")
    now = params.floor.clock.now()
    return one_or_all(params, [payloads.price_row(tape, now) for tape in params.tapes()])


def book_ticker(params: Params) -> Any:
    """Answer `ticker/bookTicker`."""
    params.known("symbol", "symbols")
    now = params.floor.clock.now()
    return one_or_all(params, [payloads.book_row(tape, params.floor.book(tape, 1), now) for tape in params.tapes()])


def day(params: Params) -> Any:
    """Answer `ticker/24hr`."""
    params.known("symbol", "symbols", "type")
    unit = params.unit()
    rows = [payloads.day_row(tape, tape.day(), params.floor.book(tape, 1), unit) for tape in params.tapes()]
    return one_or_all(params, rows)


def depth(allowed: tuple[int, ...] | None, most: int, default: int) -> Answer:
    """Return the answer of `depth`; futures allows a few limits only."""

    def answer(params: Params) -> dict[str, Any]:
        params.known("symbol", "limit")
        tape, limit = params.tape(), params.limit(default, most)
        if allowed is not None and limit not in allowed:
            raise ApiError(-4021, f"{limit} is not valid depth limit (must be one of {', '.join(map(str, allowed))})")
        return payloads.depth_row(tape, params.floor.book(tape, limit), params.floor.clock.now())

    return answer


def one_or_all(params: Params, rows: list[Any]) -> Any:
    """Return the only row where one symbol was asked for, else all of them."""
    return rows[0] if params.has("symbol") else rows
