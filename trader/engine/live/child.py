"""The embedded exchange as a process of our own: it begins and ends with the daemon, however that ends."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from trader.core.errors import Unavailable
from trader.core.settings import Settings

#: What the embedded exchange prints once it listens.
LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")
START_S = 60.0
STOP_S = 2.0
LOG_NAME = "exchange.log"
#: Lines of its log that are shown when it fails.
LAST_LINES = 3
ROOT = Path(__file__).resolve().parents[3]


class Child:
    """A running embedded exchange at `url`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.url = ""
        self._process = process
        self._log = log

    async def listening(self) -> None:
        """Wait until it listens; raise `Unavailable` with its words when it ends instead, or takes too long."""
        try:
            async with asyncio.timeout(START_S):
                self.url = await self._address()
        except TimeoutError:
            raise Unavailable(f"the embedded exchange did not start within {START_S:.0f} s{self._words()}") from None

    async def watch(self) -> None:
        """Wait for ever; raise `Unavailable` when it ends."""
        code = await self._process.wait()
        raise Unavailable(f"the embedded exchange has ended by itself (code {code}){self._words()}")

    async def stop(self) -> None:
        """End it: politely by closing its input, else at once."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _address(self) -> str:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            found = LISTENING.search(line.decode(errors="replace"))
            if found:
                return found[1]
        raise Unavailable(f"the embedded exchange did not start{self._words()}")

    def _words(self) -> str:
        """Return its last words."""
        lines = self._log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return f": {' / '.join(lines)}" if lines else " and said nothing"


@asynccontextmanager
async def embedded_child(settings: Settings, home: Path, at: int | None) -> AsyncIterator[Child]:
    """Run the embedded exchange on a generated market, held at `at` (ms), or at the start of its play.

    It has no log of ours: what it says goes to a file in `home`, which must be there. Its input is a pipe from us, and
    when that closes, as it does when we are killed, it stops.
    """
    with (home / LOG_NAME).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "trader.cli", *_options(settings, at)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=home,
            env=_environment(os.environ),
            start_new_session=True,
        )
    child = Child(process, home / LOG_NAME)
    try:
        await child.listening()
        yield child
    finally:
        await child.stop()


def _options(settings: Settings, at: int | None) -> list[str]:
    embedded = settings.EMBEDDED
    return [
        *("exchange", "--port", str(embedded.port), "--seed", str(embedded.seed), "--speed", str(embedded.speed)),
        *("--from", embedded.start, "--symbols", ",".join(settings.COINS), "--hold", "--until-stdin-closes"),
        *(("--at", str(at)) if at is not None else ()),
    ]


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without settings: they came by options; keys and a broken file are none of its business."""
    kept = {name: value for name, value in ours.items() if not name.startswith(("TRADER_", "BINANCE_"))}
    for name in ("MODE", "DATA_SOURCE", "BACKTEST_INITIAL_CAPITAL", "NUM_WORKERS"):
        kept.pop(name, None)
    return kept | {"PYTHONPATH": str(ROOT)}
