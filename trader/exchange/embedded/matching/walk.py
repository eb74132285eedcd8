"""The play's prices since a time, cut into bars: whole candles, or the steps of the path inside them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from trader.core.timeframe import Timeframe
from trader.exchange.embedded.matching.touch import Bar, Resting
from trader.exchange.embedded.tape import Tape
from trader.market.table import CandleTable
from trader.market.trades import TradeTable


class Walk:
    """The prices of one symbol. `timeframe` is that of the candles on which orders are judged whole; None judges
    them on the path, trade by trade."""

    def __init__(self, tape: Tape, timeframe: Timeframe | None) -> None:
        self._tape = tape
        self._timeframe = timeframe

    def settled(self, now: int) -> int:
        """Return until when prices can be judged at `now`: whole candles only once they have closed."""
        return now if self._timeframe is None else now - now % self._timeframe.ms

    def bars(self, start_ms: int, end_ms: int, waiting: list[Resting]) -> Iterator[Bar]:
        """Yield the bars of `[start_ms, end_ms)` that reach any of `waiting`, both times being settled ones."""
        if self._timeframe is None:
            yield from self._steps(start_ms, end_ms)
        else:
            yield from self._candles(self._timeframe, start_ms, end_ms, waiting)

    def opening(self, now: int) -> Bar | None:
        """Return the open of the candle that begins at `now`, as a bar: orders that come now meet it already. None
        inside a candle, and where orders are judged on the path."""
        if self._timeframe is None or now % self._timeframe.ms:
            return None
        table = self._tape.history.table(self._tape.finest, now, now + 1)
        price = float(table.open[0]) if len(table) else None
        return None if price is None else Bar(now, now + 1, price, price, price, True)

    def rest(self, bar: Bar, since: int) -> Bar | None:
        """Return what of a candle's bar comes from `since` on, inside it; None where nothing was traded any more."""
        trades = self._tape.trades.between(since, bar.close_time)
        if not len(trades):
            return None
        prices = trades.prices
        return Bar(since, bar.close_time, float(prices[0]), float(prices.max()), float(prices.min()), False)

    def _candles(self, timeframe: Timeframe, start_ms: int, end_ms: int, waiting: list[Resting]) -> Iterator[Bar]:
        table = self._tape.history.table(timeframe, start_ms, end_ms)
        low = max((each.level for each in waiting if not each.rising), default=-np.inf)
        high = min((each.level for each in waiting if each.rising), default=np.inf)
        for row in np.flatnonzero((table.low <= low) | (table.high >= high)).tolist():
            yield _of_row(table, row, timeframe.ms)

    def _steps(self, start_ms: int, end_ms: int) -> Iterator[Bar]:
        """Yield one bar for each move from a trade to the next; the first trade of a candle may jump."""
        finest = self._tape.finest.ms
        trades = self._tape.trades.between(start_ms, end_ms)
        yield from _first_step(self._tape, trades, start_ms)
        moves = zip(pairwise(trades.times_ms.tolist()), pairwise(trades.prices.tolist()), strict=True)
        for (before, time), (was, price) in moves:
            if before // finest != time // finest:
                yield Bar(time, time + 1, price, price, price, True)
            else:
                yield Bar(before, time + 1, was, max(was, price), min(was, price), False)


def _of_row(table: CandleTable, row: int, length: int) -> Bar:
    opened = int(table.open_time[row])
    values = (float(table.open[row]), float(table.high[row]), float(table.low[row]))
    return Bar(opened, opened + length, *values, True)


def _first_step(tape: Tape, trades: TradeTable, start_ms: int) -> Iterator[Bar]:
    """Yield the move to the first trade: a jump at a candle's open, else from the trade before it."""
    if not len(trades):
        return
    time, price = int(trades.times_ms[0]), float(trades.prices[0])
    opened = time - time % tape.finest.ms
    before = tape.trades.between(opened, start_ms) if start_ms > opened else trades
    if start_ms > opened and len(before):
        was = float(before.prices[-1])
        yield Bar(start_ms, time + 1, was, max(was, price), min(was, price), False)
    else:
        yield Bar(time, time + 1, price, price, price, True)
