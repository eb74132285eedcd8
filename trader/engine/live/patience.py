"""A daemon that is started before its exchange can be reached, as at boot: it tries again, and says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from trader.core.errors import RateLimited, Unavailable
from trader.exchange.binance.pace import Backoff

log = logging.getLogger(__name__)

#: The first wait and the longest between two tries; an exchange that asks for more gets it.
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0

Reached = TypeVar("Reached")


async def until_reached(
    attempt: Callable[[], Awaitable[Reached]],
    first_wait_s: float = FIRST_WAIT_S,
    longest_wait_s: float = LONGEST_WAIT_S,
) -> Reached:
    """Return what `attempt` gives, tried until the exchange answers; raise what another try would not mend.

    `Unavailable` is tried again after waits that grow, `RateLimited`, bans included, when the exchange allows it.
    """
    backoff = Backoff(first_wait_s, longest_wait_s)
    while True:
        try:
            return await attempt()
        except (Unavailable, RateLimited) as error:
            asked_s = error.retry_after_s if isinstance(error, RateLimited) else 0.0
            wait_s = max(backoff.next_s(), asked_s)
            log.warning("no exchange to trade on: %s; trying again in %.0f s", error, max(1.0, wait_s))
        await asyncio.sleep(wait_s)
