"""How fast streams are read, bytes to candle and to frame: `python -m bench.bench_streams`.

A process of its own sends closed klines of about 350 bytes over loopback as fast as they are taken. The reference, in
the same run, is bare `websockets` + `msgspec`: the same socket options, one typed pass over the bytes, nothing kept.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection as Pipe
from statistics import median

import msgspec
from websockets.asyncio.client import connect

from tests.builders import START_MS
from trader.core.timeframe import Timeframe
from trader.exchange.binance.endpoints import kline_stream
from trader.exchange.binance.messages import KlineMessage, Message
from trader.exchange.binance.streams import StreamSupervisor
from trader.exchange.binance.wire import KlineFrameWire
from trader.market.frames import Frame

MESSAGES = 60_000
ROUNDS = 7
SYMBOLS = [f"COIN{number}USDT" for number in range(10)]
STREAMS = [kline_stream("spot", symbol, Timeframe.MIN_1) for symbol in SYMBOLS]
FRAME_LENGTH = 1_000
CHUNK_BYTES = 2**18
WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def text(symbol: str, at: int) -> bytes:
    """Return the closed kline of the `at`-th minute, as the venue writes it."""
    begin, price = START_MS + at * 60_000, 97_000 + at % 1_000
    kline = {
        **{"t": begin, "T": begin + 59_999, "s": symbol, "i": "1m", "f": 4_512_345_678, "L": 4_512_346_789},
        **{
            "o": f"{price}.12000000",
            "c": f"{price}.56000000",
            "h": f"{price + 9}.99000000",
            "l": f"{price - 9}.01000000",
        },
        **{"v": "12.34567000", "n": 1_112, "x": True, "q": "1197530.12345670", "V": "6.78901000"},
        **{"Q": "658534.98765430", "B": "0"},
    }
    event = {"e": "kline", "E": begin + 60_004, "s": symbol, "k": kline}
    return json.dumps({"stream": f"{symbol.lower()}@kline_1m", "data": event}, separators=(",", ":")).encode()


def serve(pipe: Pipe) -> None:
    """Send all messages to whoever connects; told the port through `pipe`."""
    texts = [text(SYMBOLS[at % len(SYMBOLS)], at // len(SYMBOLS)) for at in range(MESSAGES)]
    data = b"".join(b"\x81\x7e" + len(each).to_bytes(2, "big") + each for each in texts)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        try:
            for start in range(0, len(data), CHUNK_BYTES):
                writer.write(data[start : start + CHUNK_BYTES])
                await writer.drain()
            await reader.read(1)
        except ConnectionError:
            return
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the opening handshake."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    key = next(line.partition(": ")[2] for line in head if line.lower().startswith("sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1((key + WEBSOCKET_GUID).encode()).digest()).decode()
    upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write(f"{upgrade}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())


async def bare(url: str) -> float:
    """Return the messages per second of `websockets` and one typed pass of `msgspec`."""
    decode = msgspec.json.Decoder(KlineFrameWire, strict=False).decode
    async with connect(url, compression=None, max_queue=1_024, ping_interval=None, proxy=None) as socket:
        began = time.perf_counter()
        for _ in range(MESSAGES):
            decode(await socket.recv(decode=False))
        return MESSAGES / (time.perf_counter() - began)


async def supervised(url: str, take: Callable[[KlineMessage], object] | None = None) -> float:
    """Return the messages per second of our supervisor, each with its candle handed to `take`."""
    came, began, ended = 0, 0.0, 0.0

    def on_message(message: Message) -> None:
        nonlocal came, began, ended
        if came == 0:
            began = time.perf_counter()
        came += 1
        if take is not None:
            take(message)  # type: ignore[arg-type]
        if came == MESSAGES:
            ended = time.perf_counter()
            supervisor.stop()

    supervisor = StreamSupervisor(lambda _: url, STREAMS, on_message, lambda _: None)
    await supervisor.run()
    return MESSAGES / (ended - began)


async def framed(url: str) -> float:
    """Return the messages per second from bytes to updated frame."""
    frames = {symbol: Frame(symbol, Timeframe.MIN_1, FRAME_LENGTH) for symbol in SYMBOLS}

    def take(message: KlineMessage) -> None:
        if message.candle is not None:
            frames[message.symbol].append(message.candle)

    return await supervised(url, take)


def main() -> None:
    """Print messages per second, the median of several rounds in turn, and the ratio to bare."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"ws://127.0.0.1:{ours.recv()}/stream"
    ways: dict[str, Callable[[str], Awaitable[float]]] = {
        "bare websockets + msgspec": bare,
        "bytes to candle, supervised": supervised,
        "bytes to updated frame": framed,
    }
    try:
        measure(url, ways)
    finally:
        server.terminate()
        server.join()


def measure(url: str, ways: dict[str, Callable[[str], Awaitable[float]]]) -> None:
    """Run each way in turn, once without counting, and print."""

    async def once(way: Callable[[str], Awaitable[float]]) -> float:
        return await way(url)

    for way in ways.values():
        asyncio.run(once(way))
    rates = [[asyncio.run(once(way)) for way in ways.values()] for _ in range(ROUNDS)]
    size = len(text(SYMBOLS[0], 0))
    for at, name in enumerate(ways):
        ratio = median(each[at] / each[0] for each in rates)
        print(f"{name}: {median(each[at] for each in rates):,.0f} messages/s of {size} bytes ({ratio:.2f} of bare)")


if __name__ == "__main__":
    main()
