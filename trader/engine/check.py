"""What would happen on `run` and on `backtest`, found out without trading: settings, data, disk, clock, connection."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec

from trader.core.errors import ConfigError, TraderError
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine.live.keeper import SNAPSHOT_NAME
from trader.engine.live.lock import running_daemon
from trader.engine.live.session import LOCK_NAME, home_of, misfit
from trader.engine.live.snapshot import Snapshots
from trader.engine.live.status import utc
from trader.engine.live.venue import Venue, open_venue
from trader.engine.streams import plan_streams
from trader.exchange.binance.endpoints import kline_stream
from trader.exchange.binance.pool import StreamPool
from trader.market.history import finest_stored
from trader.market.instruments import instruments
from trader.market.store import Store

#: How long connection and clock may take in all, and the first message of a stream, seconds.
CONNECT_S = 14.0
MESSAGE_S = 5.0
#: A clock that is off by more will have signed requests refused (recvWindow), ms.
LARGEST_OFFSET_MS = 1_000

OK, WARN, FAIL = "ok", "warn", "fail"


class Found(msgspec.Struct, frozen=True):
    """One finding: `state` is ok, warn or fail, `about` what was looked at, `text` what was found, in words."""

    state: str
    about: str
    text: str


async def check(settings: Settings) -> AsyncIterator[Found]:
    """Yield what was found, as it is found; within some seconds, whatever hangs."""
    disk = list(_disk(settings))
    for found in disk:
        yield found
    if any(found.state == FAIL for found in disk):
        return  # all else lives there
    for found in (*_data(settings), _lock(settings), _snapshot(settings)):
        yield found
    for found in await _connection(settings):
        yield found


def _disk(settings: Settings) -> Iterator[Found]:
    for name, folder in (("DATA_DIR", settings.DATA_DIR), ("STAT_DIR", settings.STAT_DIR)):
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                yield Found(OK, "disk", f"{name} {folder} can be written")
        except OSError as error:
            yield Found(FAIL, "disk", f"{name} {folder} cannot be written ({error.strerror or error})")


def _data(settings: Settings) -> Iterator[Found]:
    """Say what a backtest would run on."""
    store, market = Store(Path(settings.DATA_DIR)), settings.MARKET
    finest = {symbol: finest_stored(store, market, symbol) for symbol in settings.COINS}
    for symbol, timeframe in finest.items():
        yield _coin(store, market, symbol, timeframe)
    try:
        plan = plan_streams(settings, finest)
    except ConfigError:
        yield Found(WARN, "backtest", "it would refuse to start: there are no candles (import or download some)")
        return
    for note in plan.notes:
        yield Found(WARN, "backtest", note)
    _, fallbacks = instruments(store, settings, list(plan.exits))
    if fallbacks:
        yield Found(WARN, "backtest", f"no stored filters for {', '.join(fallbacks)}: DEFAULT_FILTERS would stand in")
    yield Found(OK, "backtest", f"it would run {len(plan.streams)} streams of {', '.join(plan.exits)}")


def _coin(store: Store, market: str, symbol: str, timeframe: Timeframe | None) -> Found:
    if timeframe is None:
        return Found(WARN, "data", f"{symbol} ({market}): nothing is stored")
    manifest = store.manifest(market, symbol, timeframe)
    first, last = manifest.first or 0, (manifest.last or 0) + timeframe.ms
    gaps = f"{len(manifest.gaps)} gaps" if manifest.gaps else "no gaps"
    text = f"{symbol} ({market}): {manifest.rows:,} candles of {timeframe} from {utc(first)} to {utc(last)}, {gaps}"
    return Found(OK, "data", text)


def _lock(settings: Settings) -> Found:
    path = home_of(settings) / LOCK_NAME
    holder = running_daemon(path)
    if holder is None:
        return Found(OK, "lock", "no daemon is running here")
    return Found(FAIL, "lock", f"a daemon is running already (process {holder}): `run` would refuse to start")


def _snapshot(settings: Settings) -> Found:
    found = Snapshots(home_of(settings) / SNAPSHOT_NAME).load()
    if found is None:
        return Found(
            OK, "snapshot", f"there is none: `run` would begin a pool of {settings.BACKTEST_INITIAL_CAPITAL:,.2f}"
        )
    reason = found if isinstance(found, str) else misfit(found, settings)
    if isinstance(found, str) or reason is not None:
        return Found(WARN, "snapshot", f"it does not fit: {reason}; `run` would put it aside and begin a new pool")
    book = found.book
    text = f"`run` would take up equity {book.worth():,.2f} and {len(book.trades)} open trades of {utc(found.at)}"
    return Found(OK, "snapshot", text)


async def _connection(settings: Settings) -> list[Found]:
    found: list[Found] = []
    try:
        with tempfile.TemporaryDirectory() as scratch:
            async with asyncio.timeout(CONNECT_S), open_venue(settings, Path(scratch)) as venue:
                await _ask(settings, venue, found)
    except TimeoutError:
        found.append(Found(FAIL, "connection", f"no answer within {CONNECT_S:g} s"))
    except TraderError as error:
        found.append(Found(FAIL, "connection", str(error)))
    return found


async def _ask(settings: Settings, venue: Venue, found: list[Found]) -> None:
    before = time.time()
    server_ms = await venue.rest.time()
    offset = server_ms - int((before + time.time()) * 500)
    state = OK if abs(offset) <= LARGEST_OFFSET_MS else WARN
    found.append(Found(state, "clock", f"the venue's clock is {offset:+d} ms from ours"))
    info = await venue.rest.exchange_info()
    plan = plan_streams(settings, venue.finest(info))
    found += [Found(WARN, "run", note) for note in plan.notes]
    found.append(Found(OK, "connection", f"REST answers: {venue.title}, {len(info.get('symbols', []))} symbols"))
    found.append(await _first_message(settings, venue, next(iter(plan.exits))))
    found.append(Found(OK, "run", f"it would trade {', '.join(plan.exits)} on {len(plan.streams)} streams"))


async def _first_message(settings: Settings, venue: Venue, symbol: str) -> Found:
    """Wait for one message of a stream; a held play is let go, it is ours and ends with us."""
    stream = kline_stream(settings.MARKET, symbol, Timeframe.MIN_1)
    heard = asyncio.Event()
    pool = StreamPool(venue.endpoints, [stream], lambda message: heard.set(), lambda state: None)
    running = asyncio.create_task(pool.run())
    try:
        await venue.start_play()
        await asyncio.wait_for(heard.wait(), MESSAGE_S)
        return Found(OK, "connection", f"stream {stream} speaks")
    except TimeoutError:
        return Found(WARN, "connection", f"stream {stream} said nothing within {MESSAGE_S:g} s")
    finally:
        pool.stop()
        await asyncio.gather(running, return_exceptions=True)
