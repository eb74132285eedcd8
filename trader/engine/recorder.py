"""Collects what the reports need while a run goes on."""

from __future__ import annotations

from array import array

import numpy as np

from trader.core.trade import Trade
from trader.engine.result import EquityCurve
from trader.trading.book import Book
from trader.trading.notes import Note, PartClosed, TradeOpened


class Recorder:
    """Keeps trades and the equity curve of a run; `slippage` and `turnover` in quote currency."""

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self.slippage = 0.0
        self.turnover = 0.0
        self._time = array("q")
        self._equity, self._free, self._reserved = array("d"), array("d"), array("d")
        self._last = (float("nan"), float("nan"))

    def note(self, note: Note) -> None:
        """Take what the core tells; trades are kept from their entry on."""
        if isinstance(note, TradeOpened | PartClosed):
            self.slippage += note.fill.slippage
            self.turnover += note.fill.quantity * note.fill.price
            if isinstance(note, TradeOpened):
                self.trades.append(note.trade)

    def mark(self, time: int, book: Book) -> None:
        """Write down the pool as it stands after the instant at `time`, where it has changed."""
        pool = book.pool
        if self._last == (pool.equity, pool.free):
            return
        self._last = (pool.equity, pool.free)
        self._time.append(time)
        self._equity.append(pool.equity)
        self._free.append(pool.free)
        self._reserved.append(book.reserved)

    def curve(self) -> EquityCurve:
        """Return the equity curve so far."""
        columns = [np.array(column) for column in (self._equity, self._free, self._reserved)]
        return EquityCurve(np.array(self._time), *columns)
