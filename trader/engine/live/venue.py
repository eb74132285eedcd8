"""The market a daemon trades on: its addresses, its REST door, and what it plays when it is embedded."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from trader.core.errors import ConfigError, Unavailable
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.exchange.binance.endpoints import Endpoints, endpoints
from trader.exchange.binance.rest import BinanceRest
from trader.exchange.embedded.options import parse_time
from trader.execution.bans import BanFile
from trader.execution.governor import WeightGovernor

log = logging.getLogger(__name__)

#: What the embedded exchange prints once it listens.
LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")
CHILD_START_S = 60.0
CHILD_STOP_S = 3.0
#: Weight limits to begin with; exchangeInfo brings the real ones.
FIRST_WEIGHT = {"spot": 6_000, "futures": 2_400}
FUNDING_WEIGHT, FUNDING_WINDOW_S = 500, 300.0


class PlayState(msgspec.Struct, frozen=True):
    """What the embedded exchange says of its play; times in ms UTC."""

    generated: bool
    source: str
    seed: int
    start: int
    now: int
    ended: bool
    started: bool
    speed: float | str
    finest: dict[str, dict[str, str]]
    columns: dict[str, dict[str, Sequence[str]]]
    data: str | None = None
    end: int | None = None


class Venue:
    """An open market. `name` is what a snapshot must agree with: the same venue, and when embedded the same play."""

    def __init__(self, settings: Settings, addresses: Endpoints, rest: BinanceRest, state: PlayState | None) -> None:
        self.market = settings.MARKET
        self.endpoints = addresses
        self.rest = rest
        self.embedded = state is not None
        self.name = _name(settings, addresses, state)
        self.first_state = state

    async def play(self) -> PlayState | None:
        """Return the state of the play, None where the venue is no embedded exchange."""
        return await _play_state(self.endpoints.rest) if self.embedded else None

    async def start_play(self) -> None:
        """Let a held play begin."""
        if self.embedded:
            await _ask("POST", f"{self.endpoints.rest}/control/start")

    async def market_time(self) -> int:
        """Return the time of the market in ms: of the play, or of the venue's server."""
        state = await self.play()
        return await self.rest.time() if state is None else state.now


@asynccontextmanager
async def open_venue(settings: Settings, data: Path, at: int | None = None) -> AsyncIterator[Venue]:
    """Open the venue of `MODE`; an embedded exchange without `REST_URL` is started as a child, held at `at` (ms)."""
    refuse_modes_without_orders(settings)
    if settings.MODE == "embedded" and not settings.REST_URL:
        async with _child(settings, at) as url, _connected(settings, url, data) as venue:
            yield venue
    else:
        async with _connected(settings, settings.REST_URL, data) as venue:
            yield venue


def refuse_modes_without_orders(settings: Settings) -> None:
    """Raise `ConfigError` for modes that would need real orders."""
    if settings.MODE in ("demo", "testnet", "live"):
        raise ConfigError(
            f"MODE={settings.MODE} sends real orders, which this version cannot do yet; allowed: embedded (an exchange "
            "on this machine), paper (Binance's public streams, simulated fills)"
        )


@asynccontextmanager
async def _connected(settings: Settings, url: str, data: Path) -> AsyncIterator[Venue]:
    addresses = endpoints(settings.MODE, settings.MARKET, url, settings.STREAM_URL)
    state = await _play_state(addresses.rest) if settings.MODE == "embedded" else None
    bans = BanFile(data / "bans.json")
    gate = WeightGovernor(FIRST_WEIGHT[settings.MARKET], settings.WEIGHT_RESERVE, key=addresses.rest, bans=bans)
    funding_gate = WeightGovernor(FUNDING_WEIGHT, window_s=FUNDING_WINDOW_S)
    async with BinanceRest(addresses, gate, funding_gate) as rest:
        yield Venue(settings, addresses, rest, state)


@asynccontextmanager
async def _child(settings: Settings, at: int | None) -> AsyncIterator[str]:
    """Run the embedded exchange as a process that ends with us: it stops when its input closes."""
    embedded = settings.EMBEDDED
    options = [
        *("exchange", "--port", str(embedded.port), "--seed", str(embedded.seed), "--speed", str(embedded.speed)),
        *("--from", embedded.start, "--symbols", ",".join(settings.COINS), "--hold", "--until-stdin-closes"),
        *(("--at", str(at)) if at is not None else ()),
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "trader.cli",
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield await asyncio.wait_for(_listening(process), CHILD_START_S)
    finally:
        await _end(process)


async def _listening(process: asyncio.subprocess.Process) -> str:
    """Return the address that the child prints; raise `ConfigError` with its words when it ends instead."""
    assert process.stdout is not None
    said: list[str] = []
    async for line in process.stdout:
        said.append(line.decode(errors="replace").rstrip())
        found = LISTENING.search(said[-1])
        if found:
            return found[1]
    raise ConfigError(f"the embedded exchange did not start: {' / '.join(said[-5:]) or 'it said nothing'}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), CHILD_STOP_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _play_state(url: str) -> PlayState:
    return msgspec.convert(await _ask("GET", f"{url}/control/state"), PlayState, strict=False)


async def _ask(method: str, url: str) -> Any:
    try:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.request(method, url) as answer:
            return await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unavailable(
            f"the embedded exchange does not answer at {url} ({error or type(error).__name__})"
        ) from error


def child_name(settings: Settings) -> str:
    """Return the name that the venue of our own child will have."""
    embedded = settings.EMBEDDED
    return _play_name(settings, f"generated market, seed {embedded.seed}", parse_time(embedded.start))


def _name(settings: Settings, addresses: Endpoints, state: PlayState | None) -> str:
    if state is None:
        return f"{settings.MODE} {addresses.rest} {settings.MARKET}"
    played = f"generated market, seed {state.seed}" if state.generated else f"stored candles of {state.data}"
    return _play_name(settings, played, state.start)


def _play_name(settings: Settings, played: str, start_ms: int) -> str:
    return f"embedded {settings.MARKET}, {played}, from {start_ms}"


def finest_of(state: PlayState | None, settings: Settings) -> dict[str, Timeframe | None]:
    """Return the finest candles the venue has of each coin: the play's, or what Binance offers (seconds)."""
    if state is None:
        return dict.fromkeys(settings.COINS, Timeframe.SEC_1)
    played = state.finest.get(settings.MARKET, {})
    return {symbol: Timeframe.parse(played[symbol]) if symbol in played else None for symbol in settings.COINS}
