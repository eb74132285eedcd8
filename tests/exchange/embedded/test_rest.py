"""REST as it is on the wire: refusals, weights, headers, shapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.builders import START_MS
from tests.exchange.embedded.conftest import PLAY_MS, Opener
from tests.exchange.embedded.sources import TableSource, coin
from tests.exchange.embedded.wires import get
from tests.shared import shared_path
from trader.core.timeframe import HOUR_MS, MINUTE_MS
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import Limits, PerMarket

Connect = Callable[[EmbeddedExchange], aiohttp.ClientSession]

REFUSALS = [
    ("/api/v3/klines", {"interval": "1m"}, -1102),
    ("/api/v3/klines", {"symbol": "BTCUSDT"}, -1102),
    ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
    ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1s"}, -1120),
    ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1s"}, -1120),
    ("/api/v3/klines", {"symbol": "NOSUCH", "interval": "1m"}, -1121),
    ("/api/v3/klines", {"symbol": "btcusdt", "interval": "1m"}, -1100),
    ("/fapi/v1/klines", {"symbol": "btcusdt", "interval": "1m"}, -1121),
    ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "x"}, -1100),
    ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": ""}, -1105),
    ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "0"}, -1130),
    ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m", "start_time": "1"}, -1104),
    ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1d", "timeZone": "8"}, -1130),
    ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "1501"}, -1130),
    ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "startTime": "2", "endTime": "1"}, -1023),
    ("/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": "7"}, -4021),
    ("/api/v3/ticker/price", {"symbols": "BTCUSDT"}, -1100),
    ("/api/v3/ticker/price", {"symbol": "BTCUSDT", "symbols": '["ETHUSDT"]'}, -1128),
    ("/api/v3/ticker/price", {"symbols": '["ETHUSDT","ETHUSDT"]'}, -1151),
    ("/fapi/v1/aggTrades", {"symbol": "BTCUSDT", "startTime": "1", "endTime": str(10**12)}, -4178),
]


async def test_refusals_have_binances_codes(opened: Opener, session: Connect) -> None:
    http = session(await opened())
    for path, params, code in REFUSALS:
        status, body, _ = await get(http, path, **params)
        assert (status, body["code"]) == (400, code), (path, params, body)
        assert body.keys() == {"code", "msg"}


async def test_what_is_not_there_is_404(opened: Opener, session: Connect) -> None:
    http = session(await opened())
    for path in ("/api/v3/sor/order", "/sapi/v1/system/status", "/ws-api/v1"):
        assert (await get(http, path))[0] == 404
    async with http.post("/api/v3/klines") as answer:
        assert answer.status == 404


async def test_spot_cuts_a_limit_that_is_too_high(opened: Opener, session: Connect) -> None:
    http = session(await opened(start=START_MS + 2_000 * MINUTE_MS))
    _, rows, _ = await get(http, "/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=5_000)
    assert len(rows) == 1_000


async def test_each_market_counts_its_own_weights(opened: Opener, session: Connect) -> None:
    http = session(await opened(limits=Limits(window_s=10_000.0)))
    _, _, first = await get(http, "/api/v3/klines", symbol="BTCUSDT", interval="1m")
    _, _, second = await get(http, "/api/v3/exchangeInfo")
    assert (first["X-MBX-USED-WEIGHT-1M"], second["X-MBX-USED-WEIGHT-1M"]) == ("2", "22")
    used = [
        (await get(http, "/fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit=limit))[2]["X-MBX-USED-WEIGHT-1M"]
        for limit in (99, 499, 500, 1_000, 1_500)
    ]
    assert used == ["1", "3", "8", "13", "23"]
    _, _, funding = await get(http, "/fapi/v1/fundingRate")
    assert "X-MBX-USED-WEIGHT-1M" not in funding


async def test_too_much_weight_is_429_then_418(opened: Opener, session: Connect) -> None:
    limits = Limits(weight=PerMarket(5, 5), window_s=10_000.0, ban_after=2, ban_s=7.0)
    http = session(await opened(limits=limits))
    answers = [await get(http, "/api/v3/ping") for _ in range(8)]
    assert [status for status, _, _ in answers] == [200] * 5 + [429] * 2 + [418]
    assert answers[5][1]["code"] == -1003
    assert 0 < int(answers[5][2]["RETRY-AFTER"]) <= 10_000
    assert answers[7][2]["RETRY-AFTER"] == "7"
    assert (await get(http, "/fapi/v1/ping"))[0] == 200


async def test_funding_has_a_budget_of_its_own(opened: Opener, session: Connect) -> None:
    http = session(await opened(limits=Limits(funding_requests=2, funding_window_s=10_000.0)))
    statuses = [(await get(http, "/fapi/v1/fundingRate"))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert (await get(http, "/fapi/v1/ping"))[0] == 200


async def test_microseconds_exist_on_spot_only(opened: Opener, session: Connect) -> None:
    http = session(await opened())
    wanted = {"symbol": "BTCUSDT", "interval": "1m", "limit": "1"}
    for path, unit in (("/api/v3/klines", 1_000), ("/fapi/v1/klines", 1)):
        async with http.get(path, params=wanted, headers={"X-MBX-TIME-UNIT": "MICROSECOND"}) as answer:
            (row,) = await answer.json()
        assert row[0] == PLAY_MS * unit
        assert row[6] == (PLAY_MS + MINUTE_MS) * unit - 1
    async with http.get("/api/v3/time", headers={"X-MBX-TIME-UNIT": "YEAR"}) as answer:
        assert (await answer.json())["code"] == -1194


async def test_stored_prices_finer_than_the_tick_are_not_rounded(opened: Opener, session: Connect) -> None:
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "1000000", "tickSize": "0.1"},
        {"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "1000", "stepSize": "1"},
    ]
    info = {"symbols": [{"symbol": "BTCUSDT", "marginAsset": "USDT", "filters": filters}]}
    whole = coin("BTCUSDT", 2_000)
    http = session(await opened(TableSource({"futures": [whole]}, {"futures": info})))
    _, rows, _ = await get(http, "/fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit=100)
    expected = whole.between(PLAY_MS - 99 * MINUTE_MS, PLAY_MS)
    assert [float(row[4]) for row in rows[:-1]] == expected.close.tolist()
    assert [float(row[7]) for row in rows[:-1]] == expected.quote_volume.tolist()
    assert "." in rows[0][1]


async def test_funding_pages_from_a_start_or_from_the_end(opened: Opener, session: Connect) -> None:
    http = session(await opened())
    _, last, _ = await get(http, "/fapi/v1/fundingRate", symbol="BTCUSDT", limit=2)
    _, first, _ = await get(http, "/fapi/v1/fundingRate", symbol="BTCUSDT", startTime=START_MS + 1, limit=1)
    assert [row["fundingTime"] - START_MS for row in last] == [8 * HOUR_MS, 16 * HOUR_MS]
    assert [row["fundingTime"] - START_MS for row in first] == [8 * HOUR_MS]
    _, info, _ = await get(http, "/fapi/v1/fundingInfo")
    assert info[0]["fundingIntervalHours"] == 8


async def test_coins_that_have_not_begun_are_not_among_all(opened: Opener, session: Connect) -> None:
    late = coin("NEWUSDT", 100, start=PLAY_MS + HOUR_MS)
    http = session(await opened(TableSource({"spot": [coin("BTCUSDT", 2_000), late]})))
    _, rows, _ = await get(http, "/api/v3/ticker/price")
    assert [row["symbol"] for row in rows] == ["BTCUSDT"]
    assert (await get(http, "/api/v3/klines", symbol="NEWUSDT", interval="1m"))[1] == []


SHAPES = [
    ("py/http_responses/http_spot_market_klines.json", "/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m"}),
    ("py/http_responses/http_spot_market_agg_trades.json", "/api/v3/aggTrades", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_spot_market_trades.json", "/api/v3/trades", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_spot_market_depth.json", "/api/v3/depth", {"symbol": "BTCUSDT"}),
    ("rs/spot/http_json/ticker_24hr_response.json", "/api/v3/ticker/24hr", {"symbol": "BTCUSDT"}),
    ("rs/spot/http_json/avg_price_response.json", "/api/v3/avgPrice", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_spot_market_ticker_price.json", "/api/v3/ticker/price", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_spot_market_book_ticker.json", "/api/v3/ticker/bookTicker", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_spot_market_time.json", "/api/v3/time", {}),
    ("py/http_responses/http_futures_market_klines.json", "/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m"}),
    ("py/http_responses/http_futures_market_agg_trades.json", "/fapi/v1/aggTrades", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_futures_market_trades.json", "/fapi/v1/trades", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_futures_market_depth.json", "/fapi/v1/depth", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_futures_market_ticker_24hr.json", "/fapi/v1/ticker/24hr", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_futures_market_ticker_price.json", "/fapi/v1/ticker/price", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_futures_market_book_ticker.json", "/fapi/v1/ticker/bookTicker", {"symbol": "BTCUSDT"}),
    ("py/http_responses/http_futures_market_premium_index.json", "/fapi/v1/premiumIndex", {"symbol": "BTCUSDT"}),
]


def shape(value: Any) -> Any:
    """Return the types of a JSON value, of a list those of its first element."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value and isinstance(value[0], dict | list) else [shape(each) for each in value]
    return type(value).__name__


async def test_answers_have_the_shape_of_recorded_ones(opened: Opener, session: Connect) -> None:
    folder = shared_path("data", "recorded", "messages")
    http = session(await opened())
    for file, path, params in SHAPES:
        recorded = shape(json.loads((folder / file).read_text()))
        _, body, _ = await get(http, path, **params)
        got = shape(body)
        if "klines" in path:
            recorded[0][-1] = "str"
        assert got == recorded, path
