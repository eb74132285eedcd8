"""A venue that does nothing but note when the last byte of each order arrived: the bare end of the order path.

Every order expires unfilled, so that a decision leads to one request and the next one finds the pool as it was.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from urllib.parse import parse_qs

import msgspec

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "


class Venue(asyncio.Protocol):
    """One connection; `arrived` are the times (ns, the machine's monotonic clock) of the orders so far."""

    def __init__(self, arrived: list[int]) -> None:
        self._arrived = arrived
        self._bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        now = time.monotonic_ns()
        self._bytes += data
        while (end := self._bytes.find(b"\r\n\r\n")) >= 0:
            head = self._bytes[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            if len(self._bytes) < end + 4 + length:
                return
            body, self._bytes = self._bytes[end + 4 : end + 4 + length], self._bytes[end + 4 + length :]
            self._answer(head.startswith(b"post"), body.decode(), now)

    def _answer(self, is_order: bool, body: str, now: int) -> None:
        answer: dict[str, object] = {"serverTime": time.time_ns() // 1_000_000}
        if is_order:
            self._arrived.append(now)
            answer = expired(body, len(self._arrived))
        text = msgspec.json.encode(answer)
        self._transport.write(HEAD + str(len(text)).encode() + b"\r\n\r\n" + text)


def expired(body: str, number: int) -> dict[str, object]:
    """Return the answer to an order that found nobody to trade with."""
    asked = {name: values[0] for name, values in parse_qs(body).items()}
    return {
        "symbol": asked.get("symbol", ""),
        "orderId": number,
        "clientOrderId": asked.get("newClientOrderId", ""),
        "transactTime": time.time_ns() // 1_000_000,
        "origQty": asked.get("quantity", "0"),
        "executedQty": "0.00000000",
        "status": "EXPIRED",
        "type": "MARKET",
        "side": asked.get("side", "BUY"),
        "fills": [],
    }


def serve(pipe: Pipe) -> None:
    """Serve until told to end; send the port first, and the times whenever asked."""

    async def main() -> None:
        arrived: list[int] = []
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Venue(arrived), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        while await asyncio.to_thread(pipe.recv) != "end":
            pipe.send(list(arrived))
            arrived.clear()

    asyncio.run(main())


@contextmanager
def venue() -> Iterator[tuple[str, Pipe]]:
    """Run a venue in a process of its own; yield its address, and a pipe to ask (`"times"`) for the times."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield f"http://127.0.0.1:{ours.recv()}", ours
    finally:
        ours.send("end")
        process.join(10)
