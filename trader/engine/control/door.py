"""The socket of a daemon: one request, one answer, within bounds; who comes too close is sent away, trading goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from trader.core.errors import DataError, TraderError
from trader.engine.control.address import SOCKET_NAME, Peer, listen, peer_of
from trader.engine.control.desk import Desk
from trader.engine.control.messages import MOST_BYTES, Answer, Malformed, read_request, write_answer

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 16
#: A connection that asks nothing, or takes no answer, for so long is closed.
IDLE_S, WRITE_S = 30.0, 5.0
#: The least time between two requests of a connection.
BREATH_S = 0.01


@asynccontextmanager
async def open_door(home: Path, desk: Desk, idle_s: float = IDLE_S) -> AsyncIterator[None]:
    """Take commands at the socket in `home` for `desk`; where it cannot be made, say so and do without."""
    path = home / SOCKET_NAME
    door = Door(desk, idle_s)
    try:
        server = await asyncio.start_unix_server(door.serve, sock=listen(path), limit=MOST_BYTES)
    except (OSError, TraderError) as error:
        log.error("no commands can be taken (%s); trading goes on, and a file KILL in DATA_DIR works", error)
        yield
        return
    log.info("commands are taken at %s (python start.py status)", path)
    try:
        yield
    finally:
        server.close()
        with suppress(OSError):
            path.unlink()
        await door.close()


class Door:
    """Serves the connections of one daemon's socket."""

    def __init__(self, desk: Desk, idle_s: float = IDLE_S) -> None:
        self._desk = desk
        self._idle_s = idle_s
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends, says too much at once, or is silent for too long."""
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._open.add(task)
        try:
            await asyncio.wait([task])  # never cancelled itself: the loop would complain of that
        finally:
            self._open.discard(task)
            writer.close()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a connection to the socket failed: a fault of this program", exc_info=error)

    async def close(self) -> None:
        """End every connection."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            who = peer_of(writer.get_extra_info("socket"))
            if who.foreign:
                log.warning("%s was sent away from the socket: it belongs to another user", who)
                await _say(writer, Malformed("this daemon belongs to another user"))
            elif len(self._open) > MOST_CONNECTIONS:
                await _say(writer, Malformed(f"{MOST_CONNECTIONS} are connected already; try again later"))
            else:
                await self._answer_all(reader, writer, who)

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, who: Peer) -> None:
        while True:
            try:
                async with asyncio.timeout(self._idle_s):
                    line = await reader.readuntil()
            except asyncio.LimitOverrunError:
                await _say(writer, Malformed(f"a request is a line of at most {MOST_BYTES} bytes"))
                return
            await _say(writer, await self._answer(line, who))
            await asyncio.sleep(BREATH_S)

    async def _answer(self, line: bytes, who: Peer) -> Answer:
        try:
            request = read_request(line)
        except DataError as error:
            return Malformed(str(error))
        return await self._desk.answer(request, who)


async def _say(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(write_answer(answer))
    async with asyncio.timeout(WRITE_S):
        await writer.drain()
