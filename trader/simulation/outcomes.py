"""Labels for a success model: what each candidate entry would have brought, by the rules' own exits and costs.

Every entry is followed as a shadow trade (`trader.simulation.shadow`): the levels of the core, the fills of the
simulated broker, fees and slippage; no capital, no limits, no funding. Nothing of that is repeated here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import Reading
from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable, Floats, Times
from trader.simulation.shadow import NEVER, NO_TURNS, Shadow, Shadows, Turns
from trader.strategy.base import signal_of
from trader.strategy.opinions import StreamOpinions

Integers = NDArray[np.int64]
Bytes = NDArray[np.int8]
Flags = NDArray[np.bool_]
#: Which entry, direction, net, time of entry and of exit: all that is kept of a shadow, as there may be 100,000s.
Ended = tuple[int, int, float, int, int]


class Entries(msgspec.Struct, frozen=True, eq=False):
    """Candidate entries of one stream, k of them, in the order of time.

    `time` int64 ms: T at which each is decided, the close of its candle. `pattern` int8: index in the order of
    `Pattern`; it gives the direction and the distances. `probability` in 0…1 sets the leverage where the rules let it,
    and nothing else. `close`, `ema50`, `atr14` in quote currency, finite.
    """

    symbol: str
    timeframe: Timeframe
    time: Times
    pattern: Bytes
    probability: Floats
    close: Floats
    ema50: Floats
    atr14: Floats

    @classmethod
    def of(cls, stream: StreamOpinions, rows: Integers, pattern: Bytes, probability: Floats) -> Entries:
        """Return entries at `rows` of a stream, int64[k]; `pattern` and `probability` are those of the entries."""
        values = (stream.close[rows], stream.ema50[rows], stream.atr14[rows])
        return cls(stream.symbol, stream.timeframe, stream.time[rows], pattern, probability, *values)

    def __len__(self) -> int:
        return len(self.time)

    def readings(self) -> Iterator[Reading]:
        """Yield what the stream would show for each entry."""
        signals = map(signal_of, self.pattern.tolist(), self.probability.tolist(), repeat(0.0))
        values = (column.tolist() for column in (self.close, self.ema50, self.atr14))
        return map(Reading, repeat(self.symbol), repeat(self.timeframe), *values, signals)


class Outcomes(msgspec.Struct, frozen=True, eq=False):
    """What became of those entries whose end is in the data, m of them, in their order.

    `entry` int64: which of the entries. `direction` int8: 1 or -1. `net` float64: the result as a fraction of the
    notional at the entry, after fees and slippage. `entry_time`, `exit_time` int64 ms: as those of a trade.
    `unfilled`: entries dropped because no candle opened in time. `unfinished`: those whose exit (or entry) lies beyond
    the data; `unfinished_from` is T of the first of them, `NEVER` without one.
    """

    entry: Integers
    direction: Bytes
    net: Floats
    entry_time: Times
    exit_time: Times
    unfilled: int
    unfinished: int
    unfinished_from: int

    def __len__(self) -> int:
        return len(self.entry)

    @property
    def won(self) -> Flags:
        """Whether the net result is above 0, bool[m]."""
        return self.net > 0.0

    @property
    def label_end(self) -> Times:
        """The time (ms) up to which each label looks, int64[m]: no candle that opens later has a part in it.

        Of the candle that opens at this very time it knows the open at most.
        """
        return self.exit_time

    def complete(self, time: Times) -> Flags:
        """Tell of which T (ms) all entries are here, however they ended.

        From the first unfinished one on, the quick ends are here and the slow ones are not: a sample chosen by outcome.
        """
        return time < self.unfinished_from


def follow_entries(
    settings: Settings, table: CandleTable, instrument: Instrument, entries: Entries, turns: Turns = NO_TURNS
) -> Outcomes:
    """Return what each entry would have become alone.

    `table`: the coin's exit stream. `turns`: the T at which the stream turns against a trade, for `REVERSAL`; without
    them that rule closes nothing. A side that the market does not allow (SHORT on spot) is followed all the same.
    """
    shadows = Shadows(settings, table, instrument)
    last = int(table.open_time[-1]) if len(table) else -1
    ended: list[Ended] = []
    unfinished: list[int] = []
    for place, (time, reading) in enumerate(zip(entries.time.tolist(), entries.readings(), strict=True)):
        shadow = shadows.follow(reading, time, turns)
        if time > last or (shadow is not None and shadow.open_at_end):
            unfinished.append(time)
        elif shadow is not None:
            ended.append(_ended(place, shadow))
    return _outcomes(ended, len(entries) - len(ended) - len(unfinished), unfinished)


def _ended(place: int, shadow: Shadow) -> Ended:
    return place, int(shadow.direction), shadow.net_return, shadow.entry_time, shadow.fills[-1].time


def _outcomes(ended: list[Ended], unfilled: int, unfinished: list[int]) -> Outcomes:
    entry, direction, net, entered, left = zip(*ended, strict=True) if ended else ((),) * 5
    return Outcomes(
        entry=np.array(entry, np.int64),
        direction=np.array(direction, np.int8),
        net=np.array(net, np.float64),
        entry_time=np.array(entered, np.int64),
        exit_time=np.array(left, np.int64),
        unfilled=unfilled,
        unfinished=len(unfinished),
        unfinished_from=min(unfinished, default=NEVER),
    )
