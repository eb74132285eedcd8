"""The price that an order meets which comes now, and what it costs to take it."""

from __future__ import annotations

from decimal import Decimal

from trader.core.timeframe import MINUTE_MS
from trader.exchange.embedded.accounts.decimals import CONTEXT, nearest, of_float
from trader.exchange.embedded.floor import Floor

#: The minutes of which a market's average price is made.
AVERAGE_MS = 5 * MINUTE_MS


class Quotes:
    """Prices of one market at the play's time; `half_spread` is a fraction of the price."""

    def __init__(self, floor: Floor, half_spread: Decimal) -> None:
        self.half_spread = half_spread
        self._floor = floor

    def price(self, symbol: str) -> Decimal | None:
        """Return the price of now: at a candle's open that open, though nothing of it was shown yet (an order that
        comes at a close meets the next price); else the last price. None before the symbol is listed."""
        tape = self._floor.tapes[symbol]
        if not tape.listed:
            return None
        now = self._floor.clock.now()
        if now % tape.finest.ms == 0:
            opening = tape.history.table(tape.finest, now, now + 1)
            if len(opening):
                return of_float(float(opening.open[0]))
        return of_float(tape.last_price())

    def average(self, symbol: str) -> Decimal | None:
        """Return the mean of the last minutes' closes, by which filters judge an order; else the price of now."""
        tape = self._floor.tapes[symbol]
        now = self._floor.clock.now()
        rows = tape.history.table(tape.finest, now - AVERAGE_MS, now - now % tape.finest.ms)
        if not len(rows):
            return self.price(symbol)
        return nearest(of_float(float(rows.close.mean())))

    def taken(self, price: Decimal, buying: bool) -> Decimal:
        """Return what a taker pays or gets where `price` is the middle: half the spread worse."""
        factor = 1 + self.half_spread if buying else 1 - self.half_spread
        return nearest(CONTEXT.multiply(price, factor))
