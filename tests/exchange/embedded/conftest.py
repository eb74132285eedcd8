"""Exchanges on free ports, ended after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.builders import START_MS
from tests.exchange.embedded.sources import two_markets
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import ExchangeOptions
from trader.exchange.embedded.source import Source

#: Where plays of tests begin: a thousand minutes have happened.
PLAY_MS = START_MS + 1_000 * MINUTE_MS

Opener = Callable[..., Awaitable[EmbeddedExchange]]


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
async def session() -> AsyncIterator[Callable[[EmbeddedExchange], aiohttp.ClientSession]]:
    """Open HTTP sessions to exchanges, closed after the test."""
    opened: list[aiohttp.ClientSession] = []

    def connect(exchange: EmbeddedExchange) -> aiohttp.ClientSession:
        opened.append(aiohttp.ClientSession(exchange.base_url))
        return opened[-1]

    yield connect
    for each in opened:
        await each.close()
