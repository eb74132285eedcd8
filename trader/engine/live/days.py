"""Says when a UTC day of the market is over, beside the trading: what is done then must not disturb it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from trader.core.timeframe import DAY_MS

log = logging.getLogger(__name__)

#: How often the market's time is looked at, and how long the journal and the store have after the end of a day: they
#: are written within seconds.
LOOK_S, SETTLE_S = 1.0, 10.0
#: What is done with a day that is over: it begins at the given time, ms.
DayOver = Callable[[int], Awaitable[None]]


async def watch_days(
    now_ms: Callable[[], int], over: DayOver, look_s: float = LOOK_S, settle_s: float = SETTLE_S
) -> None:
    """Call `over` with each day that ends, one after the other, until cancelled; its failures are said, no more.

    `now_ms` is the T of the last instant that was judged, 0 before there was one. Days that end while another is looked
    at are not left out.
    """
    day = 0
    while True:
        await asyncio.sleep(look_s)
        now = now_ms()
        if now <= 0:
            continue  # nothing was judged yet
        day = day or (now - 1) // DAY_MS * DAY_MS
        while now >= day + DAY_MS:
            await asyncio.sleep(settle_s)
            try:
                await over(day)
            except Exception:
                log.exception("the end of a day")
            day += DAY_MS


@asynccontextmanager
async def watching_days(
    now_ms: Callable[[], int], over: DayOver | None, look_s: float = LOOK_S, settle_s: float = SETTLE_S
) -> AsyncIterator[None]:
    """Watch the days while the block runs; None is not to watch them."""
    if over is None:
        yield
        return
    watch = asyncio.create_task(watch_days(now_ms, over, look_s, settle_s))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
