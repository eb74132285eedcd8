"""Collects what the reports need while a run goes on."""

from __future__ import annotations

import math
from array import array

import numpy as np

from trader.core.trade import Trade
from trader.engine.result import EquityCurve
from trader.trading.book import Book
from trader.trading.notes import Note, PartClosed, StopMoved, TradeGrown, TradeOpened


class Recorder:
    """Keeps trades and the equity curve of a run; `slippage` and `turnover` in quote currency.

    `stop_moves` by trade id: T of each move in ms and the new stop.
    """

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self.stop_moves: dict[int, list[tuple[int, float]]] = {}
        self.slippage = 0.0
        self.turnover = 0.0
        self._time, self._equity = array("q"), array("d")
        self._bookings: list[tuple[int, float, float]] = []
        self._booked = (math.nan, 0)

    def note(self, note: Note) -> None:
        """Take what the core tells; trades are kept from their entry on."""
        if isinstance(note, TradeOpened | TradeGrown | PartClosed):
            self.slippage += note.fill.slippage
            self.turnover += note.fill.quantity * note.fill.price
            if isinstance(note, TradeOpened):
                self.trades.append(note.trade)
        elif isinstance(note, StopMoved):
            self.stop_moves.setdefault(note.trade.id, []).append((note.time, note.trade.stop))

    def mark(self, time: int, book: Book) -> None:
        """Write down the pool as it stands after the instant at `time`, where it has changed.

        Equity moves with prices; free and reserved capital only when something is booked.
        """
        pool = book.pool
        if self._booked != (pool.free, book.part_count):
            self._booked = (pool.free, book.part_count)
            self._bookings.append((len(self._time), pool.free, book.reserved))
        elif self._equity[-1] == pool.equity:
            return
        self._time.append(time)
        self._equity.append(pool.equity)

    def curve(self) -> EquityCurve:
        """Return the equity curve so far."""
        rows, free, reserved = np.array(self._bookings).reshape(-1, 3).T
        lasts = np.diff([*rows, len(self._time)]).astype(np.int64)
        return EquityCurve(
            np.array(self._time), np.array(self._equity), np.repeat(free, lasts), np.repeat(reserved, lasts)
        )
