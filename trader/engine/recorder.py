"""Collects what the reports need while a run goes on."""

from __future__ import annotations

import math
from array import array

import numpy as np

from trader.core.timeframe import Timeframe
from trader.core.trade import Trade
from trader.engine.result import EquityCurve
from trader.trading.book import Book
from trader.trading.notes import GuardChanged, Note, PartClosed, StopMoved, TradeGrown, TradeOpened


class Recorder:
    """Keeps trades and the equity curve of a run; `slippage` and `turnover` in quote currency.

    `stop_moves` by trade id: T of each move in ms and the new stop; `stops_raised` counts them per stream and rule.
    `hedge_slippage` is the hedges' share. `guards` are what went on and off.
    """

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self.stop_moves: dict[int, list[tuple[int, float]]] = {}
        self.stops_raised: dict[tuple[str, Timeframe], dict[str, int]] = {}
        self.guards: list[GuardChanged] = []
        self.slippage = self.hedge_slippage = 0.0
        self.turnover = 0.0
        self._time, self._equity = array("q"), array("d")
        self._bookings: list[tuple[int, float, float]] = []
        self._booked = (math.nan, 0)

    def note(self, note: Note) -> None:
        """Take what the core tells; trades are kept from their entry on."""
        if isinstance(note, TradeOpened | TradeGrown | PartClosed):
            self._filled(note)
        elif isinstance(note, StopMoved):
            self._raised(note)
        elif isinstance(note, GuardChanged):
            self.guards.append(note)

    def _filled(self, note: TradeOpened | TradeGrown | PartClosed) -> None:
        self.slippage += note.fill.slippage
        self.turnover += note.fill.quantity * note.fill.price
        if note.trade.hedge:
            self.hedge_slippage += note.fill.slippage
        if isinstance(note, TradeOpened):
            self.trades.append(note.trade)

    def _raised(self, note: StopMoved) -> None:
        trade = note.trade
        self.stop_moves.setdefault(trade.id, []).append((note.time, trade.stop))
        rules = self.stops_raised.setdefault((trade.symbol, trade.timeframe), {})
        rules[trade.stop_reason] = rules.get(trade.stop_reason, 0) + 1

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
