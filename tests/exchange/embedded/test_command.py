"""`python start.py exchange` as a process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest

from tests.builders import START_MS
from tests.exchange.embedded.sources import coin
from tests.exchange.embedded.traders import KEY, SECRET, Client
from tests.exchange.embedded.wires import control, get
from tests.shared import ROOT
from trader.cli.app import main
from trader.core.timeframe import MINUTE_MS
from trader.market.store import Store

START_S = 30.0


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the command and give its process and address; end it when the test has not."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRADER_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trader.cli", "exchange", *options),
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process, await address(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def address(process: asyncio.subprocess.Process) -> str:
    """Return the address that the process says it listens on, "" when it ends before."""
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        async for line in process.stdout:
            if line.startswith(b"listening on "):
                return line.decode().split()[-1]
    return ""


async def code_within_a_second(process: asyncio.subprocess.Process) -> int:
    """Return the exit code; fail when the process takes longer than a busy machine's second."""
    began = time.monotonic()
    async with asyncio.timeout(5):
        code = await process.wait()
    assert time.monotonic() - began < 3
    return code


async def test_it_plays_a_generated_market_and_ends_with_its_parent() -> None:
    async with (
        running("--port", "0", "--seed", "3", "--until-stdin-closes", "--hold") as (process, base),
        aiohttp.ClientSession(base) as session,
        session.ws_connect("/ws"),
    ):
        _, state, _ = await get(session, "/control/state")
        assert (state["generated"], state["seed"], state["started"]) == (True, 3, False)
        assert process.stdin is not None
        process.stdin.close()
        assert await code_within_a_second(process) == 0


async def test_accounts_trade_on_it() -> None:
    options = (
        "--port",
        "0",
        "--hold",
        "--key",
        KEY,
        "--secret",
        SECRET,
        "--balance",
        "USDT=500,BTC=1",
        "--spread",
        "0",
    )
    async with running(*options, "--symbols", "BTCUSDT") as (_, base), aiohttp.ClientSession(base) as session:
        client = Client(session)
        body = (await client.order("SELL", "MARKET", quantity="0.01")).body
        assert body["status"] == "FILLED"
        async with session.get("/api/v3/ticker/price", params={"symbol": "BTCUSDT"}) as answer:
            price = float((await answer.json())["price"])
        assert float(body["fills"][0]["price"]) == pytest.approx(price, rel=0.01)
        assert (await client.balances())["BTC"][0] == Decimal("0.99")


async def test_without_a_key_one_is_made_and_printed() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trader.cli", "exchange", "--port", "0", "--hold"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        line = (await process.stdout.readline()).split()
    process.kill()
    await process.wait()
    assert line[:7] == b"account made for this run: key".split() + line[6:7]
    assert (len(line[6]), line[7], len(line[8])) == (64, b"secret", 64)


async def test_it_plays_a_store_between_two_times(tmp_path: Path) -> None:
    Store(tmp_path).merge("spot", coin("BTCUSDT", 2_000))
    span = ("--from", "2025-01-01T10:00", "--to", "2025-01-01T20:00", "--at", "2025-01-01T12:00")
    options = ("--data", str(tmp_path), *span, "--speed", "max", "--fault", "skew=-5000", "--fault-seed", "9")
    async with running(*options) as (process, base):
        async with aiohttp.ClientSession(base) as session:
            _, state, _ = await get(session, "/control/state")
            assert [state[name] - START_MS for name in ("start", "now", "end")] == [
                minutes * MINUTE_MS for minutes in (600, 720, 1_200)
            ]
            assert (state["speed"], state["faults"]["seed"]) == ("max", 9)
            await control(session, "stop")
        assert await code_within_a_second(process) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
async def test_signals_end_it_soon(number: signal.Signals, code: int) -> None:
    async with running() as (process, _):
        process.send_signal(number)
        assert await code_within_a_second(process) == code


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--speed", "warp"), "max"),
        (("--fault", "rain=0.1"), "drop"),
        (("--data", "no/such/folder"), "import"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "end must be after its start"),
        (("--port", "70000"), "65535"),
    ],
)
def test_wrong_use_is_refused_in_words(
    options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["exchange", *options]) == 2
    assert words in "".join(capsys.readouterr())
