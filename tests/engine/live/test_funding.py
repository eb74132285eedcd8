"""Funding is paid when it falls due: as the stream announced it, as REST confirms it, or as REST tells it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import START_MS
from tests.engine.live.rigs import BEGIN, Listener, daemon, until
from tests.exchange.binance.venues import RestVenue, rest_venue
from tests.exchange.embedded.sources import TableSource, coin
from trader.core.events import FundingRate
from trader.core.timeframe import HOUR_MS, MINUTE_MS
from trader.engine.live.announced import KEPT, Announcements
from trader.engine.live.funding import FundingWatch
from trader.exchange.binance.endpoints import endpoints
from trader.exchange.binance.messages import MarkPrice
from trader.exchange.binance.rest import BinanceRest
from trader.execution.governor import WeightGovernor
from trader.trading.notes import FundingPaid

DUE = START_MS + 8 * HOUR_MS
RATE = FundingRate("BTCUSDT", DUE, 0.0001)


def mark(at_ms: int, rate: float = 0.0001, due_ms: int = DUE, symbol: str = "BTCUSDT") -> MarkPrice:
    """Return a message of the mark-price stream."""
    return MarkPrice(f"{symbol.lower()}@markPrice@1s", at_ms, symbol, 100.0, 100.0, rate, due_ms)


def heard(*messages: MarkPrice) -> Announcements:
    """Return what was announced."""
    announced = Announcements()
    for message in messages:
        announced.hear(message)
    return announced


def test_the_last_word_before_a_payment_is_its_rate() -> None:
    after = mark(DUE + 1, 0.0009, DUE + 8 * HOUR_MS)
    announced = heard(mark(DUE - 2_000, 0.0003), mark(DUE - 1_000), mark(DUE - 1_500, 0.0004), after)
    assert announced.told("BTCUSDT", DUE - MINUTE_MS + 1, DUE) == [RATE]
    assert announced.told("BTCUSDT", DUE + 1, DUE + MINUTE_MS) == []


def test_an_hour_without_payment_is_told_as_well() -> None:
    hour = DUE - HOUR_MS
    assert heard(mark(hour - 1_000)).told("BTCUSDT", hour - MINUTE_MS + 1, hour) == []
    assert heard(mark(hour - 1_000), mark(DUE - 1_000)).told("BTCUSDT", hour - MINUTE_MS, DUE) == [RATE]


def test_a_word_counts_from_ten_seconds_before_the_hour() -> None:
    assert heard(mark(DUE - 10_000)).told("BTCUSDT", DUE, DUE) == [RATE]
    assert heard(mark(DUE - 10_001)).told("BTCUSDT", DUE, DUE) is None


@pytest.mark.parametrize(
    "word",
    [
        mark(DUE, 0.0001),  # no word from before it
        mark(DUE - 1_000, symbol="ETHUSDT"),
        mark(DUE - 1_000, float("nan"), 0),
        mark(DUE - 1_000, float("nan")),
        mark(DUE - 1_000, 0.0001, DUE - HOUR_MS),  # of a payment that is over
    ],
)
def test_what_says_nothing_of_the_hour_leaves_it_to_rest(word: MarkPrice) -> None:
    assert heard(word).told("BTCUSDT", DUE, DUE) is None


def test_one_hour_in_silence_leaves_the_whole_span_to_rest() -> None:
    assert heard(mark(DUE - 1_000)).told("BTCUSDT", DUE - HOUR_MS, DUE) is None


def test_what_is_remembered_does_not_grow() -> None:
    announced = Announcements()
    for hour in range(3 * KEPT):
        announced.hear(mark(START_MS + hour * HOUR_MS, due_ms=2**50))
    assert announced.told("BTCUSDT", START_MS + HOUR_MS, START_MS + HOUR_MS) is None
    assert len(announced._words["BTCUSDT"]) == KEPT


@asynccontextmanager
async def watch(
    venue: RestVenue,
    asked_ms: int = START_MS,
    wait_s: float = 2.0,
    late: bool = False,
    words: Iterable[MarkPrice] = (),
) -> AsyncIterator[FundingWatch]:
    """Watch the funding of a venue, whose stream has said `words`."""
    async with rest_venue(venue):
        gates = WeightGovernor(2_400), WeightGovernor(500, window_s=300.0)
        async with BinanceRest(endpoints("embedded", "futures", venue.url), *gates) as rest:
            watching = FundingWatch(rest, heard(*words), asked_ms, wait_s, late, looks_s=(0.05, 0.05))
            yield watching
            await watching.stop()


async def test_what_the_stream_announced_is_told_at_once_and_confirmed_by_rest() -> None:
    venue = RestVenue(funding=[(DUE + 3, 0.0001)])
    venue.script = [0.2]
    async with watch(venue, DUE - MINUTE_MS, words=[mark(DUE - 1_000)]) as funds:
        assert await funds.due(DUE, ["BTCUSDT"]) == (RATE,)
        assert venue.used == 0
        await until(lambda: not funds.busy)
        assert venue.used == 1
        assert await funds.due(DUE + MINUTE_MS, ["BTCUSDT"]) == ()


async def test_a_rate_that_the_exchange_did_not_pay_is_said_and_corrected(caplog: pytest.LogCaptureFixture) -> None:
    venue = RestVenue()
    async with watch(venue, DUE - MINUTE_MS, late=True, words=[mark(DUE - 1_000)]) as funds:
        assert await funds.due(DUE, ["BTCUSDT"]) == (RATE,)
        await until(lambda: venue.used)
        venue.funding = [(DUE + 3, 0.00025)]
        await until(lambda: not funds.busy)
        (difference,) = await funds.due(DUE + MINUTE_MS, ["BTCUSDT"])
        assert (difference.symbol, difference.time) == ("BTCUSDT", DUE)
        assert difference.rate == pytest.approx(0.00015)
        assert "announced a funding rate of 0.00010000, the exchange paid 0.00025000" in caplog.text
        assert await funds.due(DUE + 2 * MINUTE_MS, ["BTCUSDT"]) == ()


async def test_an_hour_that_the_stream_shows_to_be_free_is_not_asked_about() -> None:
    venue, hour = RestVenue(), DUE - HOUR_MS
    async with watch(venue, words=[mark(hour - 1_000)], asked_ms=hour - MINUTE_MS) as funds:
        assert await funds.due(hour, ["BTCUSDT"]) == ()
        assert not funds.busy
        assert venue.asked == []


async def test_only_the_coins_on_which_the_stream_was_silent_are_waited_for() -> None:
    venue = RestVenue(funding=[(DUE, 0.0001)])
    venue.script = [0.3, 0.3]
    words = [mark(DUE - 1_000, symbol="ETHUSDT")]
    async with watch(venue, DUE - MINUTE_MS, wait_s=0.02, words=words) as funds:
        assert [rate.symbol for rate in await funds.due(DUE, ["BTCUSDT", "ETHUSDT"])] == ["ETHUSDT"]
        await until(lambda: not funds.busy)
        assert await funds.due(DUE + MINUTE_MS, ["BTCUSDT", "ETHUSDT"]) == (RATE,)


async def test_a_payment_that_is_never_published_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with watch(RestVenue(), DUE - MINUTE_MS, late=True, words=[mark(DUE - 1_000)]) as funds:
        await funds.due(DUE, ["BTCUSDT"])
        await until(lambda: not funds.busy)
        assert "the exchange still shows no funding payment of BTCUSDT" in caplog.text


async def test_a_payment_belongs_to_the_first_instant_at_or_after_it_and_is_told_once() -> None:
    venue = RestVenue(funding=[(DUE + 7, 0.0001)])
    async with watch(venue) as funds:
        assert await funds.due(DUE - MINUTE_MS, ["BTCUSDT"]) == ()
        assert await funds.due(DUE, ["BTCUSDT"]) == (RATE,)
        assert await funds.due(DUE + MINUTE_MS, ["BTCUSDT"]) == ()


async def test_only_coins_that_are_exposed_are_asked_about_and_only_when_an_hour_passes() -> None:
    venue = RestVenue(funding=[(DUE, 0.0001)])
    async with watch(venue, START_MS + MINUTE_MS) as funds:
        for minute in range(2, 59):
            await funds.due(START_MS + minute * MINUTE_MS, ["BTCUSDT"])
        assert venue.asked == []
        await funds.due(DUE, [])
        assert venue.asked == []
        assert await funds.due(DUE + MINUTE_MS, ["BTCUSDT"]) == ()


async def test_an_instant_behind_a_gap_or_of_a_long_base_gets_all_that_fell_due_before_it() -> None:
    venue = RestVenue(funding=[(DUE, 0.0001), (DUE + 8 * HOUR_MS, 0.0002)])
    async with watch(venue) as funds:
        rates = await funds.due(START_MS + 24 * HOUR_MS, ["BTCUSDT"])
        assert [rate.rate for rate in rates] == [0.0001, 0.0002]


async def test_a_rate_that_is_published_late_is_told_with_a_later_instant() -> None:
    venue = RestVenue()
    async with watch(venue, wait_s=0.03, late=True) as funds:
        assert await funds.due(DUE, ["BTCUSDT"]) == ()
        venue.funding = [(DUE + 3, 0.0001)]
        await until(lambda: not funds.busy)
        assert await funds.due(DUE + MINUTE_MS, ["BTCUSDT"]) == (RATE,)
        assert await funds.due(DUE + 2 * MINUTE_MS, ["BTCUSDT"]) == ()


async def test_a_venue_that_does_not_answer_in_time_holds_nobody_up() -> None:
    venue = RestVenue(funding=[(DUE, 0.0001)])
    venue.script = [0.4]
    async with watch(venue, wait_s=0.05) as funds:
        assert await funds.due(DUE, ["BTCUSDT"]) == ()
        await until(lambda: not funds.busy)
        assert await funds.due(DUE + MINUTE_MS, ["BTCUSDT"]) == (RATE,)


async def test_what_is_owed_from_before_the_start_is_told_with_the_next_instant() -> None:
    async with watch(RestVenue(funding=[(DUE, 0.0001)]), asked_ms=DUE) as funds:
        assert await funds.between(START_MS, DUE, ["BTCUSDT"]) == [RATE]
        funds.owe([RATE])
        assert await funds.due(DUE + MINUTE_MS, []) == (RATE,)


FUTURES: dict[str, Any] = {
    "MARKET": "futures",
    "COINS": ["BTCUSDT"],
    "STOP_MODE": "atr",
    "ATR_STOP": {"stop_atr": 300.0, "target_atr": 900.0},
    "BREAKEVEN_STOP": {"enable": False},
    "TRAILING_STOP": {"enable": False},
    "PARTIAL_TP": {"enable": False},
    "MAX_PORTFOLIO_RISK": 10.0,
}


async def test_a_daemon_pays_what_the_stream_announced_though_rest_is_away(tmp_path: Path) -> None:
    due, audience = BEGIN + 2 * HOUR_MS, Listener()
    fundings = {"BTCUSDT": (np.array([due]), np.array([0.001]))}
    source = TableSource({"futures": [coin("BTCUSDT", 900, seed=1)]}, fundings=fundings)
    async with daemon(tmp_path, source, end=due + 30 * MINUTE_MS, audience=audience, **FUTURES) as rig:
        rig.rate("5xx", 1.0)
        await rig.to_the_end()
        paid = audience.of(FundingPaid)
        assert {note.time for note in paid} == {due}
        price = rig.store.read("futures", "BTCUSDT", rig.trader.plan.exits["BTCUSDT"], due - MINUTE_MS, due).close[0]
        for note in paid:
            quantity = note.trade.quantity * note.trade.direction
            assert note.amount == pytest.approx(quantity * price * 0.001)
