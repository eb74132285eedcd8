"""Drift beside the trading: counts what the model in force is asked and what its trades come to, and says alarms."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.errors import DataError, ModelError
from trader.market.durable import write_atomic
from trader.ml.drift import FILE, Reference, decode
from trader.ml.drift_watch import MOVED, Drift, DriftWatch, Measured
from trader.ml.registry.store import Stored
from trader.trading.notes import Note, Ordered, PartClosed

log = logging.getLogger(__name__)

STATE_NAME = "drift.msgpack"
#: How often alarms are looked for and the counts are written, seconds.
LOOK_S = 60.0
#: Entries whose outcome is awaited; more than any pool has open.
MOST_WAITING = 1_000
#: Inputs that are named in a line, the worst first.
NAMED = 3


class _Kept(msgspec.Struct):
    """What is kept over restarts: the counts, and what was said of entries whose trades are open, by order."""

    counts: bytes
    said: dict[int, float]


_KEPT = msgspec.msgpack.Decoder(_Kept)


def reference_in(stored: Stored) -> Reference | None:
    """Return the reference of a version, None where it has none; raise `ModelError` where that cannot be read."""
    if FILE not in stored.metadata.files:
        return None
    return decode(stored.read(FILE), f"{stored.reference}: {FILE}")


class DriftSide:
    """Watches the drift of one model after another; it is an audience, and `see` is told of all candles.

    `days` is the window; `alarmed` is told at each look whether an alarm is on. `home` has what is kept.
    """

    def __init__(self, home: Path, days: int, alarmed: Callable[[bool], None] = lambda on: None) -> None:
        self._path = home / STATE_NAME
        self._days = days
        self._alarmed = alarmed
        self._watch: DriftWatch | None = None
        self._said: dict[int, float] = {}
        self._on: dict[tuple[str, str], str] = {}
        self._drift: Drift | None = None

    def begin(self, reference: Reference | None) -> None:
        """Watch another model from now on, None where there is nothing to hold it against; take up what was kept."""
        self._watch = DriftWatch(reference, self._days) if reference is not None else None
        self._drift, self._on = None, {}
        self._alarmed(False)
        try:
            kept = _KEPT.decode(self._path.read_bytes())
            self._said = kept.said | self._said
            if self._watch is not None:
                self._watch.restore(kept.counts)
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError, ModelError) as error:
            log.info("drift is counted anew: %s", error)

    def see(self, time_ms: int, timeframes: Sequence[str], rows: NDArray[np.float64]) -> None:
        """Count the candles of an instant that are ready: their timeframes and rows, float64[n, len(FEATURES)]."""
        if self._watch is not None and len(rows):
            self._watch.see(time_ms, timeframes, rows)

    def note(self, note: Note) -> None:
        """Remember what was said of an entry, and count what became of it once its trade is closed."""
        if isinstance(note, Ordered):
            signal = note.reading.signal
            if signal is not None and signal.success is not None:
                self._said[note.request.order_id] = signal.success
                while len(self._said) > MOST_WAITING:
                    del self._said[next(iter(self._said))]
        elif isinstance(note, PartClosed) and note.trade.quantity_left <= 0:
            said = self._said.pop(note.trade.position_id, None)
            if said is not None and self._watch is not None:
                self._watch.closed(note.part.time, said, note.trade.net > 0)

    async def run(self) -> None:
        """Look for alarms and write the counts, until cancelled; then write them once more."""
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                self.look()
                await asyncio.to_thread(self._write, self._kept())
        finally:
            self._write(self._kept())

    def look(self) -> None:
        """Say which alarms have begun and which are over."""
        if self._watch is None:
            return
        self._drift = self._watch.look()
        now = {(alarm.kind, alarm.name): alarm.words for alarm in self._drift.alarms}
        for key in now.keys() - self._on.keys():
            log.warning("drift: %s", now[key])
        for key in self._on.keys() - now.keys():
            log.info("drift is over: %s", self._on[key])
        self._on = now
        self._alarmed(bool(now))

    def line(self) -> str:
        """Return the drift in a line."""
        if self._watch is None:
            return "drift: not watched, the model in force has no reference"
        return f"drift: {drift_words(self._drift or self._watch.look())}"

    def _kept(self) -> bytes:
        counts = self._watch.save() if self._watch is not None else b""
        return msgspec.msgpack.encode(_Kept(counts, self._said))

    def _write(self, content: bytes) -> None:
        try:
            write_atomic(self._path, lambda file: file.write(content))
        except DataError as error:
            log.warning("the counts of drift are not kept: %s", error)


def drift_words(drift: Drift) -> str:
    """Say inputs, Brier score and rate of candidates beside what is expected of them."""
    return "; ".join([_inputs(drift), _brier(drift.brier), *_rates(drift.rates)])


def _inputs(drift: Drift) -> str:
    known = [each for each in drift.inputs if each.index == each.index]
    if not known:
        return f"too few candidates to judge inputs ({drift.rows:,} of {drift.days} days)"
    moved = [each for each in known if each.index > MOVED]
    named = ", ".join(f"{each.name} PSI {each.index:.2f}" for each in moved[:NAMED])
    more = ", …" if moved[NAMED:] else ""
    return f"{len(moved)} of {len(known)} inputs moved" + (f" ({named}{more})" if moved else "")


def _brier(seen: Measured) -> str:
    if not seen.count:
        return "no trade closed"
    band = f" ± {seen.error:.2f}" if np.isfinite(seen.error) else ""
    return f"Brier {seen.value:.2f} (expected {seen.expected:.2f}{band}, {seen.count} trades)"


def _rates(rates: Sequence[Measured]) -> list[str]:
    told = [f"{each.name} {each.value:.0%} ({each.expected:.0%})" for each in rates if each.count]
    return [f"candidates {', '.join(told)}"] if told else []
