"""Why no hedge was opened: how near a run came to its first one, and what stood against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.trading.book import Book
from trader.trading.guards import closes_everything, drawdown_of
from trader.trading.hedging import exposure_of, least_threshold, threshold_of


class Nearest(msgspec.Struct, frozen=True):
    """The instant nearest to a hedge: the pool's drawdown, and the threshold of a coin with open trades."""

    symbol: str
    drawdown: float
    threshold: float

    @property
    def reached(self) -> float:
        """The drawdown as a share of the threshold."""
        return self.drawdown / self.threshold


class HedgeWatch:
    """Looks at the books after each instant with open trades, until the first hedge is ordered."""

    def __init__(self, settings: Settings, instruments: Mapping[str, Instrument]) -> None:
        self._settings = settings
        self._instruments = instruments
        self._lowest = least_threshold(settings, instruments)
        self._thresholds: dict[str, tuple[int, float]] = {}
        self._nearest: Nearest | None = None
        self._against: Counter[str] = Counter()
        self._ordered = False
        self._floor = 0.0

    def look(self, book: Book) -> None:
        """Take note of how far it is to a hedge of each coin with open trades."""
        drawdown = drawdown_of(book)
        if drawdown <= self._floor or self._ordered:  # most instants: no news, whatever the coin
            return
        self._ordered = any(pending.hedge for pending in book.pending.values())
        if self._ordered:
            return
        for symbol in sorted({trade.symbol for trade in book.trades.values()}):
            self._hold_against(book, Nearest(symbol, drawdown, self._threshold(book, symbol)))

    def _hold_against(self, book: Book, found: Nearest) -> None:
        if self._nearest is None or found.reached > self._nearest.reached:
            self._nearest = found
            self._floor = min(found.reached, 1.0) * self._lowest
        if found.reached >= 1:
            self._against[self._why_not(book, found.symbol)] += 1

    def _threshold(self, book: Book, symbol: str) -> float:
        """Return the coin's threshold, worked out anew when another of its hours is complete."""
        hours = book.hours.get(symbol)
        count = hours.count if hours is not None else 0
        known = self._thresholds.get(symbol)
        if known is None or known[0] != count:
            known = self._thresholds[symbol] = (count, threshold_of(self._settings, book, symbol))
        return known[1]

    def _why_not(self, book: Book, symbol: str) -> str:
        """Return what stood against a hedge whose threshold was reached (trading-rules, section 8)."""
        exposure, price = exposure_of(book, symbol), book.last_close[symbol]
        if closes_everything(self._settings, book):
            return "everything was being closed"
        if exposure.net == 0:
            return "the coin's own trades cancelled each other out"
        if exposure.unrealised >= 0:
            return "the coin's own trades were not at a loss"
        instrument = self._instruments[symbol]
        quantity = instrument.cut_quantity(self._settings.HEDGING.hedge_ratio * abs(exposure.net))
        if not instrument.tradable(quantity, price):
            return "the hedge would have been below the exchange's minimum"
        return "free capital, or the exchange's brackets, left no room for the hedge"

    def reason(self) -> str:
        """Say why no hedge was opened, of a run without one."""
        if self._ordered:
            return "one was ordered, but free capital did not cover it at its fill price, or no candle came to fill it"
        nearest = self._nearest
        if nearest is None:
            return "no trade was open while the pool was in drawdown"
        needed = f"{nearest.threshold:.2%} for {nearest.symbol}"
        if nearest.reached < 1:
            return f"the drawdown never reached a threshold: nearest was {nearest.drawdown:.2%}, needed were {needed}"
        against, times = self._against.most_common(1)[0]
        return f"the drawdown reached {nearest.drawdown:.2%}, needed were {needed}, but {against} ({times:,} times)"
