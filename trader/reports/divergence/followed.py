"""The day as it was lived: the journal followed entry by entry, from instant to instant."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trader.core.errors import JournalError
from trader.core.events import Instant, ModelChange, OperatorCommand
from trader.core.order import Fill, OrderDropped
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.replay import Replica, snapshot_of
from trader.engine.run_notes import day_text
from trader.journal.reader import Reader
from trader.journal.records import Checkpoint, Entry, Run
from trader.reports.divergence.books import DayBooks, frozen


class Stretch(msgspec.Struct, frozen=True, eq=False):
    """What came between two instants T in which the daemon decided, `start` and `end` (ms): `entries`, in order.

    The last of them is the instant at `end`, `before` are the books as of `start`, frozen, `after` those as of `end`:
    they are live, and change once the next stretch is asked for. `new_run`: the daemon began anew in between. `busy`:
    something was open or ordered at `start`.
    """

    start: int
    end: int
    entries: list[Entry]
    before: bytes
    after: DayBooks
    new_run: bool
    busy: bool

    @property
    def instant(self) -> Instant:
        """The instant that ends it, as the daemon had it."""
        event = self.entries[-1].event
        assert isinstance(event, Instant)
        return event

    def events(self) -> list[Entry]:
        """Return what came beside the instants."""
        return [entry for entry in self.entries if not isinstance(entry.event, Instant)]


class Seen(msgspec.Struct):
    """What can be known of a day before it is followed.

    `fills` and `drops` by position id; `models` are those asked, each with the T from which on; `commands` of people by
    the T of the instant in which they counted; `late` are candles that came when their instant was over, (symbol, close
    time); `judged_wall` is this machine's time at which the instant at T was judged.
    """

    fills: dict[int, list[Fill]] = {}
    drops: dict[int, list[OrderDropped]] = {}
    models: list[tuple[int, str]] = []
    commands: dict[int, list[OperatorCommand]] = {}
    late: set[tuple[str, int]] = set()
    judged_wall: dict[int, int] = {}


class LivedDay:
    """A UTC day of the newest pool that a journal has of it; `start` is its beginning (ms), or that of the pool.

    `first` are the books at the day's begin and `last` those of the newest instant, frozen, once `stretches` has begun.

    Raise `JournalError` where the journal has nothing of the day, or cannot be read.
    """

    def __init__(self, reader: Reader, day_ms: int) -> None:
        self._reader = reader
        self._runs = {run.id: run for run in reader.runs()}
        self._until = day_ms + DAY_MS
        self.day = day_ms
        self.first = self.last = b""
        checkpoints = [each for each in reversed(reader.snapshots()) if self._at(each) < self._until]
        if not checkpoints:
            raise JournalError(
                f"journal {reader.place} has no checkpoint from before the end of {day_text(day_ms)[:10]}: nothing can "
                "be told of that day",
                "unbegun",
            )
        pool = self._runs[checkpoints[-1].run].pool
        own = [each for each in checkpoints if self._runs[each.run].pool == pool]
        before = [each for each in own if self._at(each) <= day_ms]
        self._checkpoints = own[own.index(before[-1]) if before else 0 :]
        first = self._checkpoints[0]
        self.run: Run = self._runs[first.run]
        self.exits: dict[str, Timeframe] = snapshot_of(first).exits
        self.start = max(day_ms, self._at(first))
        self.parted: list[str] = [
            f"entries {gap.first} to {gap.last} of the journal were lost: {gap.reason}"
            for gap in reader.gaps(first.seq)
            if gap.since < gap.until and self._is_in_day(gap.first)
        ]
        self.other_settings = False
        self.seen = self._look()

    def _is_in_day(self, seq: int) -> bool:
        later = self._reader.snapshots()
        return not any(each.seq <= seq and self._at(each) >= self._until for each in later)

    def _at(self, checkpoint: Checkpoint) -> int:
        return checkpoint.time or self._runs[checkpoint.run].anchor

    def _entries(self) -> Iterator[Entry]:
        """Yield the pool's entries from the first checkpoint to the end of the day."""
        pool = self.run.pool
        for entry in self._reader.entries(after=self._checkpoints[0].seq):
            if self._runs[entry.run].pool != pool:
                continue
            event = entry.event
            if isinstance(event, Instant) and not event.late and event.time > self._until:
                return
            yield entry

    def _look(self) -> Seen:
        seen = Seen({}, {}, [(0, snapshot_of(self._checkpoints[0]).book.model)], {}, set(), {})
        waiting: list[OperatorCommand] = []
        for entry in self._entries():
            event = entry.event
            if isinstance(event, Fill):
                seen.fills.setdefault(event.position_id, []).append(event)
            elif isinstance(event, OrderDropped):
                seen.drops.setdefault(event.order_id, []).append(event)
            elif isinstance(event, ModelChange):
                seen.models = [*(each for each in seen.models if each[0] < event.time), (event.time, event.model)]
            elif isinstance(event, OperatorCommand):
                waiting.append(event)
            elif isinstance(event, Instant) and event.late:
                seen.late |= {(candle.symbol, candle.close_time) for candle in event.candles}
            elif isinstance(event, Instant):
                seen.judged_wall[event.time] = entry.wall
                if waiting:
                    seen.commands[event.time], waiting = waiting, []
        return seen

    def stretches(self) -> Iterator[Stretch]:
        """Yield the day's stretches in order."""
        following = iter(self._checkpoints[1:])
        coming = next(following, None)
        replica = Replica(self.run, snapshot_of(self._checkpoints[0]))
        books = DayBooks(replica.book, {})
        kept, start, run = frozen(books), self._at(self._checkpoints[0]), self.run.id
        busy = _is_busy(books)
        collected: list[Entry] = []
        new_run = catching_up = False
        for entry in self._entries():
            while coming is not None and coming.seq < entry.seq:
                replica = Replica(self._runs[coming.run], snapshot_of(coming))
                books.book = replica.book
                if coming.run != run:
                    self._compare_settings(run, coming.run)
                    new_run, catching_up, run = True, True, coming.run
                coming = next(following, None)
            self._take(replica, books, entry)
            collected.append(entry)
            event = entry.event
            if not isinstance(event, Instant) or event.late or (catching_up and not entry.readings):
                continue
            catching_up = False
            if event.time <= self.day:
                books.ended = {}
            self.last = frozen(books)
            if event.time > self.day:
                self.first = self.first or kept
                yield Stretch(start, event.time, collected, kept, books, new_run, busy)
            kept, start, collected, new_run, busy = self.last, event.time, [], False, _is_busy(books)

    def _take(self, replica: Replica, books: DayBooks, entry: Entry) -> None:
        open_before = dict(books.book.trades)
        parted = replica.take(entry)
        if parted is not None:
            self.parted.append(f"the journal could not be followed at entry {parted.seq}: {parted.words}")
        for position_id, trade in open_before.items():
            if position_id not in books.book.trades:
                books.ended[position_id] = trade

    def _compare_settings(self, before: int, after: int) -> None:
        self.other_settings = self.other_settings or self._runs[before].settings != self._runs[after].settings


def _is_busy(books: DayBooks) -> bool:
    return bool(books.book.trades or books.book.pending or books.book.withdrawn)
