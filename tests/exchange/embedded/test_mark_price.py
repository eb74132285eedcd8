"""The mark-price stream: it announces the payment that `fundingRate` shows once it has fallen due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp

from tests.builders import START_MS
from tests.exchange.embedded.conftest import PLAY_MS, Opener
from tests.exchange.embedded.test_play import until_the_end
from tests.exchange.embedded.wires import get
from trader.core.timeframe import HOUR_MS, MINUTE_MS
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import MAX_SPEED
from trader.exchange.embedded.streams import Kind, Stream, parse_stream

Connect = Callable[[EmbeddedExchange], aiohttp.ClientSession]
END_MS = START_MS + 3_000 * MINUTE_MS


async def played(exchange: EmbeddedExchange, http: aiohttp.ClientSession, *streams: str) -> list[dict[str, Any]]:
    """Return all events of a play."""
    async with http.ws_connect(f"/market/stream?streams={'/'.join(streams)}/!play") as socket:
        exchange.play.start()
        *events, _ = await until_the_end(socket)
        return events


async def test_what_is_announced_before_a_payment_is_what_the_history_shows(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED)
    http = session(exchange)
    events = await played(exchange, http, "btcusdt@markPrice@1s")
    announced = {event["T"]: event["r"] for event in events if event["E"] < event["T"]}
    assert all(event["E"] < event["T"] for event in events)
    _, rows, _ = await get(http, "/fapi/v1/fundingRate", symbol="BTCUSDT", startTime=PLAY_MS)
    assert {row["fundingTime"]: row["fundingRate"] for row in rows} == {
        time: rate for time, rate in announced.items() if time <= END_MS
    }
    assert list(announced) == [START_MS + hours * HOUR_MS for hours in (24, 32, 40, 48, 56)]


async def test_at_full_speed_it_speaks_once_a_minute_behind_the_candles(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED)
    events = await played(exchange, session(exchange), "btcusdt@markPrice@1s", "btcusdt@kline_1m")
    kinds = [event["e"] for event in events]
    assert kinds == ["kline", "markPriceUpdate"] * (len(kinds) // 2)
    marks = [event["E"] for event in events[1::2]]
    assert marks == list(range(PLAY_MS + MINUTE_MS, END_MS + 1, MINUTE_MS))


async def test_a_contract_without_funding_announces_none(opened: Opener, session: Connect) -> None:
    exchange = await opened(speed=MAX_SPEED)
    events = await played(exchange, session(exchange), "ethusdt@markPrice@1s")
    assert {(event["r"], event["T"]) for event in events} == {("", 0)}


async def test_the_premium_index_says_the_same(opened: Opener, session: Connect) -> None:
    http = session(await opened())
    _, row, _ = await get(http, "/fapi/v1/premiumIndex", symbol="BTCUSDT")
    assert (row["lastFundingRate"], row["nextFundingTime"]) == ("0.00040000", START_MS + 24 * HOUR_MS)


def test_it_comes_every_second_or_every_three() -> None:
    assert parse_stream("btcusdt@markPrice@1s") == Stream(Kind.MARK_PRICE, "BTCUSDT", quick=True)
    assert parse_stream("btcusdt@markPrice") == Stream(Kind.MARK_PRICE, "BTCUSDT")
    assert parse_stream("btcusdt@markPrice@3s") is None
