"""The play held at its closes until whoever trades is done with the instant."""

from __future__ import annotations

import asyncio

from tests.exchange.embedded.conftest import PLAY_MS, Connect, Opener
from tests.exchange.embedded.traders import Client, Desk, market, trading
from tests.exchange.embedded.wires import closed_klines, control, get, silent
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.options import MAX_SPEED

BARS = ((100.0, 101.0, 99.0, 100.5), (101.5, 104.0, 98.0, 103.0), (103.5, 104.0, 103.0, 103.5))
STREAM = "/ws/btcusdt@kline_1m"


async def held(client: Client) -> int | None:
    """Return where the play waits."""
    held: int | None = (await get(client.session, "/control/state"))[1]["held"]
    return held


async def test_the_play_waits_at_each_close_until_it_may_go_on(opened: Opener, session: Connect) -> None:
    exchange = await opened(market(*BARS), trading=trading(), speed=MAX_SPEED, lockstep=True)
    client = Client(session(exchange))
    async with client.session.ws_connect(STREAM) as socket:
        exchange.play.start()
        for minute in range(1, 4):
            (kline,) = await closed_klines(socket, 1)
            assert kline["T"] + 1 == PLAY_MS + minute * MINUTE_MS == await held(client)
            assert await silent(socket, 0.05)
            await control(client.session, "go", time=kline["T"] + 1)


async def test_orders_of_an_instant_meet_the_next_open_and_the_whole_next_candle(
    opened: Opener, session: Connect
) -> None:
    exchange = await opened(market(*BARS), trading=trading(), speed=MAX_SPEED, lockstep=True)
    client = Client(session(exchange))
    async with client.session.ws_connect(STREAM) as socket:
        exchange.play.start()
        await closed_klines(socket, 1)
        bought = (await client.order("BUY", "MARKET", quantity="1")).body
        assert bought["fills"][0]["price"] == "101.52030000"
        legs = {"aboveType": "LIMIT_MAKER", "abovePrice": "103", "belowType": "STOP_LOSS", "belowStopPrice": "99"}
        await client.ask("POST", "orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.9", **legs)
        await control(client.session, "go", time=PLAY_MS + MINUTE_MS)
        await closed_klines(socket, 1)
    trades = (await client.ask("GET", "myTrades", symbol="BTCUSDT")).body
    assert [trade["price"] for trade in trades] == ["101.52030000", "98.98020000"]  # the stop comes first


async def test_going_ahead_of_time_is_remembered(opened: Opener, session: Connect) -> None:
    exchange = await opened(market(*BARS), speed=MAX_SPEED, lockstep=True)
    client = Client(session(exchange))
    await control(client.session, f"go?time={PLAY_MS + 2 * MINUTE_MS}")
    async with client.session.ws_connect(STREAM) as socket:
        exchange.play.start()
        await closed_klines(socket, 3)
        assert await held(client) == PLAY_MS + 3 * MINUTE_MS


async def test_lockstep_can_be_switched(opened: Opener, session: Connect) -> None:
    exchange = await opened(market(*BARS), speed=MAX_SPEED)
    client = Client(session(exchange))
    assert (await control(client.session, "lockstep", on=True))["on"]
    async with client.session.ws_connect(STREAM) as socket:
        exchange.play.start()
        await closed_klines(socket, 1)
        assert await held(client) == PLAY_MS + MINUTE_MS
        await control(client.session, "lockstep", on=False)
        await closed_klines(socket, 20)
        assert await held(client) is None


async def test_at_a_finite_speed_the_wait_does_not_count(opened: Opener, session: Connect) -> None:
    exchange = await opened(market(*BARS), speed=600.0, lockstep=True)  # a minute in a tenth of a second
    client = Client(session(exchange))
    async with client.session.ws_connect(STREAM) as socket:
        exchange.play.start()
        await closed_klines(socket, 1)
        await asyncio.sleep(0.3)
        await control(client.session, "go", time=PLAY_MS + MINUTE_MS)
        assert exchange.play.clock.now() < PLAY_MS + 2 * MINUTE_MS
        await closed_klines(socket, 1)


async def test_wrong_wishes_are_refused_in_words(desk: Desk) -> None:
    _, client = await desk()
    assert "time is missing" in (await control(client.session, "go"))["error"]
    assert "true, false" in (await control(client.session, "lockstep", on="maybe"))["error"]
    assert "allowed: order" in (await control(client.session, "stranger", do="dance"))["error"]
    assert "key" in (await control(client.session, "stranger", key="nobody"))["error"]
    assert "allowed: spot" in (await control(client.session, "stranger", market="moon"))["error"]
