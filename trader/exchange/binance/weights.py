"""What a request costs of the minute's weight, known before it is sent (binance.md, 4, 5 and 7).

The venue's own figure in the answer corrects what is too low here; unknown paths are taken as dear.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trader.core.settings import Market

#: A path that the tables do not know.
UNKNOWN = 20
#: Requests that count against a limit of their own instead: 500 in 5 min together.
FUNDING_PATHS = ("fundingRate", "fundingInfo")
FUNDING_REQUESTS = 500
FUNDING_WINDOW_S = 300.0
#: Weight per minute until exchangeInfo says otherwise.
LIMITS: dict[Market, int] = {"spot": 6_000, "futures": 2_400}

#: (for one symbol, for all)
Pair = tuple[int, int]

SPOT: dict[str, int | Pair] = {
    **{"ping": 1, "time": 1, "exchangeInfo": 20, "klines": 2, "aggTrades": 4, "avgPrice": 2},
    **{"ticker/price": (2, 4), "ticker/bookTicker": (2, 4), "ticker/24hr": (2, 80)},
    **{"account": 20, "openOrders": (6, 80), "order": 4, "allOrders": 20, "myTrades": 20},
}
FUTURES: dict[str, int | Pair] = {
    **{"ping": 1, "time": 1, "exchangeInfo": 1, "aggTrades": 20, "premiumIndex": (1, 10)},
    **{"ticker/price": (1, 2), "ticker/bookTicker": (2, 5), "ticker/24hr": (1, 40)},
    **{"account": 5, "positionRisk": 5, "balance": 5, "accountConfig": 5, "symbolConfig": 5, "listenKey": 1},
    **{"openOrders": (1, 40), "openAlgoOrders": (1, 40), "allAlgoOrders": 5, "order": 1, "algoOrder": 1},
    **{"userTrades": 5, "income": 30, "leverageBracket": 1, "commissionRate": 20, "countdownCancelAll": 10},
    **{"positionSide/dual": 30},
}
#: Largest `limit` of a step -> weight; the last holds for all above.
DEPTH: dict[Market, tuple[Pair, ...]] = {
    "spot": ((100, 5), (500, 25), (1000, 50), (5000, 250)),
    "futures": ((50, 2), (100, 5), (500, 10), (1000, 20)),
}
FUTURES_KLINES: tuple[Pair, ...] = ((99, 1), (499, 2), (1000, 5), (1500, 10))
#: Rows of one klines request.
KLINES_MAX: dict[Market, int] = {"spot": 1000, "futures": 1500}
#: The page of futures klines that gives the most candles for its weight: 499 for 2.
CHEAPEST_PAGE = 499


def weight_of(market: Market, method: str, path: str, params: Mapping[str, Any]) -> int:
    """Return the weight of a request; `path` is what follows the version, e.g. `ticker/price`."""
    if path in FUNDING_PATHS and market == "futures":
        return 1
    if path == "depth":
        return _step(DEPTH[market], int(params.get("limit", 100 if market == "spot" else 500)))
    if path == "klines" and market == "futures":
        return _step(FUTURES_KLINES, int(params.get("limit", 500)))
    if method != "get":
        return 1
    cost = (SPOT if market == "spot" else FUTURES).get(path, UNKNOWN)
    return cost if isinstance(cost, int) else cost["symbol" not in params]


def kline_page(market: Market, wanted: int) -> int:
    """Return how many klines to ask for when `wanted` are missing.

    Spot costs the same for any number. On futures up to 1000 come in one request; more in the cheapest pages.
    """
    if market == "spot":
        return max(1, min(wanted, KLINES_MAX[market]))
    return max(1, wanted if wanted <= 1000 else CHEAPEST_PAGE)


def _step(steps: tuple[Pair, ...], limit: int) -> int:
    return next((weight for largest, weight in steps if limit <= largest), steps[-1][1])
