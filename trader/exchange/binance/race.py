"""Several things at once, until the first of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any


async def first_to_end(*awaitables: Awaitable[Any]) -> None:
    """Run all until one ends, end the others, and raise what that one raised."""
    futures = [asyncio.ensure_future(each) for each in awaitables]
    try:
        done, _ = await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        for each in futures:
            each.cancel()
        await asyncio.gather(*futures, return_exceptions=True)
