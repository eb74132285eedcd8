"""A trade beside one that moves together with it is the same bet twice."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.core.signal import Refusal
from trader.core.timeframe import HOUR_MS
from trader.trading.book import Book
from trader.trading.hourly import correlation
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
        hour = proposal.time // HOUR_MS
        for symbol in _others(proposal, book):
            r = self._r(book, proposal.symbol, symbol, hour)
            if r is not None and not abs(r) <= TOGETHER:
                if self._mode == "skip":
                    return Refusal(self.stage, self.rule, {"with": symbol, "r": r})
                return Approval(HALF)
        return APPROVED

    def undefined(self, proposal: Proposal, book: Book) -> list[str]:
        """Return the pairs ("AAA/BBB") that the rule looks at and of which it cannot tell r."""
        if self._mode == "off":
            return []
        asked, hour = proposal.symbol, proposal.time // HOUR_MS
        unknown = [symbol for symbol in _others(proposal, book) if self._r(book, asked, symbol, hour) is None]
        return ["/".join(sorted((asked, symbol))) for symbol in unknown]

    def _r(self, book: Book, one: str, other: str, hour: int) -> float | None:
        """Return r of two coins; it changes with the hour, and when a late candle completes one of theirs."""
        pair = (one, other) if one < other else (other, one)
        first, second = book.hours.get(pair[0]), book.hours.get(pair[1])
        if first is None or second is None:
            return None
        state = (hour, first.count, second.count)
        known = self._known.get(pair)
        if known is None or known[0] != state:
            known = self._known[pair] = (state, correlation(first.returns(hour), second.returns(hour)))
        return known[1]


def _others(proposal: Proposal, book: Book) -> list[str]:
    """Return the other coins with an open trade the same way, by name."""
    others = {
        trade.symbol
        for trade in book.trades.values()
        if trade.direction == proposal.direction and trade.symbol != proposal.symbol and not trade.hedge
    }
    return sorted(others)
