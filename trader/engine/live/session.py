"""A daemon from start to end: lock, snapshot, venue, trader, signals, last words."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path

import msgspec

from trader.core.errors import ConfigError, TraderError
from trader.core.settings import Settings
from trader.core.timeframe import utc
from trader.engine.control.desk import Desk
from trader.engine.control.door import open_door
from trader.engine.live.child import has_accounts
from trader.engine.live.days import DayOver, watching_days
from trader.engine.live.homes import LOCK_NAME, home_of, store_of
from trader.engine.live.keeper import SNAPSHOT_NAME
from trader.engine.live.lock import only_daemon
from trader.engine.live.names import child_name, readable
from trader.engine.live.order_side import open_journal
from trader.engine.live.patience import until_reached
from trader.engine.live.recall import Recalled, misfit_of_coins, recall
from trader.engine.live.snapshot import Snapshot, Snapshots
from trader.engine.live.trader import LiveWebSocketTrader
from trader.engine.live.venue import Venue, is_own_child, open_venue
from trader.engine.safety.gate import orders_wanted, require_start
from trader.journal.journal import Journal
from trader.trading.book import Book
from trader.trading.notes import Audience

log = logging.getLogger(__name__)

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


async def run_session(
    settings: Settings, make_audience: MakeAudience, day_over: DayOver | None = None, options: Sequence[str] = ()
) -> Ending:
    """Trade until SIGTERM, Ctrl-C, or the end of an embedded play.

    `day_over` is told of each UTC day that ends; `options` give another command these settings.
    """
    require_start(settings)
    stop = _Stop()
    session = asyncio.create_task(_session(settings, make_audience, stop, day_over, options))
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


async def _session(
    settings: Settings, make_audience: MakeAudience, stop: _Stop, day_over: DayOver | None, options: Sequence[str]
) -> Outcome:
    home, audience = home_of(settings), cache(make_audience)
    with only_daemon(home / LOCK_NAME):
        async with AsyncExitStack() as stack:

            async def begin() -> tuple[Venue, LiveWebSocketTrader]:
                return await stack.enter_async_context(_ready(settings, home, audience, options))

            venue, trader = await (begin() if is_own_child(settings) else until_reached(begin))
            async with watching_days(lambda: trader.book.time, day_over):
                return await _trade(settings, venue, home, trader, stop)


@asynccontextmanager
async def _ready(
    settings: Settings, home: Path, make_audience: MakeAudience, options: Sequence[str]
) -> AsyncIterator[tuple[Venue, LiveWebSocketTrader]]:
    """Open the venue, with a trader on it that is ready to run."""
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(open_journal(settings, home)) if orders_wanted(settings) else None
        recalled = await _recalled(settings, journal) if journal is not None else None
        found = _first_look(settings, home) if journal is None else recalled.snapshot if recalled else None
        venue = await stack.enter_async_context(open_venue(settings, home, found.at if found else None))
        snapshot = await _fitting(found, venue, None if journal is not None else home)
        pool = recalled.pool if recalled is not None and snapshot is not None else None
        audience = make_audience(home, snapshot.book.part_count if snapshot else None)
        store = store_of(settings, venue.name, venue.embedded)
        trader = LiveWebSocketTrader(settings, venue, store, home, audience, snapshot, journal, pool, options)
        stack.push_async_callback(trader.let_go)
        await trader.initialize()
        yield venue, trader


async def _recalled(settings: Settings, journal: Journal) -> Recalled | None:
    """Return what the journal remembers of this run's pool."""
    found = await asyncio.to_thread(recall, journal.place)
    if found is None:
        return None
    if is_own_child(settings) and found.snapshot.venue != child_name(settings):
        log.warning("%s; a new pool begins", _other_venue(found.snapshot, readable(child_name(settings))))
        return None
    if is_own_child(settings) and not has_accounts(journal.place.home):
        log.warning("the exchange on this machine has lost its account: a new pool begins")
        return None
    misfit_of_coins(found.snapshot, settings)
    return found


async def _trade(settings: Settings, venue: Venue, home: Path, trader: LiveWebSocketTrader, stop: _Stop) -> Outcome:
    log.info("trading on %s", venue.title)
    stop.politely(trader.stop)
    async with open_door(home, Desk(trader, settings, home, venue.title)):
        await trader.run()
    if trader.finished:
        if not orders_wanted(settings):
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
        return _other_venue(snapshot, readable(child_name(settings)))
    if set(snapshot.coins) != set(settings.COINS):
        return f"it is of {', '.join(snapshot.coins)}, this run trades {', '.join(settings.COINS)}"
    return None


def _other_venue(snapshot: Snapshot, title: str) -> str:
    return f"it is of {readable(snapshot.venue)}, this run trades on {title}"


async def _fitting(snapshot: Snapshot | None, venue: Venue, home: Path | None) -> Snapshot | None:
    """Return the snapshot if it is of this venue and not of its future; put it aside otherwise.

    One of a journal has no `home`: it stays where it is.
    """
    if snapshot is None:
        return None
    reason = await misfit_of_venue(snapshot, venue)
    if reason is None:
        return snapshot
    if home is None:
        if not venue.embedded:
            how = "close all with the settings it had, or name another DATA_DIR for a new pool"
            raise ConfigError([f"the pool of the journal does not fit, {reason}: {how}"])
        log.warning("the pool of the journal does not fit: %s; a new pool begins", reason)
    else:
        _aside(Snapshots(home / SNAPSHOT_NAME), reason)
    return None


async def misfit_of_venue(snapshot: Snapshot, venue: Venue) -> str | None:
    """Return in words why a snapshot is not of the market that was found, None when it is."""
    if snapshot.venue != venue.name:
        return _other_venue(snapshot, venue.title)
    now = await venue.market_time()
    if now < snapshot.at:
        return f"it was written at {utc(snapshot.at)} of the market, where it is only {utc(now)}"
    return None


def _aside(snapshots: Snapshots, reason: str) -> None:
    log.warning("the snapshot does not fit: %s; it is kept as %s, and a new pool begins", reason, snapshots.put_aside())
