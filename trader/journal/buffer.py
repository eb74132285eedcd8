"""Entries between the decision path and the disk: bounded memory, in order, nothing taken out before it is written."""

from __future__ import annotations

from collections import deque

import msgspec

from trader.journal.records import Gap
from trader.journal.rows import ROW_BYTES, Row, Stamp, record_rows

#: Share of the bound that events may fill: the rest is kept for orders and fills.
EVENT_SHARE = 0.9
#: Entries and bytes of one group at most.
GROUP_ENTRIES, GROUP_BYTES = 2_000, 8_000_000


class Held(msgspec.Struct, frozen=True, gc=False):
    """One entry in memory. `urgent`: something waits for it to be on the disk."""

    stamp: Stamp
    rows: list[Row]
    size: int
    urgent: bool


class Buffer:
    """A queue with one side that puts (the loop) and one that takes (the writer); each counts its own bytes.

    What finds no room is lost, counted, and told as a `Gap` with the next entry that finds some.
    """

    def __init__(self, bound_bytes: int) -> None:
        self.bound = bound_bytes
        self.lost = 0
        self._queue: deque[Held] = deque()
        self._put_bytes = 0
        self._done_bytes = 0
        self._gaps: list[tuple[int, int]] = []
        self._gap: Gap | None = None

    @property
    def load(self) -> float:
        """The share of the bound that is in use."""
        return (self._put_bytes - self._done_bytes) / self.bound

    def __len__(self) -> int:
        """Return how many entries wait to be taken."""
        return len(self._queue)

    def put(self, stamp: Stamp, rows: list[Row], urgent: bool, is_event: bool) -> bool:
        """Take an entry; tell whether there was room for it."""
        size = sum(ROW_BYTES + len(row.values["payload"]) for row in rows)
        used = self._put_bytes - self._done_bytes
        if used + size > self.bound * (EVENT_SHARE if is_event else 1.0):
            self._lose(stamp)
            return False
        if self._gap is not None:
            rows = [*rows, *record_rows(stamp, len(rows), self._gap)]
            self._gap = None
        self._put_bytes += size
        self._queue.append(Held(stamp, rows, size, urgent))
        return True

    def was_lost(self, seq: int) -> bool:
        """Tell whether the entry at `seq` found no room."""
        return any(first <= seq <= last for first, last in reversed(self._gaps))

    def take(self) -> list[Held]:
        """Return the oldest entries, as many as make a group; they count until they are `done`."""
        taken: list[Held] = []
        size = 0
        while self._queue and len(taken) < GROUP_ENTRIES and size < GROUP_BYTES:
            taken.append(self._queue.popleft())
            size += taken[-1].size
        return taken

    def put_back(self, taken: list[Held]) -> None:
        """Put entries that were taken back to the front; for the side that takes."""
        self._queue.extendleft(reversed(taken))

    def leave_out(self, seq: int) -> None:
        """Remember that the entry at `seq` will never be there."""
        self._gaps.append((seq, seq))

    def done(self, taken: list[Held]) -> None:
        """Give back the room of entries that are written."""
        self._done_bytes += sum(held.size for held in taken)

    def _lose(self, stamp: Stamp) -> None:
        self.lost += 1
        if self._gap is None:
            self._gap = Gap(stamp.seq, stamp.seq, stamp.wall, stamp.wall, "memory was full while it could not write")
            self._gaps.append((stamp.seq, stamp.seq))
            return
        # Every entry that finds room tells the gap, so one that is not told yet goes on without a break.
        self._gap = msgspec.structs.replace(self._gap, last=stamp.seq, until=stamp.wall)
        self._gaps[-1] = (self._gap.first, stamp.seq)
