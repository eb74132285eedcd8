"""The real journal of a simulated trader, on a file in memory: what a kill leaves is a beginning of what was told."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp

from trader.core.commands import Command
from trader.core.events import Event
from trader.core.order import Role
from trader.core.settings import Market
from trader.execution.client_ids import Purpose, parse
from trader.journal.journal import Journal
from trader.journal.place import FILE_NAME, Place
from trader.journal.policy import may_leave
from trader.journal.reader import Reader
from trader.journal.records import Record, Run

#: How long the disk takes, seconds.
SLOWEST_S = 0.02
#: A folder in memory, where there is one.
MEMORY = Path("/dev/shm")


Told = tuple[str, int, str]


class Notebook:
    """The file of one seed, with a journal open for each life. `refuses` is how often the disk fails an entry.

    `wrote` is told what is written, `point` that a moment has come at which the trader may be killed.
    """

    def __init__(self, seed: int, market: Market, refuses: float, now: Callable[[], int]) -> None:
        self.place = Place(_folder(seed))
        self.refuses = refuses
        self.random = Random(f"{seed}/disk")
        self.now = now
        self.wrote: Callable[[Iterable[object]], None] = lambda records: None
        self.point: Callable[[str], None] = lambda moment: None
        self._run = Run("simulation", "embedded", market, "0", 0, now())
        self._pool: int | None = None
        self._open: VirtualJournal | None = None

    def begin(self) -> tuple[VirtualJournal, bool]:
        """Open it for a life; tell too whether there was one before."""
        journal = self._open = VirtualJournal(self)
        journal.open()
        before = self._pool
        self._pool = journal.begin(self._run, before).pool
        return journal, before is not None

    @property
    def pool(self) -> int:
        """The run in which the pool of capital began."""
        assert self._pool is not None
        return self._pool

    def tear(self) -> None:
        """Kill who writes: of what had not reached the file, a beginning has by now, and the rest is lost."""
        if self._open is not None:
            self._open.die()
            self._open = None

    def remove(self) -> None:
        """End: nobody reads it any more."""
        self.tear()
        shutil.rmtree(self.place.home)

    def kept(self, told: Iterable[Told]) -> set[Told]:
        """Return which of the executions it has (symbol, the venue's id, our order's).

        Of one that is shared by several positions the first has a row of its own, the others are in their orders.
        """
        with Reader(self.place) as reader:
            fills = {(each.symbol, each.trade_id, each.client_id) for each in reader.fills()}
            return {each for each in told if each in fills or (_is_share(each) and reader.order(each[2]))}


class VirtualJournal(Journal):
    """Writes when durability is asked for, which takes a while on the virtual clock."""

    def __init__(self, book: Notebook) -> None:
        super().__init__(book.place, threaded=False, clock=book.now)
        self._notebook = book
        self._dead = False

    def append(self, event: Event, commands: Sequence[Command], records: Sequence[Record] = ()) -> int:
        seq = super().append(event, commands, records)
        return self._told(seq, records)

    def record(self, *records: Record) -> int:
        return self._told(super().record(*records), records)

    def _told(self, seq: int, records: Sequence[Record]) -> int:
        if not self._dead:
            self._notebook.wrote(records)
            self._notebook.point("written")
        return seq

    async def permit(self, seq: int, role: Role | str) -> bool:
        await asyncio.sleep(self._notebook.random.random() * SLOWEST_S)
        if self._dead:
            raise asyncio.CancelledError
        fails = self._notebook.random.random() < self._notebook.refuses
        allowed = may_leave(role, False) if fails else await super().permit(seq, role)
        self._notebook.point("permitted")
        return allowed

    def die(self) -> None:
        """End as a process does that is killed."""
        self._dead = True
        waiting = self._buffer._queue
        for _ in range(self._notebook.random.randint(0, len(waiting))):
            waiting.pop()
        self._pump.pump()
        self._writer.close()


def _is_share(told: Told) -> bool:
    name = parse(told[2])
    return name is not None and name.purpose is Purpose.TAKEN


def _folder(seed: int) -> Path:
    """Return a folder with an empty journal: its tables are made once in each process."""
    folder = Path(mkdtemp(prefix=f"simulate-{seed}-", dir=MEMORY if MEMORY.is_dir() else None))
    (folder / FILE_NAME).write_bytes(_empty())
    return folder


@cache
def _empty() -> bytes:
    """Return an empty journal; closing it has brought all of it into the file."""
    folder = Path(mkdtemp(prefix="simulate-empty-"))
    try:
        journal = Journal(Place(folder), threaded=False)
        journal.open()
        journal.close()
        return (folder / FILE_NAME).read_bytes()
    finally:
        shutil.rmtree(folder)
