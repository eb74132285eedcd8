"""The journal as the daemon uses it: told on the decision path in microseconds, written by a thread in groups."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from trader.core.commands import Command
from trader.core.errors import JournalError
from trader.core.events import Event
from trader.core.order import Role
from trader.journal.buffer import Buffer
from trader.journal.place import Place
from trader.journal.policy import may_leave
from trader.journal.pump import Pump
from trader.journal.records import FillRecord, OrderRecord, Record, Run
from trader.journal.rows import Row, Stamp, event_rows, record_rows
from trader.journal.writer import Writer

log = logging.getLogger(__name__)

#: What is in use of the memory for entries when `room` lets go on.
ROOMY = 0.5
#: The longest wait for the last entries when the journal is closed.
CLOSE_S = 10.0
#: The state of an order of which nobody waits to know that it is written: it has left, and its intention is there.
LEFT = "sent"
#: The kind of trouble of a disk that has not failed, and needs too long.
SLOW = "slow"


class Health(msgspec.Struct, frozen=True):
    """How a journal is: `trouble` in words, "" when all is well, `kind` as in `trader.journal.faults` or `slow`.

    `load` is the share of its memory in use, `lost` the entries that found no room, `late` the intentions that were
    not on the disk in time.
    """

    trouble: str
    kind: str
    waiting: int
    load: float
    lost: int
    late: int
    committed: int
    groups: int
    slowest_ms: float


def wall_ms() -> int:
    """Return this machine's time, ms UTC."""
    return time.time_ns() // 1_000_000


