"""python-binance, unchanged but for its URLs, against both markets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException

from tests.builders import START_MS
from tests.exchange.embedded.conftest import PLAY_MS, Opener
from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.app import EmbeddedExchange


@pytest.fixture
async def exchange(opened: Opener) -> EmbeddedExchange:
    return await opened(speed=600.0)


@pytest.fixture
async def client(exchange: EmbeddedExchange) -> AsyncIterator[AsyncClient]:
    base = exchange.base_url

    class Client(AsyncClient):  # type: ignore[misc]
        API_URL = f"{base}/api"
        FUTURES_URL = f"{base}/fapi"

    client = await Client.create()
    yield client
    await client.close_connection()


@pytest.fixture
def sockets(exchange: EmbeddedExchange, client: AsyncClient) -> BinanceSocketManager:
    base = exchange.base_url.replace("http", "ws") + "/"

    class Manager(BinanceSocketManager):  # type: ignore[misc]
        STREAM_URL = base
        FSTREAM_URL = base

    return Manager(client, max_queue_size=10_000)


async def closed_kline(socket: Any) -> dict[str, Any]:
    """Return the first closed kline event of a socket, without its combined wrapper."""
    while True:
        message = await socket.recv()
        event: dict[str, Any] = message.get("data", message)
        if event["k"]["x"]:
            return event


async def test_spot_klines_end_with_the_open_candle(client: AsyncClient) -> None:
    rows = await client.get_klines(symbol="BTCUSDT", interval="1m", limit=3)
    assert [row[0] for row in rows] == [PLAY_MS - 2 * MINUTE_MS, PLAY_MS - MINUTE_MS, PLAY_MS]
    assert float(rows[-1][5]) == 0
    assert rows[-1][1] == rows[-1][4] == rows[-2][4]


async def test_history_comes_page_by_page(client: AsyncClient) -> None:
    rows = await client.get_historical_klines("ETHUSDT", "1m", START_MS, PLAY_MS - 1)
    assert [row[0] for row in rows] == list(range(START_MS, PLAY_MS, MINUTE_MS))


async def test_futures_klines_count_more(client: AsyncClient) -> None:
    rows = await client.futures_klines(symbol="BTCUSDT", interval="5m", limit=1_500)
    assert len(rows) == 201
    with pytest.raises(BinanceAPIException, match="limit"):
        await client.futures_klines(symbol="BTCUSDT", interval="5m", limit=1_501)


async def test_exchange_info_lists_what_is_played(client: AsyncClient) -> None:
    spot, futures = await client.get_exchange_info(), await client.futures_exchange_info()
    assert [each["symbol"] for each in spot["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    assert spot["rateLimits"][0]["limit"] == 6_000
    assert futures["rateLimits"][0]["limit"] == 2_400
    assert (await client.get_symbol_info("ETHUSDT"))["baseAsset"] == "ETH"
    assert futures["symbols"][0]["contractType"] == "PERPETUAL"


async def test_prices_agree_between_endpoints(client: AsyncClient) -> None:
    last = (await client.get_klines(symbol="BTCUSDT", interval="1m", limit=1))[0][4]
    assert (await client.get_symbol_ticker(symbol="BTCUSDT"))["price"] == last
    assert (await client.get_orderbook_ticker(symbol="BTCUSDT"))["bidPrice"] == last
    assert (await client.get_ticker(symbol="BTCUSDT"))["lastPrice"] == last
    assert (await client.get_avg_price(symbol="BTCUSDT"))["price"] == last
    futures = (await client.futures_klines(symbol="BTCUSDT", interval="1m", limit=1))[0][4]
    assert (await client.futures_symbol_ticker(symbol="BTCUSDT"))["price"] == futures
    assert (await client.futures_ticker(symbol="BTCUSDT"))["lastPrice"] == futures
    assert (await client.futures_mark_price(symbol="BTCUSDT"))["markPrice"] == futures
    assert {row["symbol"] for row in await client.futures_orderbook_ticker()} == {"BTCUSDT", "ETHUSDT"}


async def test_order_books_have_the_levels_asked_for(client: AsyncClient) -> None:
    book = await client.get_order_book(symbol="BTCUSDT", limit=20)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])
    assert len((await client.futures_order_book(symbol="BTCUSDT", limit=5))["bids"]) == 5
    with pytest.raises(BinanceAPIException, match="depth limit"):
        await client.futures_order_book(symbol="BTCUSDT", limit=7)


async def test_trades_are_numbered_without_holes(client: AsyncClient) -> None:
    last = await client.get_aggregate_trades(symbol="BTCUSDT", limit=100)
    assert [row["a"] for row in last] == list(range(last[0]["a"], last[0]["a"] + 100))
    again = await client.get_aggregate_trades(symbol="BTCUSDT", fromId=last[0]["a"], limit=100)
    assert again == last
    futures = await client.futures_aggregate_trades(symbol="BTCUSDT", limit=5)
    assert len(futures) == 5
    assert "M" not in futures[0]
    assert len(await client.get_recent_trades(symbol="BTCUSDT", limit=7)) == 7


async def test_funding_that_fell_due_is_known(client: AsyncClient) -> None:
    rows = await client.futures_funding_rate(symbol="BTCUSDT")
    assert [row["fundingTime"] for row in rows] == [START_MS, START_MS + 8 * 3_600_000, START_MS + 16 * 3_600_000]
    mark = await client.futures_mark_price(symbol="BTCUSDT")
    assert mark["nextFundingTime"] == START_MS + 24 * 3_600_000
    assert mark["lastFundingRate"] == "0.00040000"  # of that payment, not of the last one
    without = await client.futures_mark_price(symbol="ETHUSDT")
    assert (without["lastFundingRate"], without["nextFundingTime"]) == ("", 0)


async def test_spot_kline_socket_shows_what_rest_has(
    exchange: EmbeddedExchange, client: AsyncClient, sockets: BinanceSocketManager
) -> None:
    async with sockets.kline_socket("BTCUSDT", "1m") as socket:
        exchange.play.start()
        event = await closed_kline(socket)
    k = event["k"]
    rows = await client.get_klines(symbol="BTCUSDT", interval="1m", startTime=k["t"], limit=1)
    assert rows == [[k["t"], k["o"], k["h"], k["l"], k["c"], k["v"], k["T"], k["q"], k["n"], k["V"], k["Q"], "0"]]
    assert event["E"] == k["T"] + 1


async def test_futures_sockets_come_by_their_routes(exchange: EmbeddedExchange, sockets: BinanceSocketManager) -> None:
    streams = ["btcusdt@kline_1m", "ethusdt@kline_1m"]
    async with (
        sockets.kline_futures_socket("BTCUSDT", "1m") as continuous,
        sockets.futures_multiplex_socket(streams) as combined,
    ):
        exchange.play.start()
        contract = await closed_kline(continuous)
        both = [await closed_kline(combined), await closed_kline(combined)]
    assert (contract["e"], contract["ps"], contract["ct"]) == ("continuous_kline", "BTCUSDT", "PERPETUAL")
    assert [event["s"] for event in both] == ["BTCUSDT", "ETHUSDT"]
    assert both[0]["k"]["T"] == both[1]["k"]["T"]


async def test_trade_and_book_sockets_speak(exchange: EmbeddedExchange, sockets: BinanceSocketManager) -> None:
    async with (
        sockets.aggtrade_socket("BTCUSDT") as trades,
        sockets.symbol_book_ticker_socket("BTCUSDT") as book,
        sockets.symbol_mark_price_socket("BTCUSDT") as mark,
    ):
        exchange.play.start()
        trade, best, price = await trades.recv(), await book.recv(), await mark.recv()
    assert trade["e"] == "aggTrade"
    assert trade["T"] >= PLAY_MS
    assert best.keys() == {"u", "s", "b", "B", "a", "A"}
    assert price["data"]["e"] == "markPriceUpdate"
