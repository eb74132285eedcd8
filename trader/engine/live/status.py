"""How the daemon is, in a few lines every half minute."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from trader.core.events import Instant
from trader.core.timeframe import utc
from trader.core.trade import Trade
from trader.engine.live.instants import Counters
from trader.exchange.binance.states import StreamStats
from trader.trading.book import Book
from trader.trading.guards import BY_FILE, BY_PERSON


class Pulse(msgspec.Struct):
    """Counts since the start. `lag_ms`: from the arrival of an instant's last candle to its end, last and worst."""

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


def status_lines(
    book: Book, pulse: Pulse, streams: StreamStats, counters: Counters, repaired: int, market_ms: int
) -> list[str]:
    """Return the status: capital, profit, open trades with stop and distance, candles, decisions, lag, ages."""
    pool = book.pool
    worth = book.worth()
    profit = worth - pool.initial
    return [
        f"status at {utc(market_ms)}: equity {worth:,.2f} ({profit:+,.2f}, {profit / pool.initial:+.2%}), "
        f"free {pool.free:,.2f}, reserved {book.reserved:,.2f}; {len(book.trades)} open, {len(book.pending)} pending, "
        f"{book.won} won, {book.lost} lost; {_guards(book)}",
        *_changed(book),
        *([f"model {book.model}"] if book.model else []),
        *open_trades(book),
        f"{pulse.candles:,} candles in {pulse.instants:,} instants, lag {pulse.lag_ms:.1f} ms "
        f"(worst {pulse.worst_lag_ms:.1f}); {_streams(streams)}{_troubles(streams, counters, repaired)}",
        funnel_line(book),
    ]


def open_trades(book: Book) -> list[str]:
    """Return a line for each open trade and pending entry: what it is worth, its stop and how far that is."""
    waiting = [
        f"pending entry: {each.request.symbol} {each.reading.timeframe} {each.request.direction.name} "
        f"{each.request.quantity:g} near {each.price:g}, {'a hedge' if each.hedge else f'stop {each.stop:g}'}"
        for each in book.pending.values()
    ]
    return [_open_trade(trade, book) for trade in book.trades.values()] + waiting


def _open_trade(trade: Trade, book: Book) -> str:
    price = book.last_close.get(trade.symbol, trade.entry_price)
    closing = f", closing ({trade.closing})" if trade.closing else ""
    levels = (
        "a hedge"
        if trade.hedge
        else f"stop {trade.stop:g} ({trade.stop_reason}, {stop_distance(trade, price):.2%} away), "
        f"take profit {trade.take_profit:g}"
    )
    return (
        f"open trade {trade.id}: {trade.symbol} {trade.timeframe} {trade.direction.name} "
        f"{trade.quantity_left:g} at {trade.entry_price:g}, now {price:g} ({trade.unrealised(price):+.2f}), "
        f"{levels}{closing}"
    )


def stop_distance(trade: Trade, price: float) -> float:
    """Return how far the stop is from `price`, as a fraction of that; NaN for a hedge, which has none."""
    return abs(price - trade.stop) / price


def funnel_line(book: Book) -> str:
    """Return why nothing was traded: all decisions by the rule that ended them, the most frequent first."""
    counts = funnel_counts(book)
    said = ", ".join(f"{rule} {count:,}" for rule, count in counts.items())
    return f"{sum(counts.values()):,} decisions: {said}" if said else "no decision yet"


def funnel_counts(book: Book) -> dict[str, int]:
    """Return how many decisions each rule has ended, over all streams, the most frequent first."""
    counts: dict[str, int] = {}
    for timeframes in book.funnel.values():
        for rules in timeframes.values():
            for rule, count in rules.items():
                counts[rule] = counts.get(rule, 0) + count
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def guards_on(book: Book) -> list[str]:
    """Return the guards that are on, each with who threw it or when it ends."""
    guards = book.guards
    on = {
        "paused by a person": guards.paused_by_person,
        "paused by the drawdown": bool(guards.drawdown_pause),
        f"kill switch (by {_killers(guards.killed_by)})": guards.killed,
        "daily loss until the UTC day ends": guards.day_lost,
        f"cooldown until {utc(guards.cooldown_until)}": bool(guards.cooldown_until),
    }
    return [name for name, active in on.items() if active]


def _killers(killed_by: Sequence[str]) -> str:
    words = {BY_PERSON: "a person", BY_FILE: "the file KILL"}
    return " and ".join(words.get(each, each) for each in killed_by or [BY_PERSON])


def _guards(book: Book) -> str:
    names = guards_on(book)
    return f"guards on: {', '.join(names)}" if names else "no guard is on"


def _changed(book: Book) -> list[str]:
    said = ", ".join(f"{name} = {value}" for name, value in book.changed.items())
    return [f"changed by a person: {said}"] if said else []


def _streams(streams: StreamStats) -> str:
    ages = [age for age in streams.age_ms.values() if age is not None]
    silent = len(streams.age_ms) - len(ages)
    oldest = f"oldest stream {max(ages) / 1000:.1f} s of market time" if ages else "no stream has spoken yet"
    if ages and silent:
        oldest += f", {silent} not yet heard"
    link = "connected" if streams.connected else "NOT connected"
    return f"{link}, {oldest}, {streams.messages:,} messages"


def _troubles(streams: StreamStats, counters: Counters, repaired: int) -> str:
    said = ", ".join(f"{count:,} {what}" for what, count in troubles(streams, counters, repaired).items())
    return f"; so far {said}" if said else ""


def troubles(streams: StreamStats, counters: Counters, repaired: int) -> dict[str, int]:
    """Return what went wrong on the way so far, counted; nothing when nothing did."""
    counts = {
        "reconnects": streams.reconnects,
        "corrupt messages": streams.corrupt,
        "repaired candles": repaired,
        "late candles": counters.late,
        "contradicted candles": counters.contradictions,
    }
    return {what: count for what, count in counts.items() if count}
