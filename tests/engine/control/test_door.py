"""The socket of a daemon that trades: whatever comes to it, trading goes on as if nothing had come."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.engine.live.rigs import (
    BEGIN,
    Listener,
    Rig,
    backtest,
    counted,
    daemon,
    tables_of,
    traded,
    two_coins,
    until,
    wanted,
)
from trader.core.timeframe import MINUTE_MS
from trader.engine.control.address import SOCKET_NAME, Peer
from trader.engine.control.desk import Desk
from trader.engine.control.door import MOST_CONNECTIONS, open_door
from trader.engine.control.messages import (
    MOST_BYTES,
    Accepted,
    Answer,
    AskStatus,
    Close,
    Failed,
    Happened,
    Malformed,
    Pause,
    Refused,
    Request,
    Set,
    Status,
    Wait,
    read_answer,
    write_request,
)
from trader.engine.live.keeper import SNAPSHOT_NAME
from trader.engine.live.snapshot import Snapshot, Snapshots

SOURCE = two_coins()


@asynccontextmanager
async def at_the_door(home: Path, idle_s: float = 30.0, **rest: Any) -> AsyncIterator[Rig]:
    """Have a daemon that takes commands at a socket in `home`, ready to run."""
    async with daemon(home, SOURCE, **rest) as rig:
        settings = wanted(rig.exchange.base_url, home)
        async with open_door(home, Desk(rig.trader, settings, home, rig.venue.name), idle_s):
            yield rig


class Caller:
    """Somebody at the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def at(cls, home: Path) -> Caller:
        return cls(*await asyncio.open_unix_connection(str(home / SOCKET_NAME)))

    async def send(self, sent: bytes) -> Answer | None:
        """Send bytes and return the answer, None when the other side has hung up."""
        self._writer.write(sent)
        async with asyncio.timeout(10):
            line = await self._reader.readline()
        return read_answer(line) if line else None

    async def ask(self, request: Request) -> Any:
        return await self.send(write_request(request))

    async def ended(self) -> bool:
        async with asyncio.timeout(10):
            return await self._reader.read() == b""

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            async with asyncio.timeout(10):
                await self._writer.wait_closed()


async def noise(home: Path, seed: int) -> int:
    """Send rubbish for as long as somebody takes it; return how many answers came."""
    chance, answers = random.Random(seed), 0
    while (home / SOCKET_NAME).exists():
        sent = chance.randbytes(chance.choice([1, 50, 3_000, 40_000])) + chance.choice([b"\n", b""])
        with suppress(OSError):
            answers += await shout(home, sent)
        await asyncio.sleep(0.001)
    return answers


async def shout(home: Path, sent: bytes) -> bool:
    """Send bytes on a connection of their own; tell whether they were answered, or needed no answer."""
    caller = await Caller.at(home)
    try:
        answered = sent.endswith(b"\n") or len(sent) > MOST_BYTES
        return not answered or isinstance(await caller.send(sent), Malformed)
    finally:
        await caller.close()


async def test_rubbish_is_answered_and_the_trades_are_those_of_a_backtest(tmp_path: Path) -> None:
    end, audience = BEGIN + 90 * MINUTE_MS, Listener()
    async with at_the_door(tmp_path, end=end, speed=3_000.0, audience=audience) as rig:
        rubbish = [asyncio.create_task(noise(tmp_path, seed)) for seed in range(3)]
        await rig.to_the_end()
        made = traded(audience), counted(rig)
    assert min(await asyncio.gather(*rubbish)) > 5
    assert made == backtest(tmp_path / "store", tables_of(SOURCE), end)
    assert made[0], "the run must trade"
    assert not (tmp_path / SOCKET_NAME).exists()
    assert not (tmp_path / "commands.jsonl").exists()


