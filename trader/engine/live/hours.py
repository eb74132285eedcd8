"""What a daemon must know of the hours before its first instant, where a rule looks at them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from trader.core.settings import Settings
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.engine.hours import first_hour, hours_before
from trader.engine.streams import StreamPlan
from trader.market.store import Store
from trader.trading.book import Book
from trader.trading.hourly import needs_hours

#: (coin, timeframe, start, end) of candles that must be in the store, ms.
Wanted = tuple[str, Timeframe, int, int]


def hours_wanted(settings: Settings, plan: StreamPlan, anchor: int) -> list[Wanted]:
    """Return what the hours before `anchor` (ms) are made of: the venue's own, and the base of one in the making."""
    if not needs_hours(settings):
        return []
    full = anchor - anchor % HOUR_MS
    coins = [(symbol, base) for symbol, base in plan.exits.items() if base.ms <= HOUR_MS]
    making = [(symbol, base, full, anchor) for symbol, base in coins if full < anchor]
    return [*making, *((symbol, Timeframe.HOUR_1, first_hour(anchor), full) for symbol, _ in coins)]


async def know_hours(book: Book, settings: Settings, plan: StreamPlan, store: Store, time: int) -> None:
    """Give `book` the hours that it lacks where a rule looks at them, as they stood when it last saw a candle.

    Coins of which it has seen none are at `time` (ms). Hours that it has were saved, and go on from there.
    """
    if not needs_hours(settings):
        return
    for symbol, base in plan.exits.items():
        if symbol not in book.hours:
            seen = book.last_close_time.get(symbol, time)
            book.hours[symbol] = await asyncio.to_thread(hours_before, store, settings.MARKET, symbol, base, seen)


def one_span_each(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Return one span for each stream, from its first start to its last end.

    >>> m1 = Timeframe.MIN_1
    >>> one_span_each([("A", m1, 50, 60), ("B", m1, 50, 60), ("A", m1, 20, 55)])
    [('A', <Timeframe.MIN_1: '1min'>, 20, 60), ('B', <Timeframe.MIN_1: '1min'>, 50, 60)]
    """
    spans: dict[tuple[str, Timeframe], tuple[int, int]] = {}
    for symbol, timeframe, start, end in wanted:
        first, last = spans.get((symbol, timeframe), (start, end))
        spans[symbol, timeframe] = min(first, start), max(last, end)
    return [(*stream, *span) for stream, span in spans.items()]
