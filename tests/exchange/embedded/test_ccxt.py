"""ccxt, unchanged but for its URLs, against both markets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import ccxt.async_support
import pytest

from tests.builders import START_MS
from tests.exchange.embedded.conftest import PLAY_MS, Opener
from trader.core.timeframe import HOUR_MS, MINUTE_MS
from trader.exchange.embedded.app import EmbeddedExchange


@pytest.fixture
async def exchange(opened: Opener) -> EmbeddedExchange:
    return await opened()


def pointed(client: Any, base: str) -> Any:
    """Return a client whose every address is the exchange's."""
    paths = {name: url.split(".com", 1)[1] for name, url in client.urls["api"].items() if isinstance(url, str)}
    client.urls["api"] = {name: base + path for name, path in paths.items()}
    return client


@pytest.fixture
async def client(exchange: EmbeddedExchange) -> AsyncIterator[Any]:
    client = pointed(ccxt.async_support.binance({"enableRateLimit": False}), exchange.base_url)
    yield client
    await client.close()


async def test_markets_of_both_kinds_load(client: Any) -> None:
    markets = await client.load_markets()
    assert {"BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"} == set(markets)
    assert markets["BTC/USDT"]["spot"]
    assert markets["BTC/USDT:USDT"]["linear"]


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT"])
async def test_candles_trades_and_books_are_read(client: Any, symbol: str) -> None:
    candles = await client.fetch_ohlcv(symbol, "5m", limit=10)
    assert [row[0] for row in candles] == [PLAY_MS - 5 * MINUTE_MS * back for back in range(9, -1, -1)]
    ticker = await client.fetch_ticker(symbol)
    assert ticker["last"] == candles[-1][4]
    trades = await client.fetch_trades(symbol, limit=20)
    assert len(trades) == 20
    assert trades[-1]["price"] == ticker["last"]
    book = await client.fetch_order_book(symbol, limit=5)
    assert len(book["bids"]) == 5
    assert book["bids"][0][0] < book["asks"][0][0]


async def test_tickers_of_all_symbols_are_read(client: Any) -> None:
    assert set(await client.fetch_tickers()) == {"BTC/USDT", "ETH/USDT"}
    assert set(await client.fetch_bids_asks()) == {"BTC/USDT", "ETH/USDT"}


async def test_funding_is_read(client: Any) -> None:
    rate = await client.fetch_funding_rate("BTC/USDT:USDT")
    history = await client.fetch_funding_rate_history("BTC/USDT:USDT", limit=2)
    times = [START_MS + hours * HOUR_MS for hours in (8, 16, 24)]
    assert [row["timestamp"] for row in history] == times[:2]
    assert rate["fundingTimestamp"] == times[2]
    assert [row["fundingRate"] for row in [*history, rate]] == pytest.approx([0.0002, 0.0003, 0.0004])


async def test_refusals_become_the_errors_of_ccxt(client: Any) -> None:
    with pytest.raises(ccxt.BadRequest):
        await client.publicGetKlines({"symbol": "BTCUSDT", "interval": "7m"})
    with pytest.raises(ccxt.BadSymbol):
        await client.publicGetKlines({"symbol": "NOSUCH", "interval": "1m"})


async def test_the_blocking_client_works_too(exchange: EmbeddedExchange) -> None:
    client = pointed(ccxt.binance({"enableRateLimit": False}), exchange.base_url)
    rows = await asyncio.to_thread(client.fetch_ohlcv, "ETH/USDT", "1h", None, 3)
    assert len(rows) == 3
    client.session.close()
