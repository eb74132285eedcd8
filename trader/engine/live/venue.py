"""The market a daemon trades on: its addresses, its REST door, and what it plays when it is embedded."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from trader.core.candle import EXTRA_COLUMNS
from trader.core.errors import ConfigError, Unavailable
from trader.core.settings import Settings
from trader.core.timeframe import MINUTE_MS, SECOND_MS, Timeframe
from trader.engine.live.child import Child, embedded_child
from trader.engine.live.names import play_name, readable
from trader.engine.live.rest_door import rest_door
from trader.engine.safety.gate import address_faults, goes_to_this_machine
from trader.exchange.binance.endpoints import Endpoints, endpoints
from trader.exchange.binance.rest import BinanceRest

log = logging.getLogger(__name__)

#: REST may lag so far behind the streams, ms: a candle that it does not show by then does not exist.
REST_LAG_MS = 2_000
ASK_S = 5.0


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
    lockstep: bool = False


class Venue:
    """An open market. `name` is what a snapshot must agree with: the same venue, and when embedded the same play;
    `title` is the same for people.

    `credentials` are those of the account that an exchange of our own has made for us, None elsewhere. `keeps_time`:
    wall time says something about the market's; not so where a play goes as fast as it can.
    """

    def __init__(
        self,
        settings: Settings,
        addresses: Endpoints,
        rest: BinanceRest,
        state: PlayState | None,
        child: Child | None = None,
    ) -> None:
        self.endpoints = addresses
        self.rest = rest
        self.embedded = state is not None
        self.name = _name(settings, addresses, state)
        self.title = readable(self.name)
        self.first_state = state
        self.keeps_time = state is None or state.speed != "max"
        self.lockstep = state is not None and state.lockstep
        self._market = settings.MARKET
        self._coins = settings.COINS
        self._child = child
        self.credentials = child.credentials if child else None
        self._offset_ms = 0

    async def play(self) -> PlayState | None:
        """Return the state of the play, None where the venue is no embedded exchange."""
        return await play_state(self.endpoints.rest) if self.embedded else None

    async def start_play(self) -> bool:
        """Let a held play begin; tell whether it was held."""
        state = await self.play()
        if state is None or state.started:
            return False
        await _ask("POST", f"{self.endpoints.rest}/control/start")
        return True

    async def go(self, time_ms: int) -> None:
        """Let a play in lockstep pass `time_ms`."""
        await _ask("POST", f"{self.endpoints.rest}/control/go?time={time_ms}")

    async def market_time(self) -> int:
        """Ask for the time of the market, ms: of the play, or of the venue's server."""
        state = await self.play()
        if state is not None:
            return state.now
        now = await self.rest.time()
        self._offset_ms = now - _wall_ms()
        return now

    def server_ms(self) -> int:
        """Return the time of the venue's server by our clock and the difference last measured, ms."""
        return _wall_ms() + self._offset_ms

    def market_ms(self, clock_ms: int) -> int:
        """Return how far the market has come, given the newest time that the streams have shown, ms."""
        return clock_ms if self.embedded else self.server_ms()

    def known_ms(self, clock_ms: int) -> int:
        """Return up to when REST knows everything, given the newest time that the streams have shown, ms.

        An embedded exchange tells the same by all its doors; another's REST may lag behind its streams.
        """
        return clock_ms if self.embedded else self.server_ms() - REST_LAG_MS

    async def settled_time(self, base_ms: int) -> int:
        """Return the latest close of candles of `base_ms` that REST knows for sure; wait for one that is near."""
        now = await self.market_time()
        if self.embedded:
            return now - now % base_ms
        if now % base_ms < REST_LAG_MS < base_ms:
            await asyncio.sleep((REST_LAG_MS - now % base_ms) / 1000)
        known = self.server_ms() - REST_LAG_MS
        return known - known % base_ms

    def finest(self, info: Mapping[str, Any]) -> dict[str, Timeframe | None]:
        """Return the finest candles that can be had of each coin, None of those that `info` does not list.

        Spot has names for 1s and for minutes: of 15s or 30s that an embedded exchange plays, minutes are the finest.
        """
        if self.first_state is not None:
            played = self.first_state.finest.get(self._market, {})
            return {
                name: self._served(Timeframe.parse(played[name])) if name in played else None for name in self._coins
            }
        trading = {entry.get("symbol") for entry in info.get("symbols", []) if entry.get("status") == "TRADING"}
        return {name: Timeframe.SEC_1 if name in trading else None for name in self._coins}

    def _served(self, finest: Timeframe) -> Timeframe:
        between = SECOND_MS < finest.ms < MINUTE_MS
        return Timeframe.MIN_1 if self._market == "spot" and between else finest

    def absent_columns(self, symbol: str) -> tuple[str, ...]:
        """Return the optional columns that the venue's candles of a coin lack."""
        columns = self.first_state.columns.get(self._market, {}) if self.first_state else {}
        held = columns.get(symbol, EXTRA_COLUMNS)
        return tuple(name for name in EXTRA_COLUMNS if name not in held)

    async def watch(self) -> None:
        """Wait for ever; raise `Unavailable` when an exchange of our own ends."""
        if self._child is not None:
            await self._child.watch()
        await asyncio.Event().wait()


