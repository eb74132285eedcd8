"""A candle that is lost while a connection is, or in a frame that nobody can read, is asked for at once.

At the speed of these plays the next candle, which would show the hole, is eighteen seconds away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.engine.live.rigs import BEGIN, Rig, daemon, until
from trader.core.timeframe import MINUTE_MS

STREAM = "btcusdt@kline_30m"
#: When the candle closes, and when the next one will.
CLOSE, NEXT = BEGIN + 30 * MINUTE_MS, BEGIN + 60 * MINUTE_MS
#: Nothing else looks for what is missing: neither staleness nor another coin.
ALONE: dict[str, Any] = {"COINS": ["BTCUSDT"], "TIMEFRAMES": ["30min"], "STREAM_STALE_MS": 86_400_000}


@asynccontextmanager
async def running(tmp_path: Path) -> AsyncIterator[Rig]:
    """Run a daemon from a minute before the close on."""
    async with daemon(tmp_path, begin=CLOSE - MINUTE_MS, end=NEXT + MINUTE_MS, speed=100.0, **ALONE) as rig:
        task = asyncio.create_task(rig.trader.run())
        await rig.trader.intake.connected.wait()
        yield rig
        assert not task.done()
        rig.trader.stop()
        await task


def market(rig: Rig) -> int:
    """Return the time of the market, ms."""
    return rig.exchange.play.clock.now()


async def assert_repaired_before_the_next_close(rig: Rig) -> None:
    await until(lambda: rig.trader.book.time == CLOSE)
    assert market(rig) < NEXT
    assert rig.trader.intake.repaired == 1


async def test_a_candle_that_closed_before_a_reconnect_is_asked_for_behind_it(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.arm("gap", STREAM)
        await until(lambda: rig.exchange.plan.counts["gap"])
        rig.arm("drop", STREAM)
        await assert_repaired_before_the_next_close(rig)
        assert rig.trader.intake.stats.reconnects == 1


async def test_a_candle_in_a_frame_that_cannot_be_read_is_asked_for(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.rate("corrupt", 1.0)
        await until(lambda: market(rig) > CLOSE)
        rig.rate("corrupt", 0.0)
        await assert_repaired_before_the_next_close(rig)
        assert rig.trader.intake.stats.corrupt >= 1


async def test_a_reconnect_that_lost_nothing_repairs_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.arm("drop", STREAM)
        await until(lambda: rig.trader.intake.stats.reconnects)
        await until(lambda: rig.trader.book.time == CLOSE)
        assert rig.trader.intake.repaired == 0
