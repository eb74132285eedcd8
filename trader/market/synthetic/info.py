"""exchangeInfo of the generated market, in Binance's shape for spot and for USD-M futures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from trader.market.synthetic.listing import Listing

SPOT_ORDERS = "LIMIT LIMIT_MAKER MARKET STOP_LOSS STOP_LOSS_LIMIT TAKE_PROFIT TAKE_PROFIT_LIMIT"
FUTURES_ORDERS = "LIMIT MARKET STOP STOP_MARKET TAKE_PROFIT TAKE_PROFIT_MARKET TRAILING_STOP_MARKET"
#: Most of one order, in quote currency at the listed price.
MOST_WORTH, MOST_WORTH_AT_MARKET = 1e8, 1e7


def exchange_info(market: str, listings: Sequence[Listing]) -> dict[str, Any]:
    """Return exchangeInfo of these symbols; `serverTime` is left to who answers."""
    if market == "spot":
        return {
            "timezone": "UTC",
            "rateLimits": [
                _limit("REQUEST_WEIGHT", "MINUTE", 1, 6_000),
                _limit("ORDERS", "SECOND", 10, 100),
                _limit("ORDERS", "DAY", 1, 200_000),
                _limit("RAW_REQUESTS", "MINUTE", 5, 300_000),
            ],
            "exchangeFilters": [],
            "symbols": [_spot(each) for each in listings],
        }
    return {
        "timezone": "UTC",
        "futuresType": "U_MARGINED",
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, 2_400),
            _limit("ORDERS", "MINUTE", 1, 1_200),
            _limit("ORDERS", "SECOND", 10, 300),
        ],
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
            for asset in sorted({each.assets[1] for each in listings})
        ],
        "symbols": [_futures(each) for each in listings],
    }


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _unit(decimals: int) -> str:
    return f"{10**-decimals:.{decimals}f}"


def _highest(each: Listing) -> int:
    return int(10 ** (math.floor(math.log10(each.price)) + 2))


def _most(each: Listing, worth: float) -> int:
    return max(1, round(worth / each.price))


def _spot(each: Listing) -> dict[str, Any]:
    base, quote = each.assets
    return {
        "symbol": each.symbol,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": SPOT_ORDERS.split(),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _spot_filters(each),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
    }


def _spot_filters(each: Listing) -> list[dict[str, Any]]:
    """Spot writes 8 decimals, and 0 for a rule that is off, as the step of market orders is."""
    tick, step = (f"{10**-places:.8f}" for places in (each.price_decimals, each.quantity_decimals))
    off, most = "0.00000000", _most(each, MOST_WORTH_AT_MARKET)
    sides = {name: value for side in ("bid", "ask") for name, value in _multipliers(side).items()}
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": f"{_highest(each)}.00000000", "tickSize": tick},
        {
            "filterType": "LOT_SIZE",
            "minQty": step,
            "maxQty": f"{_most(each, MOST_WORTH)}.00000000",
            "stepSize": step,
        },
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {"filterType": "MARKET_LOT_SIZE", "minQty": off, "maxQty": f"{most}.00000000", "stepSize": off},
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2000,
        },
        {"filterType": "PERCENT_PRICE_BY_SIDE", **sides, "avgPriceMins": 5},
        {
            "filterType": "NOTIONAL",
            "minNotional": f"{each.least_notional}.00000000",
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ]


def _multipliers(side: str) -> dict[str, str]:
    return {f"{side}MultiplierUp": "5", f"{side}MultiplierDown": "0.2"}


def _futures(each: Listing) -> dict[str, Any]:
    base, quote = each.assets
    return {
        "symbol": each.symbol,
        "pair": each.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_569_398_400_000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": base,
        "quoteAsset": quote,
        "marginAsset": quote,
        # As at Binance, precisions are not those of tick and step.
        "pricePrecision": each.price_decimals + 1,
        "quantityPrecision": each.quantity_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "filters": _futures_filters(each),
        "orderTypes": FUTURES_ORDERS.split(),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD", "RPI"],
    }


def _futures_filters(each: Listing) -> list[dict[str, Any]]:
    tick, step = _unit(each.price_decimals), _unit(each.quantity_decimals)
    lots = (("LOT_SIZE", MOST_WORTH), ("MARKET_LOT_SIZE", MOST_WORTH_AT_MARKET))
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": f"{_highest(each)}", "tickSize": tick},
        *(
            {"filterType": name, "minQty": step, "maxQty": f"{_most(each, worth)}", "stepSize": step}
            for name, worth in lots
        ),
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": each.least_notional},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500", "multiplierDecimal": "4"},
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ]
