"""A pool of capital with an auditor, on the real exchange of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.exchange.embedded.wires import control
from tests.execution.desk.rigs import SYMBOL, Bench, bench
from trader.core.account import AccountEvent, AlgoUpdate, OrderUpdate
from trader.exchange.binance.account_rest import AccountRest
from trader.execution.audit.auditor import Auditor
from trader.execution.audit.inquiry import Means


async def hastily(seconds: float) -> None:
    """Wait a tenth of what is asked for: nothing lags here."""
    await asyncio.sleep(seconds / 10)


class Audited:
    """A `Bench` whose account is audited when a test says so; `hand` does what a person might."""

    def __init__(self, world: Bench, session: aiohttp.ClientSession) -> None:
        self.world = world
        self.session = session
        self.deaf = False
        means = Means(
            "spot",
            "t1",
            world.door,
            AccountRest(world.client),
            world.instruments,
            {SYMBOL: "BTC"},
            lambda: world.logic.book.orders,
            lambda symbol: world.logic.book.last_close.get(symbol, float("nan")),
            lambda: world.now,
            hastily,
            0.5,
        )
        self.auditor = Auditor(world.desk, means)

    def hear(self, event: AccountEvent) -> None:
        if self.deaf:
            return
        if isinstance(event, OrderUpdate | AlgoUpdate) and self.world.desk.tell(event):
            return
        self.auditor.hear(event)

    async def hand(self, **wish: Any) -> Any:
        answer = await control(self.session, "stranger", **wish)
        assert "error" not in answer, answer
        return answer

    async def audit(self) -> list[str]:
        """Audit, and return what was found, kind by kind."""
        found = await self.auditor.audit()
        await self.world.settled()
        return [each.kind.name for each in found]


@asynccontextmanager
async def audited(*bars: tuple[float, float, float, float], **overrides: Any) -> AsyncIterator[Audited]:
    """Open a market, an account on it, and an auditor of that."""
    async with bench(*bars, **overrides) as world, aiohttp.ClientSession(world.exchange.base_url) as session:
        made = Audited(world, session)
        world.listener = made.hear
        yield made
