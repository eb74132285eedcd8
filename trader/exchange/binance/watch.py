"""Which streams are late, on the market's own clock: the newest event time seen on any stream.

A play runs apart from wall time, so wall time says nothing about a stream. Two looks must find the same close due:
between two sockets one may be some messages behind.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trader.exchange.binance.codec import TIMEFRAMES
from trader.exchange.binance.messages import KlineMessage, Message

#: `…@markPrice@1s` speaks every second, without `@1s` every three.
MARK_PRICE_MS = 3_000


class MarketClock:
    """The newest event time seen, ms; 0 before the first. Share one among connections of a market."""

    __slots__ = ("now_ms",)

    def __init__(self) -> None:
        self.now_ms = 0


class Late(msgspec.Struct, frozen=True):
    """`silent` streams do not talk at all; `missed` ones talk, but a close that was due has not come."""

    silent: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


class _Track(msgspec.Struct):
    """`due_ms`: the close that is expected next, 0 when not known yet; `period_ms` 0: never due."""

    period_ms: int
    event_ms: int = 0
    due_ms: int = 0
    suspect_ms: int = -1
    stale: bool = False


class StreamWatch:
    """Watches the streams of one connection."""

    def __init__(self, clock: MarketClock, stale_ms: int) -> None:
        self._clock = clock
        self._stale_ms = stale_ms
        self._tracks: dict[str, _Track] = {}

    def add(self, streams: Iterable[str]) -> None:
        """Watch `streams` too."""
        for stream in streams:
            self._tracks.setdefault(stream, _Track(period_of(stream)))

    def remove(self, streams: Iterable[str]) -> None:
        """Watch `streams` no more."""
        for stream in streams:
            self._tracks.pop(stream, None)

    def candle(self, message: KlineMessage) -> bool:
        """Take note of a kline message; return whether its stream was stale until now."""
        event_ms, clock = message.event_ms, self._clock
        if event_ms > clock.now_ms:
            clock.now_ms = event_ms
        track = self._tracks.get(message.stream)
        if track is None:
            return False
        track.event_ms = event_ms
        candle = message.candle
        if candle is not None and candle.open_time + 2 * track.period_ms > track.due_ms:
            track.due_ms = candle.open_time + 2 * track.period_ms
        return track.stale and self._resume(track)

    def other(self, message: Message) -> bool:
        """Take note of any other message of a stream; return whether it was stale until now."""
        event_ms = getattr(message, "event_ms", 0)
        self._clock.now_ms = max(self._clock.now_ms, event_ms)
        track = self._tracks.get(getattr(message, "stream", ""))
        if track is None:
            return False
        track.event_ms = event_ms or self._clock.now_ms
        if track.period_ms:
            track.due_ms = track.event_ms + track.period_ms
        return track.stale and self._resume(track)

    def look(self) -> Late:
        """Return the streams that have become late since the last look."""
        late = [(stream, track) for stream, track in self._tracks.items() if self._has_become_late(track)]
        silent = tuple(stream for stream, track in late if track.stale)
        return Late(silent, tuple(stream for stream, track in late if not track.stale))

    def renew(self) -> None:
        """Begin anew behind a loss: what was due then has been told, and the next close counts."""
        for track in self._tracks.values():
            track.due_ms, track.suspect_ms, track.stale = 0, -1, False

    def hush(self) -> tuple[str, ...]:
        """Take note that nothing comes on any stream, so that the market's clock stands; return those newly stale."""
        fresh = tuple(stream for stream, track in self._tracks.items() if not track.stale)
        for track in self._tracks.values():
            track.stale = True
        return fresh

    @property
    def any_stale(self) -> bool:
        """Whether a stream is known to be silent."""
        return any(track.stale for track in self._tracks.values())

    def ages_ms(self) -> dict[str, int | None]:
        """Return by stream how long ago it last spoke, on the market's clock; None before its first word."""
        now_ms = self._clock.now_ms
        return {name: now_ms - track.event_ms if track.event_ms else None for name, track in self._tracks.items()}

    def _has_become_late(self, track: _Track) -> bool:
        now_ms = self._clock.now_ms
        if not (track.period_ms and now_ms) or track.stale:
            return False
        if not track.due_ms:
            track.due_ms = _next_close(now_ms, track.period_ms)
        if now_ms <= track.due_ms + self._stale_ms:
            return False
        if track.suspect_ms != track.due_ms:
            track.suspect_ms = track.due_ms
            return False
        if track.event_ms > track.due_ms:
            track.due_ms = _next_close(now_ms, track.period_ms)
        else:
            track.stale = True
        return True

    def _resume(self, track: _Track) -> bool:
        track.stale = False
        if track.period_ms:
            track.due_ms = max(track.due_ms, _next_close(track.event_ms, track.period_ms))
        return True


def period_of(stream: str) -> int:
    """Return how often a stream is due to close or to speak, ms; 0 when it may be silent for ever (trades, book).

    >>> period_of("btcusdt@kline_5m"), period_of("btcusdt@markPrice@1s"), period_of("btcusdt@aggTrade")
    (300000, 1000, 0)
    """
    kind = stream.partition("@")[2]
    if kind.startswith("kline_"):
        timeframe = TIMEFRAMES.get(kind.removeprefix("kline_"))
        return timeframe.ms if timeframe else 0
    if "markPrice" in stream:
        return 1_000 if stream.endswith("@1s") else MARK_PRICE_MS
    return 0


def _next_close(now_ms: int, period_ms: int) -> int:
    return now_ms - now_ms % period_ms + period_ms
