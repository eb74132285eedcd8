"""The names of streams, and which of them a route serves."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from trader.core.timeframe import Timeframe
from trader.exchange.embedded.params import INTERVALS

#: The stream of the play itself, on every route; not Binance's.
PLAY_STREAM = "!play"
NAME = re.compile(r"(?:!\w[\w@]*|[\w.-]+@\w[\w@+:-]*)")


class Route(StrEnum):
    """The doors: spot has one, USD-M one for what is traded and one for the book."""

    SPOT = "spot"
    MARKET = "market"
    PUBLIC = "public"

    @property
    def market(self) -> str:
        """The market behind the door."""
        return "spot" if self is Route.SPOT else "futures"


class Kind(StrEnum):
    """The kinds of streams that are played."""

    AGG_TRADE = "aggTrade"
    BOOK_TICKER = "bookTicker"
    KLINE = "kline"
    CONTINUOUS_KLINE = "continuousKline"
    MINI_TICKER = "miniTicker"
    MARK_PRICE = "markPrice"


#: Elsewhere they are acknowledged, and nothing arrives (binance.md, section 1).
SERVED = {
    Route.SPOT: {Kind.AGG_TRADE, Kind.BOOK_TICKER, Kind.KLINE, Kind.MINI_TICKER},
    Route.MARKET: {Kind.AGG_TRADE, Kind.KLINE, Kind.CONTINUOUS_KLINE, Kind.MINI_TICKER, Kind.MARK_PRICE},
    Route.PUBLIC: {Kind.BOOK_TICKER},
}


class Stream(msgspec.Struct, frozen=True):
    """What a name asks for; `timeframe` of klines only. `quick`: the mark price every second, not every three."""

    kind: Kind
    symbol: str
    timeframe: Timeframe | None = None
    quick: bool = False


def well_formed(name: str) -> bool:
    """Tell whether Binance would take `name` for a stream at all, known or not."""
    return NAME.fullmatch(name) is not None


def parse_stream(name: str) -> Stream | None:
    """Return what `name` asks for, None where that is not played; symbols are lower case.

    >>> parse_stream("btcusdt@kline_1m")
    Stream(kind=<Kind.KLINE: 'kline'>, symbol='BTCUSDT', timeframe=<Timeframe.MIN_1: '1min'>, quick=False)
    """
    left, _, right = name.partition("@")
    if left != left.lower():
        return None
    head, _, interval = right.partition("_")
    if head == Kind.KLINE and interval in INTERVALS:
        return Stream(Kind.KLINE, left.upper(), INTERVALS[interval])
    if head == Kind.CONTINUOUS_KLINE and interval in INTERVALS and left.endswith("_perpetual"):
        return Stream(Kind.CONTINUOUS_KLINE, left.removesuffix("_perpetual").upper(), INTERVALS[interval])
    if right == f"{Kind.MARK_PRICE}@1s":
        return Stream(Kind.MARK_PRICE, left.upper(), quick=True)
    simple = {Kind.AGG_TRADE, Kind.BOOK_TICKER, Kind.MINI_TICKER, Kind.MARK_PRICE}
    return Stream(Kind(right), left.upper()) if right in simple else None