class Journal:
    """A journal that is open for writing; to be called from the thread of the loop alone.

    `wait_s` is the longest that an intention waits for the disk, `buffer_bytes` the memory for what is not written.
    Without a thread (`threaded=False`) whoever asks for durability writes: for simulations that own time itself.
    """

    def __init__(
        self,
        place: Place,
        *,
        wait_s: float = 1.0,
        buffer_bytes: int = 64_000_000,
        threaded: bool = True,
        clock: Callable[[], int] = wall_ms,
    ) -> None:
        self.place = place
        self.run: Run | None = None
        self._wait_s = wait_s
        self._threaded = threaded
        self._clock = clock
        self._writer = Writer(place)
        self._buffer = Buffer(buffer_bytes)
        self._pump = Pump(self._writer, self._buffer, self._notify)
        self._waiters: list[tuple[int, asyncio.Future[bool]]] = []
        self._crowded: list[asyncio.Future[bool]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next = 1
        self._time = 0
        self._late = 0

    # --- life -------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Become the owner and bring the tables up to date; raise `JournalError`. Nothing can be told before `begin`.

        It blocks. In between is the time to read what was left by the run before.
        """
        self._writer.open()
        self._pump = Pump(self._writer, self._buffer, self._notify)
        self._next = self._writer.last_seq + 1

    def begin(self, run: Run, continues: int | None = None) -> Run:
        """Write down that a run begins, and return it with its number; `continues` is the pool that it goes on with."""
        self.run = self._writer.begin_run(run, continues)
        self._time = self.run.anchor
        if self._threaded:
            self._pump.start()
        return self.run

    def close(self) -> None:
        """Write what is left, end the run, give up ownership; what cannot be written within `CLOSE_S` is said."""
        if not self._pump.end(CLOSE_S):
            log.error("the journal does not close within %g s: %s", CLOSE_S, self.trouble or "its disk hangs")
            return
        if self._pump.waiting:
            log.error("%d entries of the journal are lost with this process: %s", self._pump.waiting, self.trouble)
        elif self.run is not None:
            with suppress(JournalError):
                self._writer.end_run(self.run.id, self._clock())
        self._writer.close()

    # --- telling ----------------------------------------------------------------------------------------------------

    def append(self, event: Event, commands: Sequence[Command], records: Sequence[Record] = ()) -> int:
        """Take an event with its commands, and `records` that belong to it: they are kept together or not at all.

        Return the place of the entry, for `durable`. It does not block: an entry that finds no room in memory is
        counted, and is never durable.
        """
        at = getattr(event, "time", self._time)
        self._time = max(self._time, at)
        stamp = self._stamp()
        rows = event_rows(stamp, at, event, commands)
        for ordinal, record in enumerate(records):
            rows += record_rows(stamp, ordinal, record)
        return self._put(stamp, rows, bool(commands), True)

    def record(self, *records: Record) -> int:
        """Take records that no event of the core goes with, and return the place of their entry as `append` does."""
        stamp = self._stamp()
        rows: list[Row] = []
        urgent = False
        for ordinal, each in enumerate(records):
            rows += record_rows(stamp, ordinal, each)
            urgent = urgent or isinstance(each, FillRecord) or (isinstance(each, OrderRecord) and each.state != LEFT)
        return self._put(stamp, rows, urgent, False)

    @property
    def last(self) -> int:
        """The place of the newest entry."""
        return self._next - 1

    def _stamp(self) -> Stamp:
        if self.run is None:
            raise JournalError(f"journal {self.place}: a run must begin before anything is told", "unbegun")
        seq, self._next = self._next, self._next + 1
        return Stamp(seq, self.run.id, self.run.pool, self._clock())

    def _put(self, stamp: Stamp, rows: list[Row], urgent: bool, is_event: bool) -> int:
        if not self._buffer.put(stamp, rows, urgent, is_event) and self._buffer.lost in (1, 100, 10_000):
            log.error("the journal's memory is full: %d entries are lost so far (%s)", self._buffer.lost, self.trouble)
        if urgent:
            self._wake(soon=is_event)
        return stamp.seq

    def _wake(self, soon: bool) -> None:
        """Let the thread write; `soon`: two turns of the loop later, with the intentions that follow from an event."""
        if soon:
            with suppress(RuntimeError):
                loop = asyncio.get_running_loop()
                loop.call_soon(loop.call_soon, self._pump.wake)
                return
        self._pump.wake()

    # --- waiting ----------------------------------------------------------------------------------------------------

    async def durable(self, seq: int | None = None) -> bool:
        """Wait until the entry at `seq` (the newest unless given) is on the disk; tell whether it is.

        It is not when the wait was too long, which is said, and while the journal is in trouble: then at once.
        """
        wanted = self.last if seq is None else seq
        if wanted > self._pump.synced and not self._threaded:
            self._pump.want(wanted)
            self._pump.pump()
        if wanted <= self._pump.synced:
            durable = not self._buffer.was_lost(wanted)
        elif not self._threaded or self.trouble or self._buffer.was_lost(wanted):
            durable = False
        else:
            durable = await self._wait(wanted)
        self._late += not durable
        return durable

    async def permit(self, seq: int, role: Role | str) -> bool:
        """Wait as `durable` does, and tell whether a request of `role` may leave: see `trader.journal.policy`."""
        if await self.durable(seq):
            return True
        go = may_leave(role, False)
        what = "is sent all the same: it protects" if go else "is not sent"
        log.error("the intention %d (%s) is not on the disk, and %s (%s)", seq, role, what, self.trouble or SLOW)
        return go

    async def room(self) -> bool:
        """Wait, within the bound, until the memory for entries is half empty; tell whether it is."""
        if self._buffer.load >= ROOMY and self._threaded:
            self._loop = asyncio.get_running_loop()
            future: asyncio.Future[bool] = self._loop.create_future()
            self._crowded.append(future)
            self._pump.wake()
            self._settle()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s):
                    await future
            self._crowded.remove(future)
        return self._buffer.load < ROOMY

    async def _wait(self, seq: int) -> bool:
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = self._loop.create_future()
        waiter = (seq, future)
        self._waiters.append(waiter)
        self._pump.want(seq)
        self._settle()
        try:
            async with asyncio.timeout(self._wait_s):
                return await future
        except TimeoutError:
            if seq <= self._pump.synced:
                return not self._buffer.was_lost(seq)
            if not self.trouble:
                self._pump.alarm(f"journal {self.place}: nothing is on the disk after {self._wait_s:g} s", SLOW)
            return False
        finally:
            self._waiters.remove(waiter)

    def _notify(self) -> None:
        """Let the loop look; called in the thread that writes."""
        if (self._waiters or self._crowded) and self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        """Answer those whose entry has reached the disk, and in trouble all."""
        synced = self._pump.synced
        for seq, future in self._waiters:
            if not future.done() and (seq <= synced or self.trouble):
                future.set_result(seq <= synced and not self._buffer.was_lost(seq))
        for future in self._crowded:
            if not future.done() and self._buffer.load < ROOMY:
                future.set_result(True)

    # --- how it is --------------------------------------------------------------------------------------------------

    @property
    def trouble(self) -> str:
        """What is wrong, in words; "" when all is well."""
        return self._pump.trouble

    def health(self) -> Health:
        """Return how the journal is."""
        pump, buffer = self._pump, self._buffer
        return Health(
            pump.trouble,
            pump.kind,
            pump.waiting,
            buffer.load,
            buffer.lost,
            self._late,
            pump.committed,
            pump.groups,
            pump.slowest_s * 1000,
        )