async def test_a_connection_is_answered_line_by_line_and_bounded(tmp_path: Path) -> None:
    async with at_the_door(tmp_path, idle_s=0.3):
        one = await Caller.at(tmp_path)
        assert isinstance(await one.send(b'{"v":1,"ask":{"do":"status"}}\n'), Status)
        assert isinstance(await one.send(b"\xff\xfe\n"), Malformed)
        assert isinstance(await one.send(b"\n"), Malformed)
        answer = await one.send(b"x" * (MOST_BYTES + 1))
        assert answer == Malformed(f"a request is a line of at most {MOST_BYTES} bytes")
        assert await one.ended()
        silent = [await Caller.at(tmp_path) for _ in range(MOST_CONNECTIONS)]
        late = await Caller.at(tmp_path)
        refused = await late.ask(AskStatus())
        assert refused == Malformed(f"{MOST_CONNECTIONS} are connected already; try again later")
        assert all([await caller.ended() for caller in silent]), "who says nothing is sent away"
        again = await Caller.at(tmp_path)
        assert isinstance(await again.ask(AskStatus()), Status)
        for caller in (one, late, again, *silent):
            await caller.close()


async def test_a_command_acts_at_the_instant_that_was_said_and_is_written_down(tmp_path: Path) -> None:
    async with at_the_door(tmp_path, end=BEGIN + 200 * MINUTE_MS, speed=1_200.0) as rig:
        running = asyncio.create_task(rig.trader.run())
        await until(lambda: rig.trader.book.time > BEGIN)
        caller = await Caller.at(tmp_path)
        accepted = await caller.ask(Pause())
        assert isinstance(accepted, Accepted)
        assert accepted.acts_at == rig.trader.book.time + MINUTE_MS or accepted.acts_at == rig.trader.book.time
        happened = await caller.ask(Wait(accepted.number))
        assert happened == Happened(accepted.number, True, accepted.acts_at, ["a person paused entries"])
        assert await caller.ask(Wait(99)) == Refused("there is no command 99 in this run")
        await caller.ask(Close("DOGE"))
        rig.trader.stop()
        await running
        assert isinstance(await caller.ask(Pause()), Refused), "too late for the last snapshot"
        await caller.close()
    (line,) = (tmp_path / "commands.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert entry["command"] == {"do": "pause"}
    assert entry["answer"]["acts_at"] == accepted.acts_at
    assert entry["market_ms"] <= accepted.acts_at


async def test_an_accepted_command_is_in_the_snapshot_before_it_acts(tmp_path: Path) -> None:
    async with at_the_door(tmp_path, end=BEGIN + 200 * MINUTE_MS, speed=12.0) as rig:
        running = asyncio.create_task(rig.trader.run())
        caller = await Caller.at(tmp_path)
        await caller.ask(Set({"MIN_PROBABILITY": "0.9"}))
        status = await caller.ask(AskStatus())
        assert status.waiting == ["set MIN_PROBABILITY = 0.9"]
        await until(lambda: waiting_in(tmp_path / SNAPSHOT_NAME) == ["MIN_PROBABILITY"])
        rig.trader.stop()
        await running
        await caller.close()


def waiting_in(path: Path) -> list[str]:
    """Return the names in the commands that wait in a snapshot."""
    found = Snapshots(path).load()
    return [command.name for command in found.book.commands] if isinstance(found, Snapshot) else []


async def test_where_the_log_of_commands_cannot_be_written_they_act_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "commands.jsonl").mkdir()
    async with at_the_door(tmp_path) as rig:
        caller = await Caller.at(tmp_path)
        assert isinstance(await caller.ask(Pause()), Accepted)
        assert len(rig.trader.book.commands) == 1
        await caller.close()


async def test_where_no_socket_can_be_made_that_is_said_and_the_daemon_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / SOCKET_NAME).mkdir()
    async with at_the_door(tmp_path):
        assert "no commands can be taken (" in caplog.text
        assert "trading goes on, and a file KILL in DATA_DIR works" in caplog.text


async def test_a_fault_of_ours_is_an_answer(tmp_path: Path) -> None:
    async with daemon(tmp_path, SOURCE) as rig:
        desk = Desk(rig.trader, wanted(rig.exchange.base_url, tmp_path), tmp_path, rig.venue.name)
        nonsense: Any = object()
        answer = await desk.answer(nonsense, Peer(None, None))
        assert isinstance(answer, Failed)
        assert "a fault of this program" in answer.text
