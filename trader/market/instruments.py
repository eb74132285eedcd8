"""The trading filters of coins: from the stored exchangeInfo, else `DEFAULT_FILTERS`; on futures their brackets too.

Backtest, daemon and embedded exchange read them here, so they round alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trader.core.brackets import Brackets
from trader.core.errors import ConfigError, DataError
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.market.brackets import brackets_of
from trader.market.store import LEVERAGE_BRACKETS, Store


def instruments(store: Store, settings: Settings, symbols: Iterable[str]) -> tuple[dict[str, Instrument], list[str]]:
    """Return the instrument of each of `symbols` on `settings.MARKET`, and those that trade by `DEFAULT_FILTERS`.

    On futures each has the leverage brackets that are stored of it. Raise `DataError` when the stored exchangeInfo or
    brackets are broken.
    """
    listed = listed_symbols(store.exchange_info(settings.MARKET))
    defaults = settings.DEFAULT_FILTERS.model_dump()
    wanted = list(symbols)
    brackets = _brackets(store, settings)
    found = {symbol: _instrument(symbol, listed.get(symbol), defaults, brackets.get(symbol, ())) for symbol in wanted}
    return found, [symbol for symbol in wanted if symbol not in listed]


def _brackets(store: Store, settings: Settings) -> dict[str, Brackets]:
    if settings.MARKET != "futures":
        return {}
    entries = store.leverage_brackets("futures")
    return {symbol: brackets_of(entry, LEVERAGE_BRACKETS) for symbol, entry in entries.items()}


def listed_symbols(info: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    """Return the entries of an exchangeInfo that have filters, by symbol; none without exchangeInfo."""
    entries = (info or {}).get("symbols") or []
    return {entry["symbol"]: entry for entry in entries if entry.get("symbol") and entry.get("filters")}


def filters_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return `tickSize`, `stepSize`, `minQty`, `minNotional` of one symbol's entry, spot or USD-M, as decimal strings.

    A filter that the exchange does not set is "0": it has no such rule. Raise `DataError` when the filters cannot
    be understood.
    """
    try:
        by_type = {rule["filterType"]: rule for rule in entry["filters"]}
        price, lot = by_type.get("PRICE_FILTER", {}), by_type.get("LOT_SIZE", {})
        notional = by_type.get("NOTIONAL") or by_type.get("MIN_NOTIONAL") or {}
    except (KeyError, TypeError) as error:
        raise DataError(f"filters of {entry.get('symbol')} in exchangeInfo cannot be understood: {error!r}") from error
    return {
        "tickSize": str(price.get("tickSize") or "0"),
        "stepSize": str(lot.get("stepSize") or "0"),
        "minQty": str(lot.get("minQty") or "0"),
        "minNotional": str(notional.get("minNotional") or notional.get("notional") or "0"),
    }


def _instrument(
    symbol: str, entry: Mapping[str, Any] | None, defaults: dict[str, str], brackets: Brackets
) -> Instrument:
    if entry is None:
        return Instrument.from_filters(symbol, defaults, brackets)
    filters = filters_of(entry)
    try:
        return Instrument.from_filters(symbol, filters, brackets)
    except (ArithmeticError, ValueError, ConfigError) as error:
        raise DataError(f"filters of {symbol} in exchangeInfo are no decimals: {filters}") from error
