"""A daemon from start to end: lock, snapshot, venue, trader, signals, last words."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path

import msgspec

from trader.core.errors import TraderError
from trader.core.settings import Settings
from trader.engine.control.desk import Desk
from trader.engine.control.door import open_door
from trader.engine.live.keeper import SNAPSHOT_NAME
from trader.engine.live.lock import only_daemon
from trader.engine.live.names import child_name, readable
from trader.engine.live.patience import until_reached
from trader.engine.live.snapshot import Snapshot, Snapshots
from trader.engine.live.status import utc
from trader.engine.live.trader import LiveWebSocketTrader
from trader.engine.live.venue import Venue, is_own_child, open_venue, refuse_modes_without_orders
from trader.market.store import Store
from trader.trading.book import Book
from trader.trading.notes import Audience

log = logging.getLogger(__name__)

LOCK_NAME = "trader.lock"
#: A stop that takes longer than this is cut short.
STOP_S = 3.5
#: What makes an audience, given the daemon's home and how many parts its pool has closed before: None for a new pool.
MakeAudience = Callable[[Path, int | None], Audience]


class Outcome(msgspec.Struct, frozen=True):
    """How a daemon ended: its books, whether its market's play was over, what it counted."""

    book: Book
    finished: bool
    candles: int
    reconnects: int
    repaired: int


class Ending(msgspec.Struct, frozen=True):
    """`outcome` is None when it was stopped before trading began; `interrupted` by Ctrl-C."""

    outcome: Outcome | None
    interrupted: bool


def home_of(settings: Settings) -> Path:
    """Return the folder of the daemon's own files: lock, snapshot, log of trades."""
    return Path(settings.DATA_DIR) / "live" / f"{settings.MODE}-{settings.MARKET}"


def homes_of(data: Path) -> list[Path]:
    """Return the homes of daemons below a `DATA_DIR`, whether they run or not."""
    return sorted(path for path in (data / "live").glob("*-*") if path.is_dir())


def store_of(settings: Settings, name: str, embedded: bool) -> Store:
    """Return the store of a venue: the user's own for real candles, one apart for whatever an embedded one plays."""
    if not embedded:
        return Store(Path(settings.DATA_DIR))
    slug = re.sub(r"\W+", "-", name)[:40].strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return Store(home_of(settings) / f"candles-{slug}-{digest}")


async def run_session(settings: Settings, make_audience: MakeAudience) -> Ending:
    """Trade until SIGTERM, Ctrl-C, or the end of an embedded play."""
    refuse_modes_without_orders(settings)
    stop = _Stop()
    session = asyncio.create_task(_session(settings, make_audience, stop))
    stop.watch(session)
    try:
        return Ending(await session, stop.interrupted)
    except asyncio.CancelledError:
        if not stop.wanted:
            raise
        log.info("stopped before trading began" if stop.early else "the stop took too long and was cut short")
        return Ending(None, stop.interrupted)
    except TraderError:
        raise
    except Exception:
        log.exception("an error that nobody foresaw ends the daemon")
        raise
    finally:
        stop.release()


async def _session(settings: Settings, make_audience: MakeAudience, stop: _Stop) -> Outcome:
    home, audience = home_of(settings), cache(make_audience)
    with only_daemon(home / LOCK_NAME):
        async with AsyncExitStack() as stack:

            async def begin() -> tuple[Venue, LiveWebSocketTrader]:
                return await stack.enter_async_context(_ready(settings, home, audience))

            venue, trader = await (begin() if is_own_child(settings) else until_reached(begin))
            return await _trade(settings, venue, home, trader, stop)


@asynccontextmanager
async def _ready(
    settings: Settings, home: Path, make_audience: MakeAudience
) -> AsyncIterator[tuple[Venue, LiveWebSocketTrader]]:
    """Open the venue, with a trader on it that is ready to run."""
    found = _first_look(settings, home)
    async with open_venue(settings, home, found.at if found else None) as venue:
        snapshot = await _fitting(found, venue, home)
        audience = make_audience(home, snapshot.book.part_count if snapshot else None)
        store = store_of(settings, venue.name, venue.embedded)
        trader = LiveWebSocketTrader(settings, venue, store, home, audience, snapshot)
        await trader.initialize()
        yield venue, trader


