"""Which column of a table is what: by its headings, else by the order of Binance's archives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from trader.core.errors import DataError
from trader.market.importing.names import Kind

#: Headings that are read as a field, the surest first; letters and digits count, small.
_TIMES = ("opentime", "fundingtime", "calctime", "transacttime", "unix", "timestamp", "time", "datetime", "date", "ts")
_INDEX = ("indexlevel0", "startime", "starttime", "start", "t")
ALIASES: dict[str, tuple[str, ...]] = {
    "time": _TIMES + _INDEX,
    "open": ("open", "openprice", "o"),
    "high": ("high", "highprice", "h"),
    "low": ("low", "lowprice", "l"),
    "close": ("close", "closeprice", "c"),
    "volume": ("volume", "vol", "basevolume", "v"),
    "close_time": ("closetime",),
    "quote_volume": ("quotevolume", "quoteassetvolume", "qav", "turnover"),
    "count": ("count", "trades", "numberoftrades", "numtrades", "tradecount", "tradescount"),
    "taker_buy_volume": ("takerbuyvolume", "takerbuybasevolume", "takerbuybaseassetvolume", "tbbav"),
    "taker_buy_quote_volume": ("takerbuyquotevolume", "takerbuyquoteassetvolume", "tbqav"),
    "symbol": ("symbol", "coin", "pair", "ticker", "instrument"),
    "timeframe": ("timeframe", "interval", "tf"),
    "id": ("id", "tradeid", "aggtradeid", "aggid", "a"),
    "price": ("price", "p"),
    "quantity": ("quantity", "qty", "amount", "size", "q"),
    "maker": ("isbuyermaker", "buyermaker", "m"),
    "first_id": ("firsttradeid", "firstid", "f"),
    "last_id": ("lasttradeid", "lastid", "l"),
    "rate": ("fundingrate", "lastfundingrate"),
}

_CANDLE = ("time", "open", "high", "low", "close", "volume")
_EXTRAS = ("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume")
_TRADE = ("time", "price", "quantity", "maker")
#: What makes a table one of a kind, and what else of it is read.
_NEEDED: dict[Kind, tuple[str, ...]] = {"candles": _CANDLE, "trades": _TRADE, "funding": ("time", "rate")}
_OPTIONAL: dict[Kind, tuple[str, ...]] = {
    "candles": ("close_time", *_EXTRAS, "symbol", "timeframe"),
    "trades": ("id", "first_id", "last_id", "symbol"),
    "funding": ("symbol",),
}
_CORE: dict[Kind, tuple[str, ...]] = {
    "candles": ("open", "high", "low", "close"),
    "trades": ("price", "quantity"),
    "funding": ("rate",),
}

#: The order of the columns where a file has no headings, by kind and number of columns.
_ARCHIVE = (*_CANDLE, "close_time", *_EXTRAS)
_BARE: dict[Kind, dict[int, tuple[str, ...]]] = {
    "candles": {12: (*_ARCHIVE, "ignore"), 11: _ARCHIVE, 6: _CANDLE},
    "trades": {width: ("id", "price", "quantity", "quote", "time", "maker", "best")[:width] for width in (6, 7)},
    "aggtrades": {
        width: ("id", "price", "quantity", "first_id", "last_id", "time", "maker", "best")[:width] for width in (7, 8)
    },
    "funding": {3: ("time", "hours", "rate")},
}


class Layout(msgspec.Struct, frozen=True):
    """What a table is, and at which position it has each field."""

    kind: Kind
    fields: dict[str, int]


def layout_of(headings: Sequence[str]) -> Layout | None:
    """Return the layout that the headings tell; None when the table is none that we know.

    Raise `DataError` when it looks like one of ours but lacks a column.
    """
    at: dict[str, int] = {}
    for position, heading in enumerate(headings):
        at.setdefault(re.sub(r"[\W_]", "", heading.lower()), position)
    for kind, core in _CORE.items():
        if all(_find(at, name) is not None for name in core):
            return Layout(kind, _fields(kind, at, headings))
    return None


def _fields(kind: Kind, at: Mapping[str, int], headings: Sequence[str]) -> dict[str, int]:
    found = {name: _find(at, name) for name in (*_NEEDED[kind], *_OPTIONAL[kind])}
    for name in _NEEDED[kind]:
        if found[name] is None:
            allowed = ", ".join(ALIASES[name])
            raise DataError(f"no column for {name} among {', '.join(headings)}; read as such: {allowed}")
    return {name: position for name, position in found.items() if position is not None}


def _find(at: Mapping[str, int], name: str) -> int | None:
    return next((at[alias] for alias in ALIASES[name] if alias in at), None)


def bare_layout(kind: Kind | None, width: int) -> Layout:
    """Return the layout of a table without headings; raise `DataError` when its width is that of none."""
    orders = _BARE[kind or "candles"]
    if width not in orders:
        allowed = ", ".join(map(str, sorted(orders)))
        raise DataError(f"{width} columns without headings; read are {allowed} in the order of Binance's archives")
    fields = {name: position for position, name in enumerate(orders[width])}
    known: Kind = "trades" if kind == "aggtrades" else kind or "candles"
    wanted = (*_NEEDED[known], *_OPTIONAL[known])
    return Layout(known, {name: fields[name] for name in wanted if name in fields})
