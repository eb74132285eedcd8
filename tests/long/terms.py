"""Leverage brackets a second time: what a position may be worth at a leverage, and what must stay in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

from trader.core.brackets import Brackets, LeverageBracket
from trader.core.settings import Settings
from trader.trading.book import Book


def allowed(brackets: Brackets, leverage: float) -> float:
    """Return what positions may be worth at a leverage."""
    if not brackets:
        return math.inf
    worth = 0.0
    for bracket in brackets:
        if leverage <= bracket.initial_leverage:
            worth = bracket.notional_cap
    return worth


def kept(brackets: Brackets, worth: float, settings: Settings) -> float:
    """Return the share of a position of this worth that must stay in it."""
    for bracket in brackets:
        if worth <= bracket.notional_cap or bracket is brackets[-1]:
            return bracket.maintenance_rate - bracket.cumulative / worth
    return settings.MAINTENANCE_MARGIN_RATE


def held(book: Book, symbol: str, way: int) -> float:
    """Return what a coin holds on one side, waiting orders included."""
    trades = [t.quantity_left * t.entry_price for t in book.trades.values() if (t.symbol, t.direction) == (symbol, way)]
    orders = [(p.request, p.price) for p in book.pending.values()]
    waiting = [r.quantity * price for r, price in orders if (r.symbol, r.direction) == (symbol, way)]
    return sum(trades) + sum(waiting)


def tries(brackets: Brackets, wanted: float) -> Iterator[float]:
    """Yield the leverages at which a position on a flat coin is sized, in turn."""
    if not brackets or wanted <= brackets[0].initial_leverage:
        yield wanted
    before = wanted
    for bracket in brackets:
        if bracket.initial_leverage < before:
            before = bracket.initial_leverage
            yield before


def random_brackets(chance: Random) -> Brackets:
    """Return brackets that bind at times, or none."""
    if chance.random() < 0.5:
        return ()
    found: list[LeverageBracket] = []
    floor, rate, kept_back = 0.0, 0.0, 0.0
    for leverage in chance.choice([(50, 20, 10, 5), (20, 8, 2), (8, 5, 3, 1), (10,), (125, 2)]):
        own = max(rate, chance.choice([0.05, 0.2, 0.4]) / leverage)
        kept_back += floor * (own - rate)
        cap = floor + chance.choice([1_000.0, 5_000.0, 20_000.0, 1e6])
        found.append(LeverageBracket(floor, cap, float(leverage), own, kept_back))
        floor, rate = cap, own
    return tuple(found)