async def _trade(settings: Settings, venue: Venue, home: Path, trader: LiveWebSocketTrader, stop: _Stop) -> Outcome:
    log.info("trading on %s", venue.title)
    stop.politely(trader.stop)
    async with open_door(home, Desk(trader, settings, home, venue.title)):
        await trader.run()
    if trader.finished:
        Snapshots(home / SNAPSHOT_NAME).put_aside()
    else:
        log.info("stopped; what is open stays open and is taken up at the next start:")
        trader.say_open()
    intake = trader.intake
    return Outcome(trader.book, trader.finished, trader.pulse.candles, intake.stats.reconnects, intake.repaired)


class _Stop:
    """Turns SIGTERM and Ctrl-C into an orderly stop; a second one ends the process as usual.

    Before trading has begun the session is cancelled; later the trader is asked, and cancelled if it takes too long.
    """

    def __init__(self) -> None:
        self.wanted = False
        self.interrupted = False
        self._session: asyncio.Task[Outcome] | None = None
        self._ask: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._on_signal, number)

    @property
    def early(self) -> bool:
        """Whether trading had not begun."""
        return self._ask is None

    def watch(self, session: asyncio.Task[Outcome]) -> None:
        """Say whom to cancel."""
        self._session = session

    def politely(self, ask: Callable[[], None]) -> None:
        """Say whom to ask from now on."""
        self._ask = ask

    def release(self) -> None:
        """Leave signals alone again."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.remove_signal_handler(number)

    def _on_signal(self, number: signal.Signals) -> None:
        self.wanted = True
        self.interrupted = number == signal.SIGINT
        log.info("%s: stopping", signal.Signals(number).name)
        self.release()
        if self._session is None:
            return
        if self._ask is None:
            self._session.cancel()
        else:
            self._ask()
            self._loop.call_later(STOP_S, self._session.cancel)


def _first_look(settings: Settings, home: Path) -> Snapshot | None:
    """Return the snapshot that is there; put aside what cannot be read, or belongs to another run."""
    snapshots = Snapshots(home / SNAPSHOT_NAME)
    found = snapshots.load()
    reason = misfit(found, settings) if isinstance(found, Snapshot) else found
    if reason is None:
        return found if isinstance(found, Snapshot) else None
    _aside(snapshots, reason)
    return None


def misfit(snapshot: Snapshot, settings: Settings) -> str | None:
    """Return in words why a snapshot is not of the run that the settings ask for, as far as that is known before."""
    if is_own_child(settings) and snapshot.venue != child_name(settings):
        return f"it is of {readable(snapshot.venue)}, this run trades on {readable(child_name(settings))}"
    if set(snapshot.coins) != set(settings.COINS):
        return f"it is of {', '.join(snapshot.coins)}, this run trades {', '.join(settings.COINS)}"
    return None


async def _fitting(snapshot: Snapshot | None, venue: Venue, home: Path) -> Snapshot | None:
    """Return the snapshot if it is of this venue and not of its future; put it aside otherwise."""
    if snapshot is None:
        return None
    reason = await misfit_of_venue(snapshot, venue)
    if reason is None:
        return snapshot
    _aside(Snapshots(home / SNAPSHOT_NAME), reason)
    return None


async def misfit_of_venue(snapshot: Snapshot, venue: Venue) -> str | None:
    """Return in words why a snapshot is not of the market that was found, None when it is."""
    if snapshot.venue != venue.name:
        return f"it is of {readable(snapshot.venue)}, this run trades on {venue.title}"
    now = await venue.market_time()
    if now < snapshot.at:
        return f"it was written at {utc(snapshot.at)} of the market, where it is only {utc(now)}"
    return None


def _aside(snapshots: Snapshots, reason: str) -> None:
    log.warning("the snapshot does not fit: %s; it is kept as %s, and a new pool begins", reason, snapshots.put_aside())
