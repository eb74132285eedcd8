"""The embedded exchange as a process of our own: it begins and ends with the daemon, however that ends.

Where orders go to it, it has one account, whose key is made anew at each start and told over a pipe. What that account
holds is in a file of the exchange's beside it, and goes on at the next start.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import string
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path

from trader.core.errors import Unavailable
from trader.core.settings import Settings
from trader.engine.live.snapshot import put_aside
from trader.engine.redaction import redactor
from trader.engine.safety.gate import orders_wanted
from trader.engine.settings.layers import BARE_NAMES
from trader.exchange.binance.trade_client import Credentials

#: What the embedded exchange prints once it listens.
LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")
START_S = 60.0
STOP_S = 2.0
LOG_NAME = "exchange.log"
#: Where the exchange keeps what the account holds.
ACCOUNTS_NAME = "exchange-accounts.msgpack"
LETTERS = string.ascii_letters + string.digits
#: Lines of its log that are shown when it fails.
LAST_LINES = 3
ROOT = Path(__file__).resolve().parents[3]


class Child:
    """A running embedded exchange at `url`; `credentials` are those of the account there, None without one."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, credentials: Credentials | None) -> None:
        self.url = ""
        self.credentials = credentials
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

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

    With `at` its account goes on with what is kept in `home`; without, a new one begins and what is kept is put aside.
    It has no log of ours: what it says goes to a file in `home`, which must be there. Its input is a pipe from us, and
    when that closes, as it does when we are killed, it stops.
    """
    credentials = _new_account() if orders_wanted(settings) else None
    if at is None and has_accounts(home):
        put_aside(home / ACCOUNTS_NAME)
    with (home / LOG_NAME).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "trader.cli", *_options(settings, at), *_trading(settings, home, credentials)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=home,
            env=_environment(os.environ),
            start_new_session=True,
        )
    child = Child(process, home / LOG_NAME, credentials)
    try:
        if credentials is not None:
            await _tell(process, f"{credentials.api_key} {credentials.api_secret} {_balance(settings)}\n")
        await child.listening()
        yield child
    finally:
        await child.stop()


def has_accounts(home: Path) -> bool:
    """Tell whether an exchange of our own has left what its account holds."""
    return (home / ACCOUNTS_NAME).exists()


def _new_account() -> Credentials:
    """Return a key and a secret that nobody else has ever seen."""
    key, secret = ("".join(secrets.choice(LETTERS) for _ in range(64)) for _ in range(2))
    redactor.remember(secret)
    return Credentials(key, secret)


def _balance(settings: Settings) -> str:
    return f"{settings.QUOTE}={Decimal(repr(settings.BACKTEST_INITIAL_CAPITAL)):f}"


async def _tell(process: asyncio.subprocess.Process, text: str) -> None:
    """Say something to the exchange on its input; one that has ended will be found so by whoever waits for it."""
    assert process.stdin is not None
    with suppress(ConnectionError):
        process.stdin.write(text.encode())
        await process.stdin.drain()


def _trading(settings: Settings, home: Path, credentials: Credentials | None) -> list[str]:
    """Return the options of an exchange that takes orders: its prices and fees are those of a simulated fill.

    It waits at each close until the orders of that instant are answered, so its speed decides nothing.
    """
    if credentials is None:
        return []
    exits = settings.EXIT_TIMEFRAME or min(settings.TIMEFRAMES, key=lambda timeframe: timeframe.ms)
    costs = {
        "SLIPPAGE_PCT": settings.SLIPPAGE_PCT,
        "TAKER_FEE.spot": settings.TAKER_FEE.spot,
        "TAKER_FEE.futures": settings.TAKER_FEE.futures,
        "MAKER_FEE.spot": settings.MAKER_FEE.spot,
        "MAKER_FEE.futures": settings.MAKER_FEE.futures,
    }
    return [
        *("--account-from-stdin", "--lockstep", "--judge", exits.value),
        *("--keep", str((home / ACCOUNTS_NAME).resolve())),
        *(part for name, value in costs.items() for part in ("--set", f"{name}={value}")),
    ]


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
    for name in BARE_NAMES:
        kept.pop(name, None)
    return kept | {"PYTHONPATH": str(ROOT)}
