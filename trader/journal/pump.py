"""Brings entries from memory to the disk in groups, in a thread of its own; what fails is kept and tried again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from trader.core.errors import JournalError
from trader.journal.buffer import Buffer, Held
from trader.journal.faults import REFUSED, UNUSABLE
from trader.journal.records import Gap
from trader.journal.rows import record_rows
from trader.journal.writer import Writer

log = logging.getLogger(__name__)

#: How long entries that nobody waits for may lie in memory, and how long a failing disk is left alone.
LINGER_S, RETRY_S = 0.05, 0.5


class Pump:
    """Writes what is in `buffer`; `notify` is called, in whichever thread pumps, when there is news.

    `committed` is the newest entry that outlives this process, `synced` the newest that outlives the machine.
    `trouble` has words while nothing can be written, `kind` why in one word.
    """

    def __init__(self, writer: Writer, buffer: Buffer, notify: Callable[[], None]) -> None:
        self.committed = self.synced = writer.last_seq
        self.trouble = self.kind = ""
        self.groups = 0
        self.slowest_s = 0.0
        self._writer = writer
        self._buffer = buffer
        self._notify = notify
        self._held: list[Held] = []
        self._wanted = 0
        self._wake = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._keep_writing, name="journal", daemon=True)

    @property
    def waiting(self) -> int:
        """How many entries are not written yet."""
        return len(self._held) + len(self._buffer)

    def start(self) -> None:
        """Write in a thread from now on."""
        self._thread.start()

    def wake(self) -> None:
        """Write soon: something urgent has come."""
        self._wake.set()

    def want(self, seq: int) -> None:
        """See that entries up to `seq` outlive the machine, also those that are committed already."""
        self._wanted = max(self._wanted, seq)
        self._wake.set()

    def end(self, within_s: float) -> bool:
        """Write what is left and end the thread; tell whether it has ended in time."""
        self._ending = True
        self._wake.set()
        if self._thread.ident is None:
            self.pump()
            return True
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def alarm(self, words: str, kind: str) -> None:
        """Say that nothing can be written, once for each kind, until it can be again."""
        if kind != self.kind:
            log.error("%s. Entries wait in memory; nothing is opened until they can be written", words)
        self.trouble, self.kind = words, kind
        self._notify()

    def pump(self) -> None:
        """Write everything that waits; on trouble keep it, say so, and return."""
        while True:
            self._held = self._held or self._buffer.take()
            synced = self._wanted > self.synced or any(held.urgent for held in self._held)
            if not self._held and not synced:
                break
            try:
                self._write(synced)
            except JournalError as error:
                if error.kind != REFUSED or not self._set_apart(error):
                    self.alarm(str(error), error.kind)
                    return
        self._tidy(0, True)

    def _keep_writing(self) -> None:
        while True:
            self._wake.wait(RETRY_S if self._held else LINGER_S)
            self._wake.clear()
            try:
                self.pump()
            except Exception as error:
                log.exception("the journal's thread met what nobody foresaw")
                self.alarm(f"journal {self._writer.place}: {type(error).__name__}: a fault of this program", UNUSABLE)
            if self._ending and (self.trouble or not self.waiting):
                return
            if self._held:
                # A failing disk is not asked again at once, whoever waits.
                time.sleep(LINGER_S)

    def _write(self, synced: bool) -> None:
        began = time.perf_counter()
        self._writer.write(self._held, synced)
        self.slowest_s = max(self.slowest_s, time.perf_counter() - began)
        written, self._held = self._held, []
        self._buffer.done(written)
        self.groups += 1
        self.committed = self._writer.last_seq
        if synced:
            self.synced = self.committed
        if self.trouble:
            log.info("journal %s can be written again", self._writer.place)
        self.trouble = self.kind = ""
        self._notify()
        self._tidy(sum(held.size for held in written), False)

    def _tidy(self, written_bytes: int, idle: bool) -> None:
        try:
            self._writer.tidy(written_bytes, idle)
        except JournalError as error:
            log.warning("%s; what is written is safe, only its log cannot be tidied", error)

    def _set_apart(self, error: JournalError) -> bool:
        """Halve a group that the database refuses until the one entry is found that it cannot hold; leave that out."""
        if len(self._held) > 1:
            middle = len(self._held) // 2
            rest, self._held = self._held[middle:], self._held[:middle]
            self._buffer.put_back(rest)
            return True
        if not self._held or self._held[0].rows[0].table == "gaps":
            return False
        refused = self._held[0]
        stamp = refused.stamp
        log.error("an entry of the journal is left out, a fault of this program: %s", error)
        gap = Gap(stamp.seq, stamp.seq, stamp.wall, stamp.wall, "the database refused it")
        self._held = [Held(stamp, record_rows(stamp, 0, gap), refused.size, refused.urgent)]
        self._buffer.leave_out(stamp.seq)
        return True
