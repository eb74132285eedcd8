"""Repairs on a venue whose REST lags behind its streams: nothing is taken for closed, or for absent, too early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.builders import M1, START_MS, candle, table
from tests.engine.live.rigs import until
from tests.exchange.binance.venues import RestVenue, rest_venue
from trader.core.timeframe import MINUTE_MS
from trader.engine.live.feed import KlineFeed
from trader.engine.live.instants import InstantAssembler
from trader.engine.live.repair import Repairer
from trader.exchange.binance.endpoints import endpoints
from trader.exchange.binance.rest import BinanceRest
from trader.execution.governor import WeightGovernor
from trader.market.table import CandleTable

EXITS = {"BTCUSDT": M1}


class Bench:
    """An assembler with its repairer; `known_ms` is how far REST is known to know everything."""

    def __init__(self, rest: BinanceRest, feed: Any) -> None:
        self.known_ms = 0
        self.assembler = InstantAssembler(EXITS, [("BTCUSDT", M1)], START_MS, 600.0)
        self.repairer = Repairer(self.assembler, {"BTCUSDT": feed}, rest, lambda: self.known_ms, lambda: None, 1)

    def settled(self) -> int:
        return (self.assembler.settled("BTCUSDT") - START_MS) // MINUTE_MS


@asynccontextmanager
async def bench(venue: RestVenue, feed: Any = None) -> AsyncIterator[Bench]:
    async with rest_venue(venue):
        gates = WeightGovernor(6_000), WeightGovernor(500)
        async with BinanceRest(endpoints("embedded", "spot", venue.url), *gates) as rest:
            made = Bench(rest, feed or KlineFeed("spot", "BTCUSDT", M1))
            yield made
            await made.repairer.stop()


async def test_the_last_row_may_not_be_final_and_waits_until_a_later_one_is_there() -> None:
    venue = RestVenue(table([10.0, 11.0]))
    async with bench(venue) as made:
        made.repairer.want("BTCUSDT", START_MS + 2 * MINUTE_MS)
        await until(lambda: made.settled() == 1)
        assert made.repairer.busy
        venue.table = table([10.0, 12.0, 13.0])
        await until(lambda: not made.repairer.busy)
        instants = [made.assembler.next(0.0), made.assembler.next(0.0)]
        assert [instant.candles[0].close for instant in instants if instant] == [10.0, 12.0]


async def test_a_candle_is_absent_only_once_rest_must_know() -> None:
    venue = RestVenue(table([10.0, 11.0, 12.0, 13.0], without=[1]))
    async with bench(venue) as made:
        made.repairer.want("BTCUSDT", START_MS + 3 * MINUTE_MS)
        await until(lambda: len(venue.asked) >= 2)  # the first answer has been judged
        assert made.settled() == 1
        assert made.assembler.counters.absent == 0
        made.known_ms = START_MS + 3 * MINUTE_MS
        await until(lambda: not made.repairer.busy)
        assert made.settled() == 3
        assert made.assembler.counters.absent == 1


async def test_a_candle_that_the_stream_brings_meanwhile_is_no_contradiction() -> None:
    venue = RestVenue(table([10.0, 11.0, 12.0]))
    venue.script = [0.1]
    async with bench(venue) as made:
        made.known_ms = START_MS + 2 * MINUTE_MS
        made.repairer.want("BTCUSDT", START_MS + 2 * MINUTE_MS)
        await until(lambda: venue.asked)
        made.assembler.push(candle(10.0, at=0, quote_volume=1.5, count=3, taker_buy_volume=0, taker_buy_quote_volume=0))
        await until(lambda: not made.repairer.busy)
        counters = made.assembler.counters
        assert (counters.candles, counters.duplicates, counters.contradictions) == (2, 1, 0)
        assert made.repairer.repaired == 1


async def test_what_is_wanted_twice_or_has_come_is_asked_for_once_or_not_at_all() -> None:
    venue = RestVenue(table([10.0, 11.0, 12.0]))
    async with bench(venue) as made:
        made.known_ms = START_MS + 2 * MINUTE_MS
        made.repairer.want("BTCUSDT", START_MS + 2 * MINUTE_MS)
        made.repairer.want("BTCUSDT", START_MS + 2 * MINUTE_MS)
        await until(lambda: not made.repairer.busy)
        assert len(venue.asked) == 1
        made.repairer.want("BTCUSDT", START_MS + 3 * MINUTE_MS - 1)
        assert not made.repairer.busy


class BrokenFeed:
    """A feed with a fault that nobody foresaw."""

    base = M1

    async def fetch(self, rest: BinanceRest, start_ms: int, end_ms: int, closed_before_ms: int | None) -> CandleTable:
        raise ZeroDivisionError("a fault of this program")


async def test_what_nobody_foresaw_is_told_and_not_lost() -> None:
    async with bench(RestVenue(), BrokenFeed()) as made:
        made.repairer.want("BTCUSDT", START_MS + 2 * MINUTE_MS)
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(5):
                await made.repairer.failure
