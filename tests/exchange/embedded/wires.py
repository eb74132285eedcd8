"""Small clients for tests: what comes over one socket, what REST answers."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import msgspec

#: How long a test waits for what must come, seconds.
PATIENCE_S = 10.0
#: How long a test listens to be sure that nothing comes, seconds.
SILENCE_S = 0.15


async def receive(socket: aiohttp.ClientWebSocketResponse) -> Any:
    """Return the next message as JSON; fail when none comes."""
    return msgspec.json.decode(await socket.receive_str(timeout=PATIENCE_S))


async def closed_klines(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[dict[str, Any]]:
    """Return the next `count` closed klines of a socket, raw or combined: the event's `k`."""
    klines: list[dict[str, Any]] = []
    while len(klines) < count:
        message = await receive(socket)
        event = message.get("data", message)
        if event.get("e") == "kline" and event["k"]["x"]:
            klines.append(event["k"])
    return klines


async def ask(socket: aiohttp.ClientWebSocketResponse, **request: Any) -> dict[str, Any]:
    """Send a request and return its reply, passing over events."""
    await socket.send_bytes(msgspec.json.encode(request))
    while True:
        message = await receive(socket)
        if "result" in message or "error" in message:
            reply: dict[str, Any] = message
            return reply


async def silent(socket: aiohttp.ClientWebSocketResponse, seconds: float = SILENCE_S) -> bool:
    """Tell whether nothing at all comes for a while."""
    try:
        async with asyncio.timeout(seconds):  # a time-out of the library begins anew with each ping
            await socket.receive()
    except TimeoutError:
        return True
    return False


async def ended(socket: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage:
    """Return the message with which a connection ends, passing over what comes before."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return message


async def get(session: aiohttp.ClientSession, path: str, **params: Any) -> tuple[int, Any, dict[str, str]]:
    """Return status, body and headers of a GET."""
    async with session.get(path, params=params) as answer:
        body = await answer.read()
        headers = {name.upper(): value for name, value in answer.headers.items()}
        return answer.status, msgspec.json.decode(body) if answer.content_type == "application/json" else body, headers


async def control(session: aiohttp.ClientSession, what: str, **body: Any) -> Any:
    """Send a wish to `/control/` and return the answer."""
    async with session.post(f"/control/{what}", json=body) as answer:
        return await answer.json()
