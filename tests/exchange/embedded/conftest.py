"""Exchanges on free ports, ended after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.exchange.embedded.sources import PLAY_MS, two_markets
from tests.exchange.embedded.traders import Client, Desk, market, trading
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import ExchangeOptions
from trader.exchange.embedded.source import Source

Opener = Callable[..., Awaitable[EmbeddedExchange]]
Connect = Callable[[EmbeddedExchange], aiohttp.ClientSession]


@pytest.fixture
async def opened() -> AsyncIterator[Opener]:
    """Start exchanges with options over the defaults of tests; `source` replaces the two markets."""
    running: list[EmbeddedExchange] = []

    async def start(source: Source | None = None, **options: Any) -> EmbeddedExchange:
        defaults: dict[str, Any] = {"start": PLAY_MS, "hold": True}
        exchange = EmbeddedExchange(ExchangeOptions(**(defaults | options)), source or two_markets())
        running.append(exchange)
        await exchange.start()
        return exchange

    yield start
    for exchange in running:
        await exchange.stop()


@pytest.fixture
async def session() -> AsyncIterator[Connect]:
    """Open HTTP sessions to exchanges, closed after the test."""
    opened: list[aiohttp.ClientSession] = []

    def connect(exchange: EmbeddedExchange) -> aiohttp.ClientSession:
        opened.append(aiohttp.ClientSession(exchange.base_url))
        return opened[-1]

    yield connect
    for each in opened:
        await each.close()


@pytest.fixture
def desk(opened: Opener, session: Connect) -> Desk:
    """Open a market of hand-drawn minutes, and give a client of its first account; `plan` are options of the play."""

    async def start(
        *bars: tuple[float, float, float, float],
        balances: str = "USDT=10000,BTC=10",
        plan: dict[str, Any] | None = None,
        **options: Any,
    ) -> tuple[EmbeddedExchange, Client]:
        exchange = await opened(market(*bars), trading=trading(balances, **options), **(plan or {}))
        return exchange, Client(session(exchange))

    return start
