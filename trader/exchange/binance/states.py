"""What a supervisor of streams is told to keep to, and what it tells of them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from trader.core.settings import Market

#: Binance: connections per address in five minutes. Half of it is ours at most.
CONNECTS = 150
CONNECTS_PERIOD_S = 300.0
#: Streams of one connection, and our messages a second, below the venue's 5 and 10, for pongs count too.
MAX_STREAMS: dict[Market, int] = {"spot": 1_024, "futures": 200}
MESSAGES_PER_S: dict[Market, int] = {"spot": 4, "futures": 8}


class StreamOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and patience of one connection, seconds of wall time unless the name says otherwise.

    `silence_s`: a socket on which nothing at all comes for so long is dead. `stale_ms`: on the market's clock, a
    stream is stale so long after its due close. A connection is replaced at `life_s`, before the venue ends it at
    24 h. `steady_s`: a connection that lived so long is no failure. `grace_s`: a new one may be silent for so long.
    """

    max_streams: int = MAX_STREAMS["spot"]
    messages_per_s: int = MESSAGES_PER_S["spot"]
    silence_s: float = 60.0
    stale_ms: int = 15_000
    life_s: float = 23 * 3600.0
    open_timeout_s: float = 10.0
    answer_timeout_s: float = 10.0
    close_timeout_s: float = 1.0
    check_every_s: float = 0.25
    steady_s: float = 10.0
    grace_s: float = 3.0
    first_wait_s: float = 0.25
    longest_wait_s: float = 30.0
    first_stale_wait_s: float = 5.0
    longest_stale_wait_s: float = 300.0
    url_streams: int = 50
    batch: int = 100

    @classmethod
    def of(cls, market: Market, silence_s: float = 60.0, stale_ms: int = 15_000) -> StreamOptions:
        """Return the options for `market`."""
        return cls(
            max_streams=MAX_STREAMS[market],
            messages_per_s=MESSAGES_PER_S[market],
            silence_s=silence_s,
            stale_ms=stale_ms,
        )


class StateKind(StrEnum):
    """What happened. Behind CONNECTED, REPLACED, STALE, MISSED and CORRUPT candles may be missing: repair by REST."""

    CONNECTED = "connected"  # after the start or a loss: all streams are subscribed
    DISCONNECTED = "disconnected"
    FAILED = "failed"  # a try to connect; another follows
    REPLACED = "replaced"  # a new socket took over before the old one was closed
    STALE = "stale"  # nothing at all comes on a stream whose candle is due
    RESUMED = "resumed"  # a stale stream talks again
    MISSED = "missed"  # a stream talks, but a close that was due has not come
    CORRUPT = "corrupt"  # a frame could not be read: it may have been any stream's candle
    REFUSED = "refused"  # the venue does not serve these streams


class StreamState(msgspec.Struct, frozen=True):
    """A change of state of `streams`, with the reason in words."""

    kind: StateKind
    streams: tuple[str, ...]
    reason: str = ""


class StreamStats(msgspec.Struct, frozen=True):
    """Counts since the start. `age_ms` by stream: the market's clock minus its last message; None before the first."""

    messages: int
    corrupt: int
    connects: int
    reconnects: int
    replaced: int
    connected: bool
    age_ms: dict[str, int | None]
