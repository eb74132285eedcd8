"""Streams and REST together against the embedded exchange and its faults: no candle is lost for good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.builders import START_MS
from tests.exchange.embedded.sources import two_markets
from trader.core.candle import Candle
from trader.core.settings import Market
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.exchange.binance.client import Patience
from trader.exchange.binance.endpoints import PLAY_STREAM, Endpoints, endpoints, kline_stream
from trader.exchange.binance.messages import KlineMessage, Message, Play
from trader.exchange.binance.pool import StreamPool
from trader.exchange.binance.rest import BinanceRest
from trader.exchange.binance.states import StateKind, StreamOptions, StreamState
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.faults import parse_fault
from trader.exchange.embedded.options import ExchangeOptions, Limits
from trader.execution.governor import WeightGovernor

M1 = Timeframe.MIN_1
SYMBOLS = ("BTCUSDT", "ETHUSDT")
FIRST = 1_000
PLAY_MS = START_MS + FIRST * MINUTE_MS
QUICK: dict[str, Any] = {
    "check_every_s": 0.02,
    "grace_s": 0.1,
    "first_wait_s": 0.01,
    "longest_wait_s": 0.1,
    "first_stale_wait_s": 0.3,
    "close_timeout_s": 0.2,
}


class Candles:
    """Keeps what comes, and fetches by REST what states and holes say is missing, as a daemon would."""

    def __init__(self, rest: BinanceRest) -> None:
        self.came: dict[str, list[Candle]] = {symbol: [] for symbol in SYMBOLS}
        self.repaired: dict[str, set[int]] = {symbol: set() for symbol in SYMBOLS}
        self.states: list[StreamState] = []
        self.ended_ms = 0
        self.rest = rest

    def take(self, message: Message) -> None:
        if isinstance(message, Play):
            self.ended_ms = message.event_ms
        if isinstance(message, KlineMessage) and message.candle is not None:
            self.came[message.symbol].append(message.candle)

    def opens(self, symbol: str) -> list[int]:
        """The minutes of the candles that came, in their order."""
        return [(candle.open_time - START_MS) // MINUTE_MS for candle in self.came[symbol]]

    def kinds(self) -> list[StateKind]:
        return [state.kind for state in self.states]

    async def repair(self, end_ms: int) -> None:
        """Fetch every hole before `end_ms`."""
        for symbol in SYMBOLS:
            table = await self.rest.klines(symbol, M1, PLAY_MS, end_ms, closed_before_ms=end_ms)
            every = {(time - START_MS) // MINUTE_MS for time in table.open_time.tolist()}
            self.repaired[symbol] = every - set(self.opens(symbol))


@asynccontextmanager
async def following(
    count: int, *, market: Market = "spot", faults: Sequence[str] = (), speed: float = 2_400.0, **options: Any
) -> AsyncIterator[tuple[EmbeddedExchange, StreamPool, Candles]]:
    """Play `count` minutes to a pool; `options` are those of the streams, `limits` those of the exchange."""
    limits = options.pop("limits", Limits())
    play = ExchangeOptions(
        start=START_MS,
        end=PLAY_MS + count * MINUTE_MS,
        at=PLAY_MS,
        hold=True,
        speed=speed,
        faults=tuple(parse_fault(fault) for fault in faults),
        fault_seed=5,
        limits=limits,
    )
    exchange = EmbeddedExchange(play, two_markets())
    await exchange.start()
    place = endpoints("embedded", market, exchange.base_url)
    try:
        async with reading(place) as rest:
            candles = Candles(rest)
            streams = [*(kline_stream(market, symbol, M1) for symbol in SYMBOLS), PLAY_STREAM]
            wishes = {**QUICK, **options}
            pool = StreamPool(place, streams, candles.take, candles.states.append, StreamOptions(**wishes))
            running = asyncio.create_task(pool.run())
            await until(lambda: pool.stats.connected)
            await tell(exchange, "start")
            try:
                yield exchange, pool, candles
            finally:
                pool.stop()
                await running
    finally:
        await exchange.stop()


@asynccontextmanager
async def reading(place: Endpoints) -> AsyncIterator[BinanceRest]:
    patience = Patience(timeout_s=0.5, attempts=8, first_wait_s=0.01, longest_wait_s=0.02)
    async with BinanceRest(
        place, WeightGovernor(2_400, 0.2, jitter_s=0.01), WeightGovernor(500), patience=patience
    ) as rest:
        yield rest


async def tell(exchange: EmbeddedExchange, what: str, **wish: Any) -> None:
    async with aiohttp.ClientSession(exchange.base_url) as session, session.post(f"/control/{what}", json=wish) as said:
        assert said.status == 200, await said.text()


async def until(fact: Callable[[], object], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not fact():  # noqa: ASYNC110 - any fact, not one event
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("market", ["spot", "futures"])
@pytest.mark.parametrize("speed", [2_400.0, float("inf")], ids=["fast", "as fast as it can"])
async def test_every_candle_of_a_play_comes_once_and_then_its_end(market: Market, speed: float) -> None:
    async with following(60, market=market, speed=speed) as (_, pool, candles):
        await until(lambda: candles.ended_ms)

        assert candles.ended_ms == PLAY_MS + 60 * MINUTE_MS == pool.clock.now_ms
        for symbol in SYMBOLS:
            assert candles.opens(symbol) == list(range(FIRST, FIRST + 60))
        assert candles.kinds() == [StateKind.CONNECTED]


async def test_the_candle_of_a_stream_is_the_candle_of_rest() -> None:
    async with following(10, speed=float("inf")) as (_, _, candles):
        await until(lambda: candles.ended_ms)
        table = await candles.rest.klines("BTCUSDT", M1, PLAY_MS, candles.ended_ms, closed_before_ms=candles.ended_ms)

        assert list(table.candles()) == candles.came["BTCUSDT"]


@pytest.mark.parametrize(
    "faults",
    [
        ["drop=0.02"],
        ["corrupt=0.05"],
        ["gap=0.1"],
        ["duplicate=0.1", "reorder=0.1", "delay=0.05:0.02"],
        ["drop=0.01", "corrupt=0.02", "gap=0.05", "429=0.1:1", "5xx=0.2", "timeout=0.05:1"],
    ],
    ids=["drop", "corrupt", "gap", "disorder", "everything"],
)
async def test_whatever_goes_wrong_stream_and_rest_together_have_every_candle(faults: list[str]) -> None:
    async with following(120, faults=faults, speed=6_000.0) as (exchange, pool, candles):
        await until(lambda: exchange.state()["ended"])
        await until(lambda: pool.stats.connected)
        await candles.repair(PLAY_MS + 120 * MINUTE_MS)

        for symbol in SYMBOLS:
            every = set(candles.opens(symbol)) | candles.repaired[symbol]
            assert every == set(range(FIRST, FIRST + 120))
            assert len(candles.repaired[symbol]) < 60
        counts = exchange.state()["faults"]["counts"]
        assert sum(counts.values()) > 0
        assert pool.stats.corrupt == counts.get("corrupt", 0)


async def test_a_dropped_connection_is_back_at_once() -> None:
    async with following(60) as (exchange, pool, candles):
        await until(lambda: len(candles.opens("BTCUSDT")) > 5)
        await tell(exchange, "fault", kind="drop")
        await until(lambda: candles.kinds().count(StateKind.CONNECTED) == 2)
        await until(lambda: candles.ended_ms)

        assert pool.stats.reconnects == 1
        await candles.repair(candles.ended_ms)
        assert len(candles.repaired["BTCUSDT"]) <= 20


async def test_a_stream_that_falls_silent_is_found_and_brought_back() -> None:
    async with following(600) as (exchange, _, candles):
        await until(lambda: len(candles.opens("ETHUSDT")) > 3)
        await tell(exchange, "fault", kind="silent", stream="ethusdt@kline_1m")
        await until(lambda: StateKind.STALE in candles.kinds())
        await until(lambda: StateKind.RESUMED in candles.kinds())

        stale = next(state for state in candles.states if state.kind is StateKind.STALE)
        assert stale.streams == ("ethusdt@kline_1m",)
        assert StateKind.REPLACED in candles.kinds()
        assert StateKind.DISCONNECTED not in candles.kinds()


async def test_a_connection_that_stalls_is_given_up() -> None:
    async with following(2_000, silence_s=0.4) as (exchange, _, candles):
        await until(lambda: len(candles.opens("BTCUSDT")) > 3)
        await tell(exchange, "fault", kind="stall", amount=5)
        await until(lambda: candles.kinds().count(StateKind.CONNECTED) == 2)
        come = len(candles.opens("BTCUSDT"))
        await until(lambda: len(candles.opens("BTCUSDT")) > come)

        lost = next(state for state in candles.states if state.kind is StateKind.DISCONNECTED)
        assert "nothing at all came" in lost.reason


async def test_the_announced_end_of_a_connection_costs_nothing() -> None:
    limits = Limits(life_s=0.6, notice_s=0.4)
    async with following(120, limits=limits, speed=4_800.0) as (_, pool, candles):
        await until(lambda: candles.ended_ms)

        assert pool.stats.replaced >= 2
        assert StateKind.DISCONNECTED not in candles.kinds()
        assert set(candles.opens("BTCUSDT")) == set(range(FIRST, FIRST + 120))


async def test_an_old_connection_is_replaced_before_the_venue_ends_it() -> None:
    limits = Limits(life_s=1.0, notice_s=0.0)
    async with following(120, market="futures", limits=limits, life_s=0.4, speed=4_800.0) as (_, pool, candles):
        await until(lambda: candles.ended_ms)

        assert pool.stats.replaced >= 2
        assert StateKind.DISCONNECTED not in candles.kinds()
        assert set(candles.opens("ETHUSDT")) == set(range(FIRST, FIRST + 120))


async def test_many_requests_stay_within_the_message_rate() -> None:
    options = {"url_streams": 1, "batch": 1, "messages_per_s": 4}
    async with following(600, **options) as (_, pool, candles):
        await pool.subscribe([f"coin{at}usdt@kline_1m" for at in range(8)])

        assert StateKind.DISCONNECTED not in candles.kinds()
        assert StateKind.REFUSED not in candles.kinds()


async def test_rest_waits_out_a_429_and_stops_at_a_ban() -> None:
    async with following(600) as (exchange, _, candles):
        await tell(exchange, "fault", kind="429", amount=1)
        await candles.repair(PLAY_MS + 3 * MINUTE_MS)
        assert exchange.state()["faults"]["counts"] == {"429": 1}
