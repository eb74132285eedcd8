"""The core fed from a journal again: its commands must be those that were written down, byte for byte.

What the strategy said is in the journal too, so nothing is asked of indicators or models: a replay is of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import msgspec
from pydantic import SecretStr, ValidationError

from trader.core.commands import Command
from trader.core.errors import InvariantError, JournalError
from trader.core.events import EndOfData, Instant
from trader.core.instrument import Instrument
from trader.core.order import Fill, OrderDropped
from trader.core.settings import Settings
from trader.core.signal import Reading
from trader.engine.engine import Engine
from trader.engine.live.late import as_it_stood
from trader.engine.live.snapshot import VERSION, Snapshot, decode
from trader.journal.codec import encode
from trader.journal.reader import Reader
from trader.journal.records import Checkpoint, Entry, Run
from trader.simulation.broker import BrokerState
from trader.trading.book import Book
from trader.trading.logic import TradingLogic

#: Settings that a journal does not keep.
SECRETS = frozenset(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)


class Parted(msgspec.Struct, frozen=True):
    """The entry at which a replay and its journal part, and how, in words."""

    entry: Entry | None
    seq: int
    words: str


class Replica:
    """A core as it stood at a checkpoint of `run`; `take` brings it on, entry by entry."""

    def __init__(self, run: Run, snapshot: Snapshot) -> None:
        self._said = _Said()
        self._sink = _Sink()
        logic = TradingLogic(settings_of(run), snapshot.exits, instruments_of(run), self._said, None, snapshot.book)
        self._engine = Engine(logic, self._sink)
        self.is_over = False

    @property
    def book(self) -> Book:
        """The books, as they stand."""
        return self._engine.logic.book

    def take(self, entry: Entry) -> Parted | None:
        """Let the core handle an entry; return how its commands differ from those of the entry, None when equal."""
        event = entry.event
        self._said.readings, self._sink.sent = entry.readings, []
        self.is_over = isinstance(event, EndOfData) or (self.is_over and not isinstance(event, Instant))
        try:
            if isinstance(event, Instant) and event.late:
                with as_it_stood(event, self.book, self._sink.state):
                    self._engine.process(event)
            else:
                self._engine.process(event)
        except InvariantError as error:
            return Parted(entry, entry.seq, f"the books contradict themselves: {error}")
        return _compared(entry, self._sink.sent)


class Replayed(msgspec.Struct, frozen=True):
    """What a replay went through: `parted` are the first difference of each stretch between two checkpoints."""

    entries: int
    commands: int
    stretches: int
    until_ms: int
    parted: tuple[Parted, ...]


def replay(reader: Reader, until_ms: int | None = None, tell: Callable[[int], object] | None = None) -> Replayed:
    """Feed the whole journal, as far back as it has checkpoints, through the core; `tell` hears of each entry's place.

    `until_ms` (market's time) ends it. Raise `JournalError` where there is no checkpoint, or one cannot be read.
    """
    checkpoints = list(reversed(reader.snapshots()))
    if not checkpoints:
        raise JournalError(
            f"journal {reader.place} has no checkpoint to start from: nothing can be replayed", "unbegun"
        )
    runs = {run.id: run for run in reader.runs()}
    entries = commands = stretches = last_ms = 0
    parted: list[Parted] = []
    for checkpoint, following in [*pairwise(checkpoints), (checkpoints[-1], None)]:
        stretch = _Stretch(reader, runs[checkpoint.run], checkpoint, following)
        stretches += 1
        for entry in stretch.entries(until_ms):
            entries, commands, last_ms = entries + 1, commands + len(entry.commands), entry.time
            if tell is not None:
                tell(entry.seq)
        parted += stretch.parted
        if stretch.cut:
            break
    return Replayed(entries, commands, stretches, last_ms, tuple(parted))


class _Stretch:
    """The entries from one checkpoint to the next."""

    def __init__(self, reader: Reader, run: Run, checkpoint: Checkpoint, following: Checkpoint | None) -> None:
        self._reader = reader
        self._run = run
        self._checkpoint = checkpoint
        self._following = following
        self.parted: list[Parted] = []
        self.cut = False

    def entries(self, until_ms: int | None) -> Iterator[Entry]:
        """Yield the entries as they are fed; the first difference is in `parted` afterwards."""
        replica = Replica(self._run, snapshot_of(self._checkpoint))
        end = self._following.seq if self._following else None
        gaps = self._reader.gaps(self._checkpoint.seq)
        for entry in self._reader.entries(after=self._checkpoint.seq, run=self._run.id):
            if end is not None and entry.seq >= end:
                break
            if until_ms is not None and entry.time > until_ms:
                self.cut = True
                return
            if gaps and entry.seq > gaps[0].first:
                self.parted.append(Parted(None, gaps[0].first, f"entries were lost: {gaps[0].reason}"))
                return
            found = replica.take(entry)
            yield entry
            if found is not None:
                self.parted.append(found)
                return
        self._compare_books(replica)

    def _compare_books(self, replica: Replica) -> None:
        following = self._following
        if following is None or following.run != self._run.id:
            return  # a new run changes what its settings and its missed candles demand
        kept = snapshot_of(following).book
        names = [name for name in kept.__struct_fields__ if _differ(getattr(kept, name), getattr(replica.book, name))]
        if names:
            words = f"the books kept at {following.seq} are not those that the entries lead to: {', '.join(names)}"
            self.parted.append(Parted(None, following.seq, words))


def snapshot_of(checkpoint: Checkpoint) -> Snapshot:
    """Return the snapshot that a checkpoint holds; raise `JournalError` when this program cannot read it."""
    if checkpoint.version != VERSION:
        raise JournalError(
            f"the checkpoint at entry {checkpoint.seq} is of version {checkpoint.version}, this program reads "
            f"{VERSION}: close all trades with the program that wrote it, then start this one with another DATA_DIR",
            "newer",
        )
    try:
        snapshot = decode(checkpoint.state)
        snapshot.book.check()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise JournalError(f"the checkpoint at entry {checkpoint.seq} cannot be read: {error}", "damaged") from error
    except InvariantError as error:
        raise JournalError(f"the books at entry {checkpoint.seq} contradict themselves: {error}", "damaged") from error
    return snapshot


def settings_of(run: Run) -> Settings:
    """Return the settings of a run, without its secrets; raise `JournalError` when they are another program's."""
    try:
        return Settings.model_validate({**run.settings, **dict.fromkeys(SECRETS, "")})
    except ValidationError as error:
        raise JournalError(
            f"the settings of run {run.id} (trader {run.version}) are not of this program: {error.errors()[0]['msg']} "
            f"at {'.'.join(map(str, error.errors()[0]['loc']))}; replay it with the program that wrote it",
            "newer",
        ) from None


def filters_of(grids: Mapping[str, Instrument]) -> dict[str, dict[str, str]]:
    """Return instruments as a run keeps them; their brackets are kept beside."""
    return {
        symbol: {
            "tickSize": str(each.tick.unit),
            "stepSize": str(each.step.unit),
            "minQty": repr(each.min_quantity),
            "minNotional": repr(each.min_notional),
        }
        for symbol, each in grids.items()
    }


def instruments_of(run: Run) -> dict[str, Instrument]:
    """Return the instruments of a run."""
    return {
        symbol: Instrument.from_filters(symbol, filters, run.brackets.get(symbol, ()))
        for symbol, filters in run.filters.items()
    }


def _compared(entry: Entry, given: Sequence[Command]) -> Parted | None:
    recorded = entry.commands
    if [encode(each) for each in recorded] == [encode(each) for each in given]:
        return None
    for number, (one, other) in enumerate(zip(recorded, given, strict=False)):
        if encode(one) != encode(other):
            return Parted(entry, entry.seq, f"command {number + 1}: recorded {one}, now {other}")
    return Parted(entry, entry.seq, f"{len(recorded)} commands recorded, {len(given)} now: {recorded} and {given}")


def _differ(one: object, other: object) -> bool:
    return encode(one) != encode(other)


class _Said:
    """Opinions that say what was recorded."""

    def __init__(self) -> None:
        self.readings: Sequence[Reading] = ()

    def read(self, instant: Instant) -> Sequence[Reading]:
        return self.readings


class _Sink:
    """A broker that keeps what it is sent, and does nothing."""

    def __init__(self) -> None:
        self.sent: list[Command] = []
        self.state = BrokerState()

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def match(self, instant: Instant) -> Iterator[Fill | OrderDropped]:
        return iter(())

    def close_out(self, last_close: Mapping[str, float], last_close_time: Mapping[str, int]) -> Iterator[Fill]:
        return iter(())