@asynccontextmanager
async def open_venue(settings: Settings, home: Path, at: int | None = None) -> AsyncIterator[Venue]:
    """Open the venue of `MODE`; an embedded exchange without `REST_URL` is started as a child, held at `at` (ms)."""
    if faults := address_faults(settings):
        raise ConfigError(faults)
    if goes_to_this_machine(settings):
        log.warning("MODE=%s goes to %s on this machine: nothing reaches Binance", settings.MODE, settings.REST_URL)
    if is_own_child(settings):
        async with embedded_child(settings, home, at) as child, _connected(settings, child.url, home, child) as venue:
            yield venue
    else:
        async with _connected(settings, settings.REST_URL, home) as venue:
            yield venue


def is_own_child(settings: Settings) -> bool:
    """Tell whether the daemon plays a market of its own."""
    return settings.MODE == "embedded" and not settings.REST_URL


def venue_endpoints(settings: Settings, rest_url: str = "") -> Endpoints:
    """Return the addresses of the settings' venue."""
    return endpoints(settings.MODE, settings.MARKET, rest_url or settings.REST_URL, settings.STREAM_URL)


@asynccontextmanager
async def _connected(settings: Settings, url: str, home: Path, child: Child | None = None) -> AsyncIterator[Venue]:
    addresses = venue_endpoints(settings, url)
    state = await play_state(addresses.rest) if settings.MODE == "embedded" else None
    async with rest_door(settings, addresses, home) as rest:
        yield Venue(settings, addresses, rest, state, child)


async def play_state(url: str) -> PlayState:
    """Ask the embedded exchange at `url` for its state; raise `Unavailable`, or `ConfigError` when it is none."""
    answer = await _ask("GET", f"{url}/control/state")
    try:
        return msgspec.convert(answer, PlayState, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"REST_URL={url} is no embedded exchange ({error}); allowed with MODE=embedded: one"
        ) from None


async def _ask(method: str, url: str) -> Any:
    try:
        timeout = aiohttp.ClientTimeout(total=ASK_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.request(method, url) as answer:
            return await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unavailable(
            f"the embedded exchange does not answer at {url} ({error or type(error).__name__})"
        ) from error


def _wall_ms() -> int:
    return int(time.time() * 1000)


def _name(settings: Settings, addresses: Endpoints, state: PlayState | None) -> str:
    if state is None:
        return f"{settings.MODE} {addresses.rest} {settings.MARKET}"
    played = f"generated market, seed {state.seed}" if state.generated else f"stored candles of {state.data}"
    return play_name(settings.MARKET, played, state.start)
