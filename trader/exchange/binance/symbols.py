"""What exchangeInfo says of a market: its symbols with their filters, and its limit of request weight."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from trader.core.errors import ConfigError, DataError
from trader.core.instrument import Instrument

#: Filter -> (its field, our field). Spot has NOTIONAL or the older MIN_NOTIONAL; futures MIN_NOTIONAL has `notional`.
FIELDS = {
    "PRICE_FILTER": (("tickSize", "tickSize"),),
    "LOT_SIZE": (("stepSize", "stepSize"), ("minQty", "minQty")),
    "NOTIONAL": (("minNotional", "minNotional"),),
    "MIN_NOTIONAL": (("minNotional", "minNotional"), ("notional", "minNotional")),
}
NO_FILTERS = {"tickSize": "0", "stepSize": "0", "minQty": "0", "minNotional": "0"}


class SymbolInfo(msgspec.Struct, frozen=True):
    """One symbol: `filters` as `Instrument.from_filters` takes them; 0 where the venue sets none."""

    symbol: str
    status: str
    base: str
    quote: str
    contract: str
    filters: dict[str, str]

    @property
    def trading(self) -> bool:
        """Whether orders are taken now; of futures, perpetual contracts only."""
        return self.status == "TRADING" and self.contract in ("", "PERPETUAL")

    @property
    def instrument(self) -> Instrument:
        """The filters, ready to round with."""
        return Instrument.from_filters(self.symbol, self.filters)


class _Symbol(msgspec.Struct):
    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    filters: list[dict[str, Any]]
    contractType: str = ""


class _Limit(msgspec.Struct):
    rateLimitType: str
    interval: str
    intervalNum: int
    limit: int


class _Info(msgspec.Struct):
    symbols: list[_Symbol]
    rateLimits: list[_Limit] = []


class MarketInfo(msgspec.Struct, frozen=True):
    """A market's symbols by name, and the weight per minute that it allows (None when it does not say)."""

    symbols: dict[str, SymbolInfo]
    weight_limit: int | None

    def require(self, symbol: str) -> SymbolInfo:
        """Return `symbol`; raise `ConfigError` with the nearest names when the venue does not list it."""
        if symbol in self.symbols:
            return self.symbols[symbol]
        near = get_close_matches(symbol.upper(), self.symbols, n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise ConfigError(f"coin {symbol!r} is unknown to the exchange ({len(self.symbols)} symbols){hint}")


def market_info(answer: object) -> MarketInfo:
    """Return what an exchangeInfo answer says."""
    try:
        info = msgspec.convert(answer, _Info)
    except msgspec.MsgspecError as error:
        raise DataError(f"malformed exchangeInfo: {error}") from error
    return MarketInfo({each.symbol: _symbol(each) for each in info.symbols}, _weight_limit(info.rateLimits))


def _symbol(symbol: _Symbol) -> SymbolInfo:
    filters = dict(NO_FILTERS)
    for each in symbol.filters:
        filters |= _fields(each)
    contract = symbol.contractType
    return SymbolInfo(symbol.symbol, symbol.status, symbol.baseAsset, symbol.quoteAsset, contract, filters)


def _fields(entry: Mapping[str, Any]) -> dict[str, str]:
    wanted = FIELDS.get(entry.get("filterType", ""), ())
    return {ours: str(entry[theirs]) for theirs, ours in wanted if entry.get(theirs) is not None}


def _weight_limit(limits: list[_Limit]) -> int | None:
    for each in limits:
        if (each.rateLimitType, each.interval, each.intervalNum) == ("REQUEST_WEIGHT", "MINUTE", 1):
            return each.limit
    return None
