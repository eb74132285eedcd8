"""Answers of REST -> tables and values of ours. Malformed ones raise `DataError`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from trader.core.candle import PRICE_COLUMNS, VALUE_COLUMNS
from trader.core.errors import DataError
from trader.core.events import FundingRate
from trader.core.timeframe import Timeframe
from trader.market.overlay import select
from trader.market.table import CandleTable
from trader.market.trades import TradeTable
from trader.market.validate import NAMES, Fault, check, reason

#: Where a row of klines holds each of our columns.
COLUMNS_AT = dict(zip(VALUE_COLUMNS, (1, 2, 3, 4, 5, 7, 8, 9, 10), strict=True))
KLINE_FIELDS = 12

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
KlineRow = tuple[int, float, float, float, float, float, int, float, int, float, float, Any]


class TradePage(msgspec.Struct, frozen=True, eq=False):
    """A page of aggregate trades, and how many trades each row stands for."""

    trades: TradeTable
    counts: np.ndarray[Any, np.dtype[np.float64]]


class _AggTrade(msgspec.Struct):
    a: int
    p: float
    q: float
    f: int
    l: int  # noqa: E741 - the venue's name
    T: int
    m: bool


class _Funding(msgspec.Struct):
    symbol: str
    fundingTime: int
    fundingRate: float


def kline_rows(answer: object) -> list[KlineRow]:
    """Return the rows of a klines answer with decimals as floats."""
    return _converted(answer, list[KlineRow], "klines")


def candle_table(
    symbol: str, timeframe: Timeframe, rows: Sequence[KlineRow], closed_before_ms: int | None = None
) -> CandleTable:
    """Return the closed candles among `rows`, ascending.

    The venue gives the open candle as its last row. A row is closed when a later one follows it, or when
    `closed_before_ms`, a time that the market is known to have reached, is not before its close. The wall clock is
    never asked: the embedded exchange plays on a time of its own. An impossible row is left out, and said.
    Volume without quote volume means that the venue does not know the optional columns: they become NaN.
    """
    if rows and (closed_before_ms is None or rows[-1][0] + timeframe.ms > closed_before_ms):
        rows = rows[:-1]
    times = np.array([row[0] for row in rows], np.int64)
    columns = {name: np.array([row[at] for row in rows], np.float64) for name, at in COLUMNS_AT.items()}
    if columns["volume"].any() and not columns["quote_volume"].any():
        columns = {name: columns[name] for name in PRICE_COLUMNS}
    table = CandleTable.build(symbol, timeframe, times, **columns)
    return _possible(table)


def _possible(table: CandleTable) -> CandleTable:
    codes = check(table)
    refused = np.flatnonzero(codes)
    if not len(refused):
        return table
    first = int(refused[0])
    name, why = NAMES[Fault(int(codes[first]))], reason(table, first, codes)
    where = f"{table.symbol} {table.timeframe}: {len(refused)} of {len(table)} klines"
    _LOG.warning("%s are impossible and left out; the first at %d: %s, %s", where, table.open_time[first], name, why)
    return select(table, codes == Fault.NONE)


def trade_page(symbol: str, answer: object) -> TradePage:
    """Return a page of aggregate trades."""
    rows = _converted(answer, list[_AggTrade], "aggTrades")
    trades = TradeTable(
        symbol,
        np.array([row.a for row in rows], np.int64),
        np.array([row.T for row in rows], np.int64),
        np.array([row.p for row in rows], np.float64),
        np.array([row.q for row in rows], np.float64),
        np.array([row.m for row in rows], np.bool_),
    )
    return TradePage(trades, np.array([row.l - row.f + 1 for row in rows], np.float64))


def funding_rows(answer: object) -> list[FundingRate]:
    """Return the funding payments of an answer."""
    rows = _converted(answer, list[_Funding], "fundingRate")
    return [FundingRate(row.symbol, row.fundingTime, row.fundingRate) for row in rows]


def server_time(answer: object) -> int:
    """Return the server's time in ms."""
    return _converted(answer, dict[str, int], "time").get("serverTime", -1)


def _converted(answer: object, wanted: type[T], what: str) -> T:
    try:
        return msgspec.convert(answer, wanted, strict=False)
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise DataError(f"malformed answer to {what}: {error}") from error
