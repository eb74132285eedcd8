"""How the daemon is, in a few lines every half minute."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec

from trader.core.events import Instant
from trader.exchange.binance.states import StreamStats
from trader.trading.book import Book


class Pulse(msgspec.Struct):
    """Counts since the start. `lag_ms`: from a candle's arrival to its instant's end, the last and the worst."""

    started_s: float = 0.0
    instants: int = 0
    candles: int = 0
    lag_ms: float = 0.0
    worst_lag_ms: float = 0.0

    def count(self, instant: Instant, arrived_s: float) -> None:
        """Count an instant that is over; `arrived_s` is when its last candle came, on the monotonic clock."""
        self.instants += 1
        self.candles += len(instant.candles)
        self.lag_ms = (time.monotonic() - arrived_s) * 1000
        self.worst_lag_ms = max(self.worst_lag_ms, self.lag_ms)


def status_lines(book: Book, pulse: Pulse, streams: StreamStats | None, market_ms: int) -> list[str]:
    """Return the status: capital, profit, open trades with stop and distance, candles, decisions, lag, ages."""
    pool = book.pool
    profit = pool.equity - pool.initial
    guards = _guards(book)
    lines = [
        f"status {_utc(market_ms)}: equity {pool.equity:.2f} ({profit:+.2f}, {profit / pool.initial:+.2%}), "
        f"free {pool.free:.2f}, reserved {book.reserved:.2f}, {len(book.trades)} open, {len(book.pending)} pending, "
        f"{book.won} won, {book.lost} lost; {guards}",
        f"status: {pulse.instants} instants, {pulse.candles} candles, {decisions_of(book):,} decisions, "
        f"lag {pulse.lag_ms:.1f} ms (worst {pulse.worst_lag_ms:.1f}); {_streams(streams)}",
    ]
    return lines + open_trades(book)


def decisions_of(book: Book) -> int:
    """Return how many decisions were made."""
    return sum(
        count for timeframes in book.funnel.values() for rules in timeframes.values() for count in rules.values()
    )


def open_trades(book: Book) -> list[str]:
    """Return a line for each open trade: what it is worth, its stop and how far that is."""
    lines = []
    for trade in book.trades.values():
        price = book.last_close.get(trade.symbol, trade.entry_price)
        distance = abs(price - trade.stop) / price
        lines.append(
            f"open trade {trade.id}: {trade.symbol} {trade.timeframe} {trade.direction.name} "
            f"{trade.quantity_left:g} at {trade.entry_price:g}, now {price:g} ({trade.unrealised(price):+.2f}), "
            f"stop {trade.stop:g} ({trade.stop_reason}, {distance:.2%} away), take profit {trade.take_profit:g}"
        )
    return lines


def funnel_line(book: Book) -> str:
    """Return why nothing was traded: all decisions by the rule that ended them, the most frequent first."""
    counts: dict[str, int] = {}
    for timeframes in book.funnel.values():
        for rules in timeframes.values():
            for rule, count in rules.items():
                counts[rule] = counts.get(rule, 0) + count
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return "decisions so far: " + (", ".join(f"{rule} {count:,}" for rule, count in ordered) or "none")


def _guards(book: Book) -> str:
    guards = book.guards
    on = {
        "paused": guards.paused,
        "kill switch": guards.killed,
        "daily loss": guards.day_lost,
        "cooldown": bool(guards.cooldown_until),
    }
    names = [name for name, active in on.items() if active]
    return f"guards on: {', '.join(names)}" if names else "no guard is on"


def _streams(streams: StreamStats | None) -> str:
    if streams is None:
        return "no streams"
    ages = [age for age in streams.age_ms.values() if age is not None]
    silent = sum(1 for age in streams.age_ms.values() if age is None)
    oldest = f"oldest stream {max(ages) / 1000:.1f} s of market time" if ages else "no stream has spoken yet"
    if ages and silent:
        oldest += f", {silent} not yet heard"
    link = "connected" if streams.connected else "NOT connected"
    return (
        f"{link}, {oldest}, {streams.messages:,} messages, {streams.reconnects} reconnects, {streams.corrupt} corrupt"
    )


def _utc(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
