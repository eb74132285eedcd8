"""BinanceRest against a venue on a real socket: paging, patience, errors, the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from tests.builders import START_MS, table, walk
from tests.exchange.binance.venues import RestVenue, rest_venue
from trader.core.errors import ConfigError, DataError, RateLimited, Rejected, Unauthorized, Unavailable
from trader.core.events import FundingRate
from trader.core.settings import Market
from trader.core.timeframe import Timeframe
from trader.exchange.binance.client import Patience
from trader.exchange.binance.endpoints import endpoints
from trader.exchange.binance.rest import BinanceRest
from trader.exchange.binance.weights import kline_page, weight_of
from trader.execution.governor import WeightGovernor
from trader.market.table import CandleTable

M1 = Timeframe.MIN_1
END_MS = START_MS + 1_200 * M1.ms
QUICK = Patience(timeout_s=0.4, attempts=4, first_wait_s=0.01, longest_wait_s=0.02)


@asynccontextmanager
async def reading(
    venue: RestVenue, market: Market = "spot", patience: Patience = QUICK
) -> AsyncIterator[tuple[BinanceRest, WeightGovernor]]:
    async with rest_venue(venue):
        gate = WeightGovernor(6_000, 0.2, jitter_s=0.01)
        rest = BinanceRest(
            endpoints("embedded", market, venue.url),
            gate,
            WeightGovernor(500, window_s=300),
            api_key="key",
            api_secret="secret",
            patience=patience,
        )
        async with rest:
            yield rest, gate


def year() -> CandleTable:
    return walk(1_201, seed=1)


def prices(candles: CandleTable) -> dict[str, Any]:
    return {name: getattr(candles, name).tolist() for name in ("open_time", "open", "high", "low", "close", "volume")}


@pytest.mark.parametrize("market", ["spot", "futures"])
async def test_a_span_comes_page_by_page_without_the_open_candle(market: Market) -> None:
    history = year()
    async with reading(RestVenue(history), market) as (rest, _):
        got = await rest.klines("BTCUSDT", M1, START_MS)

    assert prices(got) == prices(history.rows(0, 1_200))


async def test_a_span_in_the_past_ends_where_it_is_told_and_proves_its_last_candle() -> None:
    venue = RestVenue(year())
    async with reading(venue) as (rest, _):
        got = await rest.klines("BTCUSDT", M1, START_MS + M1.ms, START_MS + 11 * M1.ms)

    assert len(got) == 10
    assert [query["limit"] for _, query in venue.asked] == ["11"]


async def test_a_gap_behind_the_span_does_not_cost_its_last_candle() -> None:
    async with reading(RestVenue(table(range(1, 41), without=range(10, 30)))) as (rest, _):
        got = await rest.klines("BTCUSDT", M1, START_MS, START_MS + 10 * M1.ms)

    assert len(got) == 10


async def test_the_newest_candle_comes_when_the_market_is_known_to_have_closed_it() -> None:
    async with reading(RestVenue(table(range(1, 11)))) as (rest, _):
        without = await rest.klines("BTCUSDT", M1, START_MS)
        known = await rest.klines("BTCUSDT", M1, START_MS, closed_before_ms=START_MS + 10 * M1.ms)

    assert (len(without), len(known)) == (9, 10)


async def test_a_limit_takes_the_earliest() -> None:
    async with reading(RestVenue(year())) as (rest, _):
        got = await rest.klines("BTCUSDT", M1, START_MS, limit=7)

    assert got.open_time.tolist() == [START_MS + at * M1.ms for at in range(7)]


@pytest.mark.parametrize(("market", "pages"), [("spot", ["1000", "101"]), ("futures", ["499", "602"])])
async def test_without_a_start_the_latest_come(market: Market, pages: list[str]) -> None:
    venue = RestVenue(year())
    async with reading(venue, market) as (rest, _):
        got = await rest.klines("BTCUSDT", M1, limit=1_100)

    assert got.open_time.tolist() == [START_MS + at * M1.ms for at in range(100, 1_200)]
    assert [query["limit"] for _, query in venue.asked] == pages


async def test_more_than_there_is_gives_what_there_is() -> None:
    async with reading(RestVenue(table(range(1, 11)))) as (rest, _):
        assert len(await rest.klines("BTCUSDT", M1, limit=50)) == 9
        assert len(await rest.klines("BTCUSDT", M1, END_MS)) == 0


async def test_the_latest_before_a_time_end_there() -> None:
    async with reading(RestVenue(year())) as (rest, _):
        got = await rest.klines("BTCUSDT", M1, end_ms=START_MS + 50 * M1.ms, limit=5)

    assert got.open_time.tolist() == [START_MS + at * M1.ms for at in range(45, 50)]


async def test_what_the_venue_does_not_offer_is_an_error_of_settings() -> None:
    async with reading(RestVenue(), "futures") as (rest, _):
        with pytest.raises(ConfigError, match="build them from trades"):
            await rest.klines("BTCUSDT", Timeframe.SEC_15, START_MS)
    async with reading(RestVenue()) as (rest, _):
        with pytest.raises(ConfigError, match="no funding"):
            await rest.funding_rates("BTCUSDT", START_MS, END_MS)


async def test_funding_comes_page_by_page() -> None:
    payments = [(START_MS + at * 60_000, at / 1e6) for at in range(1_500)]
    async with reading(RestVenue(funding=payments), "futures") as (rest, _):
        got = await rest.funding_rates("BTCUSDT", START_MS, START_MS + 1_400 * 60_000)

    assert got == [FundingRate("BTCUSDT", at, rate) for at, rate in payments[:1_400]]


async def test_trades_come_by_time_and_by_id() -> None:
    venue = RestVenue()
    base = {"p": "1.5", "q": "2", "m": False}
    venue.trades = [{**base, "a": at, "f": 2 * at, "l": 2 * at + 1, "T": START_MS + at} for at in range(20)]
    async with reading(venue) as (rest, _):
        by_time = await rest.agg_trades("BTCUSDT", start_ms=START_MS + 5, end_ms=START_MS + 9)
        by_id = await rest.agg_trades("BTCUSDT", from_id=9, limit=3)

    assert by_time.trades.ids.tolist() == [5, 6, 7, 8]
    assert by_id.trades.ids.tolist() == [9, 10, 11]
    assert np.array_equal(by_id.counts, [2.0, 2.0, 2.0])


async def test_the_weight_limit_is_that_of_the_host() -> None:
    async with reading(RestVenue()) as (rest, gate):
        await rest.exchange_info()
        assert gate.limit == 4_321


async def test_the_clock_is_measured() -> None:
    venue = RestVenue()
    venue.server_time_ms = int(time.time() * 1000) + 5_000
    async with reading(venue) as (rest, gate):
        offset = await rest.sync_clock()
        assert await rest.time() == venue.server_time_ms

        assert offset == rest.server_clock_offset == pytest.approx(5_000, abs=200)
        assert gate.offset_s == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize(
    "trouble",
    [
        (503, {}, "Service Unavailable."),
        (500, {}, '{"code":-1000,"msg":"An unknown error occurred"}'),
        (200, {}, "<html>not what you asked for</html>"),
        1.0,
    ],
    ids=["503", "500", "no JSON", "time-out"],
)
async def test_reads_are_repeated_until_they_are_answered(trouble: Any) -> None:
    venue = RestVenue(year())
    venue.script = [trouble, trouble]
    async with reading(venue) as (rest, _):
        assert len(await rest.klines("BTCUSDT", M1, START_MS, limit=3)) == 3

    assert len(venue.asked) == 3


async def test_reads_are_not_repeated_for_ever() -> None:
    venue = RestVenue(year())
    venue.script = [(503, {}, "Service Unavailable.")] * 10
    async with reading(venue) as (rest, _):
        with pytest.raises(Unavailable, match="GET klines: HTTP 503"):
            await rest.klines("BTCUSDT", M1, START_MS, limit=3)

    assert len(venue.asked) == QUICK.attempts


async def test_a_venue_that_is_not_there_is_unavailable() -> None:
    async with reading(RestVenue()) as (rest, _):
        rest.client.API_URL = "http://127.0.0.1:9/api"
        with pytest.raises(Unavailable, match=r"GET time: no answer .*; try again later"):
            await rest.time()


async def test_an_order_is_never_repeated() -> None:
    venue = RestVenue()
    venue.script = [(503, {}, "Unknown error"), (503, {}, "Unknown error")]
    async with reading(venue) as (rest, _):
        with pytest.raises(Unavailable, match="look it up"):
            await rest.client.create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1")

    assert len(venue.asked) == 1


async def test_a_429_is_waited_out_and_the_read_repeated() -> None:
    venue = RestVenue(year())
    venue.script = [(429, {"Retry-After": "1"}, '{"code":-1003,"msg":"Too many requests"}')]
    async with reading(venue) as (rest, _):
        began = time.monotonic()
        await rest.klines("BTCUSDT", M1, START_MS, limit=3)

    assert time.monotonic() - began >= 1.0
    assert len(venue.asked) == 2


async def test_a_ban_is_final_and_nothing_more_is_sent() -> None:
    venue = RestVenue(year())
    venue.script = [(418, {"Retry-After": "600"}, '{"code":-1003,"msg":"IP banned"}')]
    async with reading(venue) as (rest, gate):
        for _ in range(3):
            with pytest.raises(RateLimited) as caught:
                await rest.klines("BTCUSDT", M1, START_MS, limit=3)
            assert caught.value.banned
        assert gate.silent_s == pytest.approx(600, abs=1)

    assert len(venue.asked) == 1


async def test_a_refusal_is_not_repeated() -> None:
    venue = RestVenue()
    venue.script = [
        (400, {}, '{"code":-1121,"msg":"Invalid symbol."}'),
        (401, {}, '{"code":-2015,"msg":"Invalid key"}'),
    ]
    async with reading(venue) as (rest, _):
        with pytest.raises(Rejected, match="Invalid symbol") as caught:
            await rest.klines("NOSUCH", M1, START_MS)
        with pytest.raises(Unauthorized):
            await rest.time()

    assert caught.value.code == -1121
    assert len(venue.asked) == 2


async def test_a_clock_that_is_off_is_measured_once_and_the_request_signed_anew() -> None:
    venue = RestVenue()
    venue.server_time_ms = int(time.time() * 1000) + 60_000
    late = (400, {}, '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}')
    venue.script = [late]
    async with reading(venue) as (rest, _):
        answer = await rest.client.get_account()
        venue.script = [late, 0.0, late]
        with pytest.raises(Rejected):
            await rest.client.get_account()

    assert int(answer["timestamp"]) == pytest.approx(venue.server_time_ms, abs=2_000)
    assert [path for path, _ in venue.asked] == ["account", "time", "account", "account", "time", "account"]


async def test_a_venue_that_answers_with_earlier_rows_is_not_asked_for_ever() -> None:
    class Stuck(RestVenue):
        def _klines(self, query: Any) -> object:
            return super()._klines({"limit": query["limit"], "startTime": "0"})

    async with reading(Stuck(table(range(1, 2_001), start_ms=0))) as (rest, _):
        with pytest.raises(DataError, match="earlier rows"):
            await rest.klines("BTCUSDT", M1, START_MS)


async def test_concurrent_reads_do_not_mix_their_headers() -> None:
    venue = RestVenue(year())
    async with reading(venue) as (rest, gate):
        spans = [(START_MS + at * M1.ms, START_MS + (at + 5) * M1.ms) for at in range(40)]
        tables = await asyncio.gather(*(rest.klines("BTCUSDT", M1, *span) for span in spans))

        assert [int(each.open_time[0]) for each in tables] == [start for start, _ in spans]
        assert gate.used <= 40 * 2 + 40


def test_weights_are_known_before_a_request_is_sent() -> None:
    assert [weight_of("futures", "get", "klines", {"limit": limit}) for limit in (99, 100, 499, 500, 1_000, 1_500)] == [
        *(1, 2, 2, 5, 5, 10)
    ]
    assert weight_of("spot", "get", "klines", {"limit": 1_000}) == 2
    assert weight_of("spot", "get", "exchangeInfo", {}) == 20
    assert weight_of("futures", "get", "openOrders", {}) == 40
    assert weight_of("futures", "get", "openOrders", {"symbol": "BTCUSDT"}) == 1
    assert weight_of("spot", "post", "order", {}) == 1
    assert weight_of("spot", "get", "depth", {"limit": 1_000}) == 50
    assert weight_of("spot", "get", "something/new", {}) == 20


def test_pages_are_the_cheapest_for_what_is_wanted() -> None:
    assert [kline_page("futures", wanted) for wanted in (0, 50, 499, 800, 1_000, 1_001, 10**6)] == [
        *(1, 50, 499, 800, 1_000, 499, 499)
    ]
    assert [kline_page("spot", wanted) for wanted in (50, 1_000, 1_001)] == [50, 1_000, 1_000]
