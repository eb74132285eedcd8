"""What would happen on `run` and on `backtest`, found out without trading: settings, data, disk, clock, connection."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trader.core.errors import ConfigError, TraderError, Unauthorized
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe, utc
from trader.engine.keys.stores import holder_of, unlocked
from trader.engine.live.homes import LOCK_NAME, home_of
from trader.engine.live.keeper import SNAPSHOT_NAME
from trader.engine.live.lock import running_daemon
from trader.engine.live.session import misfit
from trader.engine.live.snapshot import Snapshots
from trader.engine.live.venue import Venue, open_venue
from trader.engine.safety.confirmation import Confirmation, terms_of
from trader.engine.safety.disk import disk_findings, journal_finding, known_of
from trader.engine.safety.findings import Known, account_findings
from trader.engine.safety.found import FAIL, OK, WARN, Found
from trader.engine.safety.gate import address_faults, orders_wanted, start_faults
from trader.engine.safety.look import look
from trader.engine.streams import plan_streams
from trader.exchange.binance.endpoints import kline_stream
from trader.exchange.binance.order_limits import order_limits, window_s
from trader.exchange.binance.pool import StreamPool
from trader.exchange.binance.symbols import market_info
from trader.execution.governor import WeightGovernor
from trader.market.history import finest_stored
from trader.market.instruments import instruments
from trader.market.store import Store

#: How long connection and clock may take in all, and the first message of a stream, seconds.
CONNECT_S = 14.0
MESSAGE_S = 5.0
#: A clock that is off by more will have signed requests refused (recvWindow), ms.
LARGEST_OFFSET_MS = 1_000


async def check(settings: Settings) -> AsyncIterator[Found]:
    """Yield what was found, as it is found; within some seconds, whatever hangs.

    Where orders would go to an exchange, its account is looked at, too, by reads alone.
    """
    disk = list(_disk(settings))
    for found in disk:
        yield found
    if any(found.state == FAIL for found in disk):
        return  # all else lives there
    for found in (*_data(settings), _lock(settings)):
        yield found
    faults = start_faults(settings)
    for fault in faults:
        yield Found(FAIL, "start", fault)
    known: Known | None = None
    if orders_wanted(settings):
        settings, key = unlocked_or_not(settings)
        journal, pool = await asyncio.to_thread(journal_finding, settings, home_of(settings))
        for found in (*key, *disk_findings(settings, home_of(settings)), journal):
            yield found
        known = known_of(pool)
    else:
        yield _snapshot(settings)
    if not address_faults(settings):
        for found in await _connection(settings, known):
            yield found


def has_key(settings: Settings) -> bool:
    """Tell whether both halves of a key are there."""
    return bool(settings.BINANCE_API_KEY.get_secret_value() and settings.BINANCE_API_SECRET.get_secret_value())


def unlocked_or_not(settings: Settings) -> tuple[Settings, list[Found]]:
    """Return the settings with the key that they name where it can be had, and what was found of it."""
    try:
        name = settings.KEY_NAME
        found = [Found(OK, "key", f"{name} is in {holder_of(settings, name)}")] if name else []
        return unlocked(settings), found
    except ConfigError as error:
        return settings, [Found(FAIL, "key", fault) for fault in error.faults]


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


async def _connection(settings: Settings, known: Known | None) -> list[Found]:
    found: list[Found] = []
    try:
        with tempfile.TemporaryDirectory() as scratch:
            async with asyncio.timeout(CONNECT_S), open_venue(settings, Path(scratch)) as venue:
                await _ask(settings, venue, found, known)
    except TimeoutError:
        found.append(Found(FAIL, "connection", f"no answer within {CONNECT_S:g} s"))
    except TraderError as error:
        found.append(Found(FAIL, "connection", str(error)))
    return found


async def _ask(settings: Settings, venue: Venue, found: list[Found], known: Known | None) -> None:
    """Ask the venue; with `known` also of the account."""
    before = time.time()
    server_ms = await venue.rest.time()
    offset = server_ms - int((before + time.time()) * 500)
    state = OK if abs(offset) <= LARGEST_OFFSET_MS else WARN
    found.append(Found(state, "clock", f"the venue's clock is {offset:+d} ms from ours"))
    info = await venue.rest.exchange_info()
    plan = plan_streams(settings, venue.finest(info))
    found += [Found(WARN, "run", note) for note in plan.notes]
    found.append(Found(OK, "connection", f"REST answers: {venue.title}, {len(info.get('symbols', []))} symbols"))
    found.append(_limits(venue, info))
    if known is not None and (venue.credentials or has_key(settings)):
        found += await _account(settings, venue, info, list(plan.exits), known)
    found.append(await _first_message(settings, venue, next(iter(plan.exits))))
    found.append(Found(OK, "run", f"it would trade {', '.join(plan.exits)} on {len(plan.streams)} streams"))


def _limits(venue: Venue, info: Mapping[str, Any]) -> Found:
    """Say what may be sent, and what counts already: others on this address, too."""
    weight, gate = market_info(info).weight_limit, venue.rest.gate
    orders = ", ".join(f"{limit} in {window_s(name)} s" for name, limit in order_limits(info).items())
    used = f"; {gate.used:,} used so far" if isinstance(gate, WeightGovernor) else ""
    return Found(OK, "limits", f"weight {weight or gate.limit:,} a minute{used}; orders {orders or 'not said'}")


async def _account(
    settings: Settings, venue: Venue, info: Mapping[str, Any], coins: Sequence[str], known: Known
) -> list[Found]:
    """Look at the account of the key; a start in MODE=live says the same before it asks for a person's word."""
    try:
        seen = await look(settings, venue, coins)
    except Unauthorized as error:
        return [Found(FAIL, "key", f"the exchange refuses it: {error}")]
    found = list(account_findings(settings, seen, market_info(info), known))
    if settings.MODE == "live":
        found.append(_confirmed(settings, venue))
    return found


def _confirmed(settings: Settings, venue: Venue) -> Found:
    changed = Confirmation(home_of(settings)).changed(terms_of(settings, venue.endpoints))
    if not changed:
        return Found(OK, "start", "a person has confirmed these terms")
    return Found(WARN, "start", f"`run` would ask a person on a terminal, or want --yes ({'; '.join(changed)})")


async def _first_message(settings: Settings, venue: Venue, symbol: str) -> Found:
    """Wait for one message of a stream; a held play is let go, it is ours and ends with us."""
    stream = kline_stream(settings.MARKET, symbol, Timeframe.MIN_1)
    heard = asyncio.Event()
    pool = StreamPool(venue.endpoints, [stream], lambda message: heard.set(), lambda state: None)
    running = asyncio.create_task(pool.run())
    try:
        await venue.start_play()
        async with asyncio.timeout(MESSAGE_S):
            await heard.wait()
        return Found(OK, "connection", f"stream {stream} speaks")
    except TimeoutError:
        return Found(WARN, "connection", f"stream {stream} said nothing within {MESSAGE_S:g} s")
    finally:
        pool.stop()
        await asyncio.gather(running, return_exceptions=True)
