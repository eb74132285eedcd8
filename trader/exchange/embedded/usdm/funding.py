"""Funding: at its times each position pays, or gets, its notional at the last close times the rate."""

from __future__ import annotations

from decimal import Decimal

from trader.exchange.embedded.accounts.decimals import CONTEXT, ZERO, nearest, of_float
from trader.exchange.embedded.usdm import events, margin
from trader.exchange.embedded.usdm.books import Books
from trader.exchange.embedded.usdm.positions import Position
from trader.exchange.embedded.usdm.wallet import Kind


class Funding:
    """The payments of one market. `due` before prices are met beyond their times, `pay` at them.

    What falls due after `until`, ms, is to be paid.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self.until = books.now()

    def due(self, now: int) -> dict[int, dict[str, Decimal]]:
        """Return the rates by time and symbol that have fallen due since the last call, in order of time."""
        begin, self.until = self.until + 1, max(now, self.until)
        found: dict[int, dict[str, Decimal]] = {}
        for symbol in sorted(self._books.symbols_held() | self._books.shelf.symbols()):
            times, rates = self._books.floor.funding(symbol, begin, now + 1)
            for time, rate in zip(times.tolist(), rates.tolist(), strict=True):
                found.setdefault(time, {})[symbol] = of_float(rate)
        return dict(sorted(found.items()))

    def pay(self, time: int, rates: dict[str, Decimal]) -> None:
        """Let all positions on these symbols pay."""
        for symbol, rate in rates.items():
            price = self._close(symbol, time)
            for position in self._books.held(symbol) if price else ():
                self._settle(position, time, rate, price)

    def _settle(self, position: Position, time: int, rate: Decimal, price: Decimal) -> None:
        """Pay from the cross wallet, and from the position's own margin what that lacks."""
        books, asset = self._books, self._books.contracts[position.symbol].asset
        amount = -nearest(CONTEXT.multiply(CONTEXT.multiply(position.quantity, price), rate))
        free = max(ZERO, margin.cross_wallet(books, position.uid, asset))
        amount = max(amount, -(free + nearest(position.margin)))
        position.margin = max(ZERO, position.margin + min(ZERO, free + amount))
        books.wallets[position.uid].move(Kind.FUNDING_FEE, asset, amount, time, position.symbol)
        moved = [position] if position.isolated else []
        books.tell(position.uid, events.account_event(books, position.uid, "FUNDING_FEE", asset, amount, moved))

    def _close(self, symbol: str, time: int) -> Decimal:
        """Return the close of the last candle that had ended at `time`; 0 without one."""
        tape = self._books.floor.tapes[symbol]
        last = tape.history.last(tape.finest, 0, time - time % tape.finest.ms, 1)
        return of_float(float(last.close[-1])) if len(last) else ZERO
