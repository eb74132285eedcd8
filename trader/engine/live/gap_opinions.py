"""What the daemon's streams show, with a word for those that wait for the repair of a candle: `gap`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trader.core.candle import NAN, Candle
from trader.core.events import Instant
from trader.core.signal import Reading
from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable
from trader.strategy.opinions import LiveOpinions

Stream = tuple[str, Timeframe]


class GapOpinions:
    """`LiveOpinions` of which coins can be held back: their kernels stand still and their readings say `gap`.

    A kernel that went on behind a missing candle would begin anew; one that stands still is fed from history once
    the candle is there, and then knows what it would have known.
    """

    def __init__(self, live: LiveOpinions, streams: Iterable[Stream]) -> None:
        self._live = live
        self._ready = dict.fromkeys(streams, True)
        self._held: set[str] = set()
        #: A person has to look before anything is decided.
        self.muted = False

    def hold(self, symbol: str) -> None:
        """Let a coin's kernels stand still: a candle is missing."""
        self._held.add(symbol)

    def release(self, symbol: str) -> None:
        """Let a coin's kernels, fed anew, go on."""
        self._held.discard(symbol)

    def reload(self, table: CandleTable) -> None:
        """Feed a stream's kernel anew from its whole history."""
        self._live.reload(table)

    def read(self, instant: Instant) -> Sequence[Reading]:
        """Return the readings of `instant`; late candles give none, their coin is fed anew."""
        if self.muted or instant.late:
            return ()
        if not self._held:
            return self._seen(instant)
        going = tuple(candle for candle in instant.candles if candle.symbol not in self._held)
        readings = {(each.symbol, each.timeframe): each for each in self._seen(Instant(instant.time, going))}
        for candle in instant.candles:
            if candle.symbol in self._held and (candle.symbol, candle.timeframe) in self._ready:
                readings[candle.symbol, candle.timeframe] = self._blind(candle)
        order = ((candle.symbol, candle.timeframe) for candle in instant.candles)
        return [readings[stream] for stream in order if stream in readings]

    def _seen(self, instant: Instant) -> Sequence[Reading]:
        readings = self._live.read(instant)
        for reading in readings:
            self._ready[reading.symbol, reading.timeframe] = reading.ready
        return readings

    def _blind(self, candle: Candle) -> Reading:
        stream = (candle.symbol, candle.timeframe)
        return Reading(*stream, candle.close, NAN, NAN, None, self._ready[stream], gap=True)
