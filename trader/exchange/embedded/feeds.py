"""The other streams: trades, best prices, tickers, mark prices. What each sends at a close, and in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from trader.core.timeframe import MINUTE_MS, SECOND_MS
from trader.exchange.embedded import payloads
from trader.exchange.embedded.floor import Floor, Upcoming
from trader.exchange.embedded.kline_feed import KlineFeed, Update
from trader.exchange.embedded.streams import Kind, Stream
from trader.exchange.embedded.tape import Tape


class Feed(Protocol):
    """What one stream says. Due at multiples of `every_ms`; between them at most once in `pace_ms` of the play.
    Of feeds due together the lower `rank` comes first."""

    rank: int
    every_ms: int
    pace_ms: int

    def at_close(self, due: int) -> Sequence[Update]:
        """Return the events of a due time."""
        ...

    def between(self, now: int) -> Sequence[Update]:
        """Return the events since the last ones."""
        ...


class TradeFeed:
    """`aggTrade`: each trade once, in order, from `since` on."""

    rank = 0
    pace_ms = 0

    def __init__(self, tape: Tape, unit: int, since: int) -> None:
        self.every_ms = tape.finest.ms
        self._tape = tape
        self._unit = unit
        self._sent_until = since

    def at_close(self, due: int) -> list[Update]:
        """Return the events of a due time."""
        return self.between(due)

    def between(self, now: int) -> list[Update]:
        """Return the events since the last ones."""
        if now <= self._sent_until:
            return []
        trades = self._tape.trades.between(self._sent_until, now)
        self._sent_until = now
        return [(_json(event), False) for event in payloads.agg_trade_events(trades, self._tape, self._unit)]


class SnapshotFeed:
    """A stream that says how things stand: `snapshot` gives the event of now, sent when it differs from the last."""

    def __init__(self, rank: int, every_ms: int, pace_ms: int, snapshot: Callable[[], dict[str, Any]]) -> None:
        self.rank = rank
        self.every_ms = every_ms
        self.pace_ms = pace_ms
        self._snapshot = snapshot
        self._last: dict[str, Any] = {}

    def at_close(self, due: int) -> list[Update]:
        """Return the events of a due time."""
        return self.between(due)

    def between(self, now: int) -> list[Update]:
        """Return the events since the last ones."""
        event = self._snapshot()
        if event == self._last:
            return []
        self._last = event
        return [(_json(event), False)]


class MarkPriceFeed:
    """`markPrice`: the last price, and the next payment of funding. At closes it comes once a minute, whatever its
    pace: a play that goes fast goes from candle to candle."""

    rank = 3

    def __init__(self, floor: Floor, tape: Tape, pace_ms: int) -> None:
        self.every_ms = max(tape.finest.ms, MINUTE_MS)
        self.pace_ms = pace_ms
        self._floor = floor
        self._tape = tape
        self._upcoming: Upcoming | None = None
        self._known_until = 0
        self._sent_at = -1

    def at_close(self, due: int) -> list[Update]:
        """Return the event of a due time."""
        return self.between(due)

    def between(self, now: int) -> list[Update]:
        """Return the event of now, unless it was sent."""
        if now <= self._sent_at:
            return []
        self._sent_at = now
        upcoming = self._next(now)
        rate, time = (None, 0) if upcoming is None else (upcoming.rate, upcoming.time)
        return [(_json(payloads.mark_price_event(self._tape, rate, time, now)), False)]

    def _next(self, now: int) -> Upcoming | None:
        """Return the next payment, looked for once a minute at most."""
        if now >= self._known_until:
            self._upcoming = self._floor.upcoming_funding(self._tape.symbol)
            self._known_until = now - now % MINUTE_MS + MINUTE_MS if self._upcoming is None else self._upcoming.time
        return self._upcoming


def make_feed(floor: Floor, stream: Stream, unit: int) -> Feed | None:
    """Return the feed of a stream; None where the symbol or the interval is not played."""
    tape = floor.tapes.get(stream.symbol)
    if tape is None:
        return None
    if stream.timeframe is not None:
        if not tape.history.offers(stream.timeframe):
            return None
        return KlineFeed(tape, stream.timeframe, unit, stream.kind is Kind.CONTINUOUS_KLINE)
    if stream.kind is Kind.AGG_TRADE:
        return TradeFeed(tape, unit, floor.clock.now())
    if stream.kind is Kind.MARK_PRICE:
        return MarkPriceFeed(floor, tape, SECOND_MS if stream.quick else 3 * SECOND_MS)
    return _snapshot_feed(floor, tape, stream.kind, unit)


def _snapshot_feed(floor: Floor, tape: Tape, kind: Kind, unit: int) -> SnapshotFeed:
    every = max(tape.finest.ms, SECOND_MS)
    if kind is Kind.BOOK_TICKER:
        return SnapshotFeed(1, every, 0, lambda: payloads.book_event(tape, floor.book(tape, 1), floor.clock.now()))
    return SnapshotFeed(3, every, SECOND_MS, lambda: payloads.mini_ticker_event(tape, tape.day(), unit))


def _json(event: dict[str, Any]) -> str:
    return msgspec.json.encode(event).decode()
