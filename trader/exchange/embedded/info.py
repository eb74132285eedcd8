"""exchangeInfo of the symbols that are played: the stored one where there is one, else one from default filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trader.exchange.embedded.accounts.order_count import Window
from trader.market.instruments import listed_symbols

#: Quote assets by which a symbol without exchangeInfo is split.
QUOTES = ("USDT", "FDUSD", "USDC", "TUSD", "BUSD", "TRY", "EUR", "BRL", "BTC", "ETH", "BNB")
SPOT_ORDER_TYPES = [
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]
#: What Binance has on spot and this exchange has not.
LACKING = ("allowTrailingStop", "amendAllowed", "opoAllowed", "pegInstructionsAllowed")
FUTURES_ORDER_TYPES = [
    "LIMIT",
    "MARKET",
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
    "TRAILING_STOP_MARKET",
]


def played_symbols(
    market: str, symbols: tuple[str, ...], stored: dict[str, Any] | None, defaults: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the exchangeInfo entry of each symbol in `symbols`; what is played is trading, whatever was stored."""
    known = listed_symbols(stored)
    make = _spot_entry if market == "spot" else _futures_entry
    entries = {symbol: known[symbol] if symbol in known else make(symbol, defaults) for symbol in symbols}
    return {symbol: _cleaned(dict(entry)) for symbol, entry in entries.items()}


def exchange_info(
    market: str, entries: list[dict[str, Any]], weight_limit: int, orders: Sequence[Window], server_time_ms: int
) -> dict[str, Any]:
    """Return the answer of exchangeInfo with the limits that are in force here; `orders` are those of accounts."""
    head: dict[str, Any] = {"timezone": "UTC", "serverTime": server_time_ms}
    weight = _limit("REQUEST_WEIGHT", "MINUTE", 1, weight_limit)
    counted = [_limit("ORDERS", each.interval, each.number, each.limit) for each in orders]
    if market == "spot":
        limits = [weight, *counted, _limit("RAW_REQUESTS", "MINUTE", 5, 300_000)]
        return head | {"rateLimits": limits, "exchangeFilters": [], "symbols": entries}
    assets = sorted({entry["marginAsset"] for entry in entries})
    return head | {
        "futuresType": "U_MARGINED",
        "rateLimits": [weight, *counted],
        "exchangeFilters": [],
        "assets": [{"asset": asset, "marginAvailable": True, "autoAssetExchange": "-100"} for asset in assets],
        "symbols": entries,
    }


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote asset of a symbol that no exchangeInfo describes.

    >>> split_symbol("ETHBTC"), split_symbol("ODD")
    (('ETH', 'BTC'), ('ODD', 'USDT'))
    """
    for quote in QUOTES:
        if symbol.endswith(quote) and symbol != quote:
            return symbol.removesuffix(quote), quote
    return symbol, "USDT"


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _cleaned(entry: dict[str, Any]) -> dict[str, Any]:
    filters = [{name: value for name, value in each.items() if value is not None} for each in entry["filters"]]
    lacking = {name: False for name in LACKING if name in entry}
    return entry | {"filters": filters, "status": "TRADING"} | lacking


def _price_and_lot(defaults: dict[str, str]) -> list[dict[str, Any]]:
    tick, step, least = defaults["tickSize"], defaults["stepSize"], defaults["minQty"]
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": least, "maxQty": "1000000000", "stepSize": step},
        {"filterType": "MARKET_LOT_SIZE", "minQty": least, "maxQty": "1000000000", "stepSize": step},
    ]


def _spot_entry(symbol: str, defaults: dict[str, str]) -> dict[str, Any]:
    base, quote = split_symbol(symbol)
    notional = {
        "filterType": "NOTIONAL",
        "minNotional": defaults["minNotional"],
        "applyMinToMarket": True,
        "maxNotional": "1000000000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    }
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": SPOT_ORDER_TYPES,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [*_price_and_lot(defaults), notional, {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200}],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _futures_entry(symbol: str, defaults: dict[str, str]) -> dict[str, Any]:
    base, quote = split_symbol(symbol)
    tail = [
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": defaults["minNotional"]},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500", "multiplierDecimal": "4"},
    ]
    return {
        "symbol": symbol,
        "pair": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_569_398_400_000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": base,
        "quoteAsset": quote,
        "marginAsset": quote,
        "pricePrecision": 8,
        "quantityPrecision": 8,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.015000",
        "marketTakeBound": "0.05",
        "filters": [*_price_and_lot(defaults), *tail],
        "orderTypes": FUTURES_ORDER_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }
