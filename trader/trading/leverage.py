"""The leverage of an entry: the coin's own, or by confidence, and what the exchange's brackets leave of it.

The brackets tie leverage to the worth of a position, and the size depends on the leverage (trading-rules, section 4).
So an entry on a flat coin is sized at the leverage that is asked for; where that would be worth more than the brackets
allow at it, at the leverage of the next lower bracket, and so on: the first size that fits counts, and at the last
leverage the quantity is cut to its bracket (`trader.trading.sizing`).
"""

from __future__ import annotations

import math

from trader.core.brackets import Brackets
from trader.core.settings import Settings
from trader.trading.book import Book


def leverage_of(
    settings: Settings, book: Book, symbol: str, probability: float | None = None, brackets: Brackets = ()
) -> float:
    """Return the leverage of the next position on a coin, however small; `probability` None is the coin's own.

    An exchange knows one leverage a coin: a trade on an open coin, or on one whose entry waits for its fill, takes the
    standing one (section 10).
    """
    highest, by_confidence = settings.leverage_of(symbol), settings.CONFIDENCE_TIERS.enable
    if settings.MARKET != "futures" or not (by_confidence or brackets):
        return highest
    standing = standing_leverage(book, symbol)
    if standing is not None:
        return standing
    if brackets:
        highest = min(highest, brackets[0].initial_leverage)
    if not by_confidence or probability is None:
        return highest
    return leverage_by_confidence(settings, highest, probability)


def standing_leverage(book: Book, symbol: str) -> float | None:
    """Return the leverage of a coin's open trades and pending entries, None where there are none."""
    for trade in book.trades.values():
        if trade.symbol == symbol:
            return trade.leverage
    for pending in book.pending.values():
        if pending.request.symbol == symbol:
            return pending.request.leverage
    return None


def leverage_by_confidence(settings: Settings, highest: float, probability: float) -> float:
    """Return a whole leverage, linear in the probability between the lowest tier's and the highest tier's bound."""
    rule = settings.CONFIDENCE_TIERS
    low, high = rule.tiers[-1].min_prob, rule.tiers[0].min_prob
    lowest = min(rule.lowest_leverage, highest)
    share = 1.0 if high <= low else min(1.0, max(0.0, (probability - low) / (high - low)))
    return float(math.floor(lowest + (highest - lowest) * share + 1e-9))
