"""Finds and explains decisions that differ though the same had been filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from trader.core.events import Instant
from trader.core.signal import Reading
from trader.engine.live.instants import same
from trader.reports.divergence.books import DayBooks, Key, key_of, key_of_pending
from trader.reports.divergence.done import alike
from trader.reports.divergence.place import Finding, Place, not_judged, unexplained
from trader.reports.divergence.records import Cause


class Judged(msgspec.Struct, frozen=True, eq=False):
    """How the daemon judged an instant: as it had it, what it read, whether it had paused entries itself, and of which
    coins candles came late meanwhile.
    """

    instant: Instant
    readings: Mapping[tuple[str, str], Reading]
    paused: bool
    late: frozenset[str]
    other_settings: bool


def of_decision(place: Place, judged: Judged, words: str) -> Finding:
    """Explain a decision that differs though the same had been filled."""
    key, instant = place.key, judged.instant
    if place.missed:
        return not_judged(place, words)
    final = place.final.instants.get(place.end)
    finals = {(each.symbol, each.open_time): each for each in (final.candles if final else ())}
    lived = {(each.symbol, each.open_time): each for each in instant.candles if each.timeframe in _bases(place)}
    absent = [symbol for symbol, opened in finals if symbol == key.symbol and (symbol, opened) not in lived]
    if absent or key.symbol in judged.late or place.evidence.was_late(key.symbol, place.end):
        return Finding(Cause.LATE_CANDLE, f"{words}: a candle of {key.symbol} was not there yet")
    if place.evidence.is_blind(key, judged.readings):
        return Finding(Cause.LATE_CANDLE, f"{words}: candles of {key.symbol} were missing")
    if judged.paused:
        return Finding(Cause.HALTED, f"{words}: entries were paused by the daemon itself")
    if judged.other_settings:
        return Finding(Cause.SETTINGS, words)
    if any(not same(finals[where], lived[where]) for where in finals.keys() & lived.keys() if where[0] == key.symbol):
        return Finding(Cause.REVISED_CANDLE, f"{words}: the candle was another")
    if place.evidence.other_reading(key, place.end, judged.readings):
        return Finding(Cause.REVISED_CANDLE, f"{words}: an earlier candle was another")
    return unexplained(words)


def _bases(place: Place) -> frozenset[str]:
    return frozenset(table.timeframe for table in place.final.bases.values())


def decisions_apart(one: DayBooks, other: DayBooks) -> Iterator[tuple[Key, str]]:
    """Yield the trades of which two books want something else, and how, in words; `one` is the backtest's."""
    ours = {key_of_pending(each): each for each in other.book.pending.values()}
    theirs = {key_of_pending(each): each for each in one.book.pending.values()}
    for key in sorted(ours.keys() | theirs.keys()):
        if key not in ours:
            yield key, "an entry of the backtest was not ordered"
        elif key not in theirs:
            yield key, "an entry was ordered that the backtest has not"
        elif not alike(ours[key].request.quantity, theirs[key].request.quantity):
            sizes = f"{ours[key].request.quantity:.10g} instead of {theirs[key].request.quantity:.10g}"
            yield key, f"an entry of {sizes} was ordered"
    lived = {key_of(trade): trade for trade in other.book.trades.values()}
    for trade in one.book.trades.values():
        own = lived.get(key_of(trade))
        if own is None:
            continue
        if trade.closing != own.closing:
            yield key_of(trade), f"ordered closed: {own.closing or 'not'} instead of {trade.closing or 'not'}"
        elif not (trade.stop != trade.stop and own.stop != own.stop) and not alike(trade.stop, own.stop):
            yield key_of(trade), f"its stop is at {own.stop:.10g} instead of {trade.stop:.10g}"
