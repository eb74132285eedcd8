"""What became of the signals that a rule refused: each is followed as a shadow trade once the run is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import Direction
from trader.core.timeframe import Timeframe
from trader.engine.opinions import readings, seen
from trader.engine.result import FollowedSignal
from trader.market.table import CandleTable, Times
from trader.simulation.shadow import Shadows
from trader.strategy.opinions import StreamOpinions
from trader.trading.checks import RULES
from trader.trading.limits.signal import Fresh
from trader.trading.notes import Note, Refused
from trader.trading.reversal import turns_against

#: The rules whose refusals are followed: those behind check 6, which only a signal that is good in itself reaches.
FOLLOWED = frozenset(RULES[RULES.index(Fresh.rule) + 1 :])

#: Signals between two reports of how far it is.
PROGRESS_EVERY = 1_000

Stream = tuple[str, Timeframe]
Turns = dict[Stream, dict[Direction, Times]]


class RefusedSignals:
    """An audience that keeps the refusals worth following, in their order."""

    def __init__(self) -> None:
        self.notes: list[Refused] = []

    def note(self, note: Note) -> None:
        """Keep a refusal by one of the `FOLLOWED` rules."""
        if isinstance(note, Refused) and note.refusal.rule in FOLLOWED:
            self.notes.append(note)


def follow_refused(
    settings: Settings,
    refused: Sequence[Refused],
    tables: Mapping[str, CandleTable],
    instruments: Mapping[str, Instrument],
    opinions: Iterable[StreamOpinions],
    progress: Callable[[str, int, int], None],
) -> list[FollowedSignal]:
    """Return what each refused signal would have become alone, in their order.

    `tables`: each coin's exit stream over the run; `opinions`: what its streams showed, on which `REVERSAL` looks.
    """
    shadows = {symbol: Shadows(settings, table, instruments[symbol]) for symbol, table in tables.items()}
    turns = turns_of(settings, opinions)
    followed: list[FollowedSignal] = []
    for done, note in enumerate(refused):
        if done % PROGRESS_EVERY == 0:
            progress("following refused signals", done, len(refused))
        followed.append(_follow(note, shadows[note.reading.symbol], turns))
    progress("following refused signals", len(refused), len(refused))
    return followed


def _follow(note: Refused, shadows: Shadows, turns: Turns) -> FollowedSignal:
    reading = note.reading
    shadow = shadows.follow(reading, note.time, turns.get((reading.symbol, reading.timeframe), {}))
    return FollowedSignal(reading.symbol, reading.timeframe, note.time, note.refusal.rule, shadow)


def turns_of(settings: Settings, opinions: Iterable[StreamOpinions]) -> Turns:
    """Return at which T each stream turns against its trades, by their direction; nothing where `REVERSAL` is off."""
    if not settings.REVERSAL.enable:
        return {}
    return {(stream.symbol, stream.timeframe): _turns(settings, stream) for stream in opinions}


def _turns(settings: Settings, stream: StreamOpinions) -> dict[Direction, Times]:
    rows = np.flatnonzero(seen(stream))
    shown = list(zip(stream.time[rows].tolist(), readings(stream, rows), strict=True))
    return {
        direction: np.array([T for T, reading in shown if turns_against(settings, direction, reading)], np.int64)
        for direction in Direction
    }
