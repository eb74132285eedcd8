"""The leverage of an entry: the coin's own, or by confidence (trading-rules, section 9)."""

from __future__ import annotations

import math

from trader.core.settings import Settings
from trader.trading.book import Book


def leverage_of(settings: Settings, book: Book, symbol: str, probability: float | None = None) -> float:
    """Return the leverage of the next position on a coin; `probability` None (a hedge) is the coin's own.

    An exchange knows one leverage a coin: a trade on an open coin, or on one whose entry waits for its fill, takes the
    standing one (section 10).
    """
    highest = settings.leverage_of(symbol)
    if not settings.CONFIDENCE_TIERS.enable or settings.MARKET != "futures":
        return highest
    standing = _standing_leverage(book, symbol)
    if standing is not None:
        return standing
    return highest if probability is None else leverage_by_confidence(settings, highest, probability)


def _standing_leverage(book: Book, symbol: str) -> float | None:
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
