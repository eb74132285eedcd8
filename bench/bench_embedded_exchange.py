"""How fast the embedded exchange plays: `python -m bench.bench_embedded_exchange`.

Closed candles a second to one consumer, a process of its own, at the highest speed. The reference is an aiohttp server
that sends the same texts, made beforehand, one by one.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

import aiohttp
import numpy as np
from aiohttp import web

from trader.core.candle import VALUE_COLUMNS
from trader.core.timeframe import DAY_MS, Timeframe
from trader.exchange.embedded.app import EmbeddedExchange
from trader.exchange.embedded.options import MAX_SPEED, ExchangeOptions
from trader.exchange.embedded.source_generated import DEFAULT_START_MS, GeneratedSource
from trader.market.table import CandleTable

MESSAGES = 100_000
ROUNDS = 3
STREAMS = "/stream?streams=btcusdt@kline_1m/ethusdt@kline_1m"


class Repeated(GeneratedSource):
    """The generated market with one day of minutes for all days, so that making candles is not what is measured."""

    def candles(self, market: str, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        times = np.arange(start_ms, end_ms, timeframe.ms, dtype=np.int64)
        day = super().candles(market, symbol, timeframe, DEFAULT_START_MS, DEFAULT_START_MS + DAY_MS)
        rows = (times // timeframe.ms) % len(day)
        columns = {name: getattr(day, name)[rows] for name in VALUE_COLUMNS}
        return CandleTable.build(symbol, timeframe, times, **columns)


async def consume(url: str, count: int) -> float:
    """Return messages a second from the first to the last of `count`."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
        print("ready", flush=True)
        await socket.receive_str()
        began = time.perf_counter()
        for _ in range(count - 1):
            await socket.receive_str()
        return (count - 1) / (time.perf_counter() - began)


async def consumer(url: str) -> asyncio.subprocess.Process:
    """Start a consumer as a process and wait until it is connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bench_embedded_exchange", url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def rate(process: asyncio.subprocess.Process) -> float:
    """Return what a consumer has measured."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    await process.wait()
    return float(line)


async def exchange_rate(data: bool) -> float:
    """Return candles a second of a play: of repeated candles, or of the generated market."""
    symbols = ("BTCUSDT", "ETHUSDT")
    source = Repeated(1, symbols, DEFAULT_START_MS) if data else GeneratedSource(1, symbols, DEFAULT_START_MS)
    exchange = EmbeddedExchange(ExchangeOptions(speed=MAX_SPEED, hold=True), source)
    await exchange.start()
    process = await consumer(exchange.base_url.replace("http", "ws") + STREAMS)
    exchange.play.start()
    try:
        return await rate(process)
    finally:
        await exchange.stop()


async def plain_rate(text: str) -> float:
    """Return messages a second of an aiohttp server that sends `text` again and again."""

    async def serve(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        for _ in range(MESSAGES):
            await socket.send_str(text)
        return socket

    application = web.Application()
    application.router.add_get("/", serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        return await rate(await consumer(f"ws://127.0.0.1:{runner.addresses[0][1]}/"))
    finally:
        await runner.cleanup()


def main() -> None:
    """Print medians of some rounds."""
    text = '{"stream":"btcusdt@kline_1m","data":' + "x" * 330 + "}"
    plain = statistics.median(asyncio.run(plain_rate(text)) for _ in range(ROUNDS))
    print(f"aiohttp, same texts one by one: {plain:,.0f} messages/s (reference)")
    for name, data in (("candles at hand", True), ("generated market", False)):
        median = statistics.median(asyncio.run(exchange_rate(data)) for _ in range(ROUNDS))
        print(f"embedded exchange, {name}: {median:,.0f} closed candles/s ({median / plain:.2f} of the reference)")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(asyncio.run(consume(sys.argv[1], MESSAGES)), flush=True)
    else:
        main()
