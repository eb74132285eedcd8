"""Listens to the core and writes down what one event did: its commands, trades, refusals, equity, all in one entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from trader.core.commands import Command
from trader.core.events import Event, Instant
from trader.core.ports import Opinions
from trader.core.signal import Reading
from trader.core.trade import Trade
from trader.journal.journal import Journal
from trader.journal.records import DecisionRecord, EquityPoint, Readings, Record, RefusalDetail
from trader.trading.book import Book
from trader.trading.notes import FundingPaid, GuardChanged, Note, PartClosed, Refused, StopMoved, TradeOpened

#: What of decisions is kept: nothing, who was refused by which rule, or with the values that were looked at.
Detail = Literal["off", "counts", "full"]


class Scribe:
    """The core's journal and its audience at once; `streams` are numbered as the run has them ("BTCUSDT,1min").

    `attach` before an event what goes with it, e.g. the exchange's fill and its order: a crash keeps all or nothing.
    """

    def __init__(self, journal: Journal, book: Book, streams: Sequence[str], detail: Detail = "counts") -> None:
        self._journal = journal
        self._book = book
        self._numbers = {name: number for number, name in enumerate(streams)}
        self._detail = detail
        self._attached: list[Record] = []
        self._trades: dict[int, Trade] = {}
        self._refused: list[Refused] = []
        self._guards: list[GuardChanged] = []
        self._pool: tuple[float, float, int] | None = None

    def attach(self, *records: Record) -> None:
        """Keep `records` in the entry of the event that is processed next."""
        self._attached += records

    def note(self, note: Note) -> None:
        """Take what the core tells while it handles an event."""
        if isinstance(note, Refused):
            if self._detail != "off":
                self._refused.append(note)
        elif isinstance(note, GuardChanged):
            self._guards.append(note)
        elif isinstance(note, TradeOpened | PartClosed | StopMoved | FundingPaid):
            self._trades[note.trade.id] = note.trade

    def append(self, event: Event, commands: Sequence[Command]) -> int:
        """Record an event with the commands that it led to, and what was noted meanwhile; return its place."""
        records = [*self._attached, *self._trades.values()]
        if self._refused or self._guards:
            records.append(self._decisions())
        if isinstance(event, Instant) and (point := self._equity(event.time)):
            records.append(point)
        for kept in (self._attached, self._trades, self._refused, self._guards):
            kept.clear()
        return self._journal.append(event, commands, records)

    def keep(self, *records: Record) -> int:
        """Write `records` down, and before them what is attached to an event that came to nothing."""
        attached, self._attached = self._attached, []
        for kept in (self._trades, self._refused, self._guards):
            kept.clear()
        return self._journal.record(*attached, *records)

    def _decisions(self) -> DecisionRecord:
        refused: dict[str, list[int]] = {}
        details = []
        for note in self._refused:
            stream = self._numbers.get(f"{note.reading.symbol},{note.reading.timeframe}", -1)
            refused.setdefault(note.refusal.rule, []).append(stream)
            if self._detail == "full":
                details.append(RefusalDetail(stream, note.refusal.stage, note.refusal.rule, note.refusal.values))
        time = (self._refused or self._guards)[0].time
        return DecisionRecord(time, refused, tuple(self._guards), tuple(details))

    def _equity(self, time: int) -> EquityPoint | None:
        """Return the pool where it has changed."""
        book = self._book
        now = (book.pool.equity, book.pool.free, book.part_count)
        if now == self._pool:
            return None
        self._pool = now
        return EquityPoint(time, book.pool.equity, book.pool.free, book.reserved)


class Witness:
    """Opinions that are written down as they are given: what the core did with them can be seen again without them."""

    def __init__(self, opinions: Opinions, scribe: Scribe) -> None:
        self._opinions = opinions
        self._scribe = scribe

    def read(self, instant: Instant) -> Sequence[Reading]:
        """Return what `opinions` say, and keep it for the entry of `instant`."""
        readings = self._opinions.read(instant)
        if readings:
            self._scribe.attach(Readings(instant.time, tuple(readings)))
        return readings
