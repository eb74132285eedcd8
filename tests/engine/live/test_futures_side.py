"""What a daemon does with an account's own news on USD-M: warnings, settings of a person, funding."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from tests.exchange.embedded.usdm_traders import LONG
from tests.execution.audit.futures_rigs import FuturesWorld, futures_world
from tests.execution.desk.rigs import until
from trader.core.account import ConfigUpdate, MarginCall
from trader.engine.live.futures_side import FuturesSide
from trader.exchange.binance.user_stream_futures import futures_user_stream


@asynccontextmanager
async def sided() -> AsyncIterator[tuple[FuturesWorld, FuturesSide]]:
    """Open a world with a trade, and a side that hears its account."""
    async with futures_world() as world:
        side = FuturesSide(world.client.account)
        side.begin(world.desk, world.auditor, ["BTCUSDT"], 0, lambda: world.now, lambda fee: None)
        stream = futures_user_stream(world.client.where, world.client.client, side.hear)
        running = asyncio.create_task(stream.run())
        await until(lambda: stream.connected)
        await world.enter()
        yield world, side
        stream.stop()
        await running


async def test_a_person_who_changes_leverage_is_noticed_and_our_own_change_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with sided() as (world, side):
        request = next(iter(world.desk.holdings.values())).entry
        await world.hand(do="close", symbol="BTCUSDT")
        await asyncio.sleep(0.1)
        eight = msgspec.structs.replace(request, leverage=8.0)
        assert await side.prepared(eight) == ""
        await asyncio.sleep(0.1)
        assert "somebody" not in caplog.text
        await world.client.account.set_leverage("BTCUSDT", 3)  # by hand, past the terms
        await until(lambda: "somebody has set the leverage of BTCUSDT to 3" in caplog.text)
        assert await side.prepared(eight) == ""
        assert (await world.client.account.symbol_configs("BTCUSDT"))["BTCUSDT"].leverage == 8


async def test_a_margin_call_is_an_alarm(caplog: pytest.LogCaptureFixture) -> None:
    async with sided() as (world, side):
        side.hear(MarginCall(0, (("BTCUSDT", LONG),)))
        assert world.desk.alarms == ["BTCUSDT LONG: the exchange warns that this position is near its liquidation"]
        side.hear(ConfigUpdate(0, multi_assets=True))
        assert "multi-assets mode is on" in caplog.text


async def test_a_fence_goes_no_faster_than_the_venue_hears_us() -> None:
    """Ten messages a second are the venue's limit: more would end the connection."""
    async with sided() as (world, _):
        told: list[object] = []
        stream = futures_user_stream(world.client.where, world.client.client, told.append)
        running = asyncio.create_task(stream.run())
        await until(lambda: stream.connected)
        assert [await stream.fence(5.0) for _ in range(14)] == [True] * 14
        stream.stop()
        await running
        assert stream.opened == 1
