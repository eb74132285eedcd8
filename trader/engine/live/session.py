"""A daemon from start to end: lock, snapshot, venue, trader, signals, last words."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec

from trader.core.settings import Settings
from trader.engine.live.keeper import SNAPSHOT_NAME
from trader.engine.live.lock import only_daemon
from trader.engine.live.snapshot import Snapshot, Snapshots
from trader.engine.live.trader import LiveWebSocketTrader
from trader.engine.live.venue import Venue, child_name, open_venue, refuse_modes_without_orders
from trader.market.store import Store
from trader.trading.book import Book
from trader.trading.notes import Audience

log = logging.getLogger(__name__)

LOCK_NAME = "trader.lock"
#: What makes an audience, given the daemon's home and whether its pool goes on from a snapshot.
MakeAudience = Callable[[Path, bool], Audience]


class Outcome(msgspec.Struct, frozen=True):
    """How a daemon ended: its books, whether its market's play was over, what it counted."""

    book: Book
    finished: bool
    interrupted: bool
    candles: int
    reconnects: int
    repaired: int


def home_of(settings: Settings) -> Path:
    """Return the folder of the daemon's own files: lock, snapshot, log of trades."""
    return Path(settings.DATA_DIR) / "live" / f"{settings.MODE}-{settings.MARKET}"


def store_of(settings: Settings, venue: Venue) -> Store:
    """Return the store of a venue: the user's own for real candles, one apart for whatever an embedded one plays."""
    if not venue.embedded:
        return Store(Path(settings.DATA_DIR))
    slug = re.sub(r"\W+", "-", venue.name)[:40].strip("-")
    digest = hashlib.sha256(venue.name.encode()).hexdigest()[:8]
    return Store(home_of(settings) / f"candles-{slug}-{digest}")


async def run_session(settings: Settings, make_audience: MakeAudience) -> Outcome:
    """Trade until SIGTERM, Ctrl-C, or the end of an embedded play."""
    refuse_modes_without_orders(settings)
    home = home_of(settings)
    with only_daemon(home / LOCK_NAME):
        snapshot = _first_look(settings, home)
        at = snapshot.book.time if snapshot else None
        async with open_venue(settings, home, at) as venue:
            return await _trade(settings, venue, home, make_audience, await _fitting(snapshot, venue, home))


async def _trade(
    settings: Settings, venue: Venue, home: Path, make_audience: MakeAudience, snapshot: Snapshot | None
) -> Outcome:
    audience = make_audience(home, snapshot is not None)
    trader = LiveWebSocketTrader(settings, venue, store_of(settings, venue), home, audience, snapshot)
    stop = _Stop(trader.stop)
    await trader.initialize()
    log.info("trading on %s", venue.name)
    await trader.run()
    trader.say_status()
    book = trader.engine.logic.book
    if not trader.finished:
        log.info("stopped; what is open stays open and is taken up at the next start:")
        trader.say_open()
    else:
        Snapshots(home / SNAPSHOT_NAME).put_aside()
    pulse = trader.pulse
    return Outcome(book, trader.finished, stop.interrupted, pulse.candles, trader.reconnects(), trader.repaired())


class _Stop:
    """Turns SIGTERM and Ctrl-C into an orderly stop; a second one ends the process as usual."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self.interrupted = False
        self._stop = stop
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: signal.Signals) -> None:
        self.interrupted = number == signal.SIGINT
        log.info("%s: stopping", signal.Signals(number).name)
        asyncio.get_running_loop().remove_signal_handler(number)
        self._stop()


def _first_look(settings: Settings, home: Path) -> Snapshot | None:
    """Return the snapshot that is there; put aside what cannot be read, or belongs to another generated market."""
    snapshots = Snapshots(home / SNAPSHOT_NAME)
    found = snapshots.load()
    if isinstance(found, str):
        _aside(snapshots, found)
        return None
    own_child = settings.MODE == "embedded" and not settings.REST_URL
    if found is not None and own_child and found.venue != child_name(settings):
        _aside(snapshots, f"it is of {found.venue}, this run trades on {child_name(settings)}")
        return None
    if found is not None and set(found.exits) != set(settings.COINS):
        _aside(snapshots, f"it holds {', '.join(found.exits)}, this run trades {', '.join(settings.COINS)}")
        return None
    return found


async def _fitting(snapshot: Snapshot | None, venue: Venue, home: Path) -> Snapshot | None:
    """Return the snapshot if it is of this venue and not of its future; put it aside otherwise."""
    if snapshot is None:
        return None
    snapshots = Snapshots(home / SNAPSHOT_NAME)
    if snapshot.venue != venue.name:
        _aside(snapshots, f"it is of {snapshot.venue}, this run trades on {venue.name}")
        return None
    now = await venue.market_time()
    if now < snapshot.book.time:
        _aside(snapshots, f"it was written at market time {snapshot.book.time}, and the market is at {now}")
        return None
    return snapshot


def _aside(snapshots: Snapshots, reason: str) -> None:
    log.warning("the snapshot does not fit: %s; it is kept as %s, and a new pool begins", reason, snapshots.put_aside())
