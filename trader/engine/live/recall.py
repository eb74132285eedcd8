"""Where a daemon with real orders goes on: the journal's last checkpoint, and all that was written after it."""

from __future__ import annotations

import logging

import msgspec

from trader.core.candle import Candle
from trader.core.errors import ConfigError
from trader.core.events import Event, Instant
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine.live.snapshot import Snapshot
from trader.engine.replay import Replica, snapshot_of
from trader.journal.place import Place
from trader.journal.reader import Reader

log = logging.getLogger(__name__)


class Recalled(msgspec.Struct, frozen=True):
    """The `snapshot` as of the journal's newest entry, of the pool that is called so; `entries` were fed to it."""

    snapshot: Snapshot
    pool: int
    entries: int


def recall(place: Place) -> Recalled | None:
    """Return what the newest pool of a journal remembers; None in a new journal, or when its play had come to its end.

    Where the journal cannot be followed to its end, entries are paused until a person has looked: what is open is
    managed from the books as far as they are known, and the audit tells what the exchange has beside them. Raise
    `JournalError` when the checkpoint cannot be read.
    """
    with Reader(place) as reader:
        checkpoint = reader.latest_snapshot()
        if checkpoint is None:
            return None
        run = next(run for run in reader.runs() if run.id == checkpoint.run)
        kept = snapshot_of(checkpoint)
        missing = {symbol: set(times) for symbol, times in kept.missing.items()}
        replica: Replica | None = None
        gaps = reader.gaps(checkpoint.seq)
        count, doubt = 0, f"entries were lost: {gaps[0].reason}" if gaps else ""
        for entry in reader.entries(after=checkpoint.seq):
            if gaps and entry.seq > gaps[0].first:
                break
            replica = replica or Replica(run, kept)
            _follow_missing(missing, kept.exits, replica.book.last_close_time, entry.event)
            parted = replica.take(entry)
            count += 1
            doubt = doubt or (f"entry {parted.seq}: {parted.words}" if parted else "")
    if replica is not None and replica.is_over and not replica.book.trades:
        return None
    book = kept.book
    if doubt:
        log.error("the journal does not lead to its end, %s. Entries are paused until a person has looked", doubt)
        book.guards.paused_by_person = True
        book.pool.booked = book.pool.free + book.reserved
    lacking = {symbol: sorted(times) for symbol, times in missing.items() if times}
    snapshot = msgspec.structs.replace(kept, at=max(book.time, kept.at), missing=lacking)
    return Recalled(snapshot, run.pool, count)


def misfit_of_coins(snapshot: Snapshot, settings: Settings) -> None:
    """Raise `ConfigError` when a coin of which something is held is not traded any more: nobody would look after it."""
    book = snapshot.book
    held = {trade.symbol for trade in book.trades.values()}
    held |= {each.request.symbol for each in book.pending.values()}
    held |= {each.pending.request.symbol for each in book.withdrawn.values()}
    left = sorted(held - set(settings.COINS))
    if left:
        names = ", ".join(left)
        raise ConfigError([f"COINS lacks {names}, of which something is open: add it again, or close it first"])


def _follow_missing(
    missing: dict[str, set[int]], exits: dict[str, Timeframe], seen: dict[str, int], event: Event
) -> None:
    """Keep account of the exit candles that instants went on without, and that came late."""
    if not isinstance(event, Instant):
        return
    came = {candle.symbol: candle for candle in event.candles if exits.get(candle.symbol) is candle.timeframe}
    if event.late:
        for candle in came.values():
            missing.get(candle.symbol, set()).discard(candle.open_time)
        return
    for symbol, candle in came.items():
        _miss_between(missing.setdefault(symbol, set()), seen.get(symbol), candle)


def _miss_between(missing: set[int], seen: int | None, candle: Candle) -> None:
    """Count the candles between the last that was seen and this one as missing."""
    if seen is not None:
        missing.update(range(seen, candle.open_time, candle.timeframe.ms))
