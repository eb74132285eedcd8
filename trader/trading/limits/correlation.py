"""A trade beside one that moves together with it is the same bet twice."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.core.signal import Refusal
from trader.core.timeframe import HOUR_MS
from trader.trading.book import Book
from trader.trading.hourly import Hourly, correlation
from trader.trading.limits.base import APPROVED, Approval, Proposal

#: Beyond this |r| two coins count as one (trading-rules, section 8), and what `halve` makes of the size.
TOGETHER = 0.7
HALF = 0.5


class Correlation:
    """With an open trade the same way on another coin with |r| > 0.7: half the size, or a refusal.

    Where fewer than 100 hours are common, r is undefined and the rule has no effect; an r that is no number counts
    as together.
    """

    stage, rule = "portfolio", "correlated"

    def __init__(self, settings: Settings) -> None:
        self._mode = settings.CORRELATION_MODE
        self._known: dict[tuple[str, str], tuple[tuple[int, ...], float | None]] = {}

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Shrink or refuse, with the coin that moves together and its r."""
        if self._mode == "off":
            return APPROVED
        others = {
            trade.symbol
            for trade in book.trades.values()
            if trade.direction == proposal.direction and trade.symbol != proposal.symbol and not trade.hedge
        }
        for symbol in sorted(others):
            r = self._r(book, proposal.symbol, symbol, proposal.time // HOUR_MS)
            if r is not None and not abs(r) <= TOGETHER:
                if self._mode == "skip":
                    return Refusal(self.stage, self.rule, {"with": symbol, "r": r})
                return Approval(HALF)
        return APPROVED

    def _r(self, book: Book, one: str, other: str, hour: int) -> float | None:
        """Return r of two coins; it changes with the hour, and when a late candle completes one of theirs."""
        pair = (one, other) if one < other else (other, one)
        hours = [book.hours.get(symbol, Hourly()) for symbol in pair]
        state = (hour, hours[0].count, hours[1].count)
        known = self._known.get(pair)
        if known is None or known[0] != state:
            known = self._known[pair] = (state, correlation(hours[0].returns(hour), hours[1].returns(hour)))
        return known[1]
