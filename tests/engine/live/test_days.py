"""Each UTC day of the market that ends is told once, in order, whatever comes of it."""

from __future__ import annotations

import asyncio

from trader.core.timeframe import DAY_MS
from trader.engine.live.days import watching_days


async def told_days(times: list[int], failing: int | None = None) -> list[int]:
    """Return the days that are told while the market's time goes through `times`."""
    told: list[int] = []
    coming = iter(times)
    now = times[0]

    def now_ms() -> int:
        nonlocal now
        now = next(coming, now)
        return now

    async def over(day: int) -> None:
        told.append(day // DAY_MS)
        if day // DAY_MS == failing:
            raise RuntimeError("planted")

    async with watching_days(now_ms, over, 0.001, 0.0):
        while now != times[-1] or len(told) < (times[-1] - times[0]) // DAY_MS:  # noqa: ASYNC110 - the watch is polled as it polls
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
    return told


async def test_a_day_is_over_with_the_instant_at_its_end() -> None:
    assert await told_days([7 * DAY_MS, 7 * DAY_MS + 1, 8 * DAY_MS - 1, 8 * DAY_MS]) == [6, 7]


async def test_days_before_the_first_instant_are_not_told() -> None:
    start = 100 * DAY_MS + 5
    told: list[int] = []
    times = iter([0, 0, start, start + DAY_MS])

    async def over(day: int) -> None:
        told.append(day // DAY_MS)

    async with watching_days(lambda: next(times, start + DAY_MS), over, 0.001, 0.0):
        while not told:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.001)
    assert told == [100]


async def test_a_day_that_fails_does_not_keep_the_next_from_being_told() -> None:
    assert await told_days([10 * DAY_MS + 1, 11 * DAY_MS + 1, 12 * DAY_MS + 1], failing=10) == [10, 11]
