"""The trades of a symbol of which only candles are held: derived from the finest ones, numbered without holes."""

from __future__ import annotations

import numpy as np

from trader.exchange.embedded.history import History
from trader.exchange.embedded.path import derive_trades, points_of
from trader.exchange.embedded.source import part_of
from trader.market.table import CandleTable, Times
from trader.market.trades import TradeTable

#: The id of the first trade of the play's first block; ids before it count down.
ANCHOR_ID = 1_000_000_000


class DerivedTrades:
    """Trades of the past and future. Ids count from the block in which the play starts, so that a play which is
    taken up later gives each trade the same id."""

    def __init__(self, history: History, tick: float, step: float, anchor_ms: int) -> None:
        self._history = history
        self._tick = tick
        self._step = step
        self._points = points_of(history.finest)
        self._block_ms = history.block_ms(history.finest)
        self._anchor = history.block_of(history.finest, anchor_ms)
        self._before: dict[int, int] = {self._anchor: 0}
        self._newest: tuple[tuple[int, int], TradeTable] | None = None

    def between(self, start_ms: int, end_ms: int) -> TradeTable:
        """Return the trades with `start_ms <= time < end_ms`."""
        finest = self._history.finest
        start = start_ms - start_ms % finest.ms
        table = self._history.table(finest, start, end_ms)
        if not len(table):
            return derive_trades(table, self._tick, self._step, 0)
        trades = self._derived(start, table)
        low, high = np.searchsorted(trades.times_ms, (start_ms, end_ms))
        return part_of(trades, int(low), int(high))

    def _derived(self, start: int, table: CandleTable) -> TradeTable:
        """Return the trades of candles from `start` on; those of one candle, often asked for in a row, are kept."""
        key = (start, len(table))
        if self._newest is not None and self._newest[0] == key:
            return self._newest[1]
        trades = derive_trades(table, self._tick, self._step, self.first_id(start))
        if len(table) == 1:
            self._newest = (key, trades)
        return trades

    def last(self, end_ms: int, count: int) -> TradeTable:
        """Return the last `count` trades before `end_ms`."""
        candles = -(-count // self._points) + 1
        rows = self._history.last(self._history.finest, 0, end_ms, candles)
        while len(rows) == candles and np.count_nonzero(rows.volume > 0) * self._points < count + self._points:
            candles *= 4
            rows = self._history.last(self._history.finest, 0, end_ms, candles)
        trades = self.between(int(rows.open_time[0]) if len(rows) else end_ms, end_ms)
        first = max(0, len(trades) - count)
        return part_of(trades, first, len(trades))

    def from_id(self, id: int, end_ms: int, count: int) -> TradeTable:
        """Return `count` trades before `end_ms`, from `id` on."""
        start = self._time_of(id, end_ms)
        rows = self._history.first(self._history.finest, start, end_ms, 4 * (count // self._points + 2))
        end = min(end_ms, int(rows.open_time[-1]) + self._history.finest.ms) if len(rows) else start
        trades = self.between(start, end)
        low = int(np.searchsorted(trades.ids, id))
        return part_of(trades, low, low + count)

    def first_id(self, time_ms: int) -> int:
        """Return the id of the first trade at or after `time_ms`, a time on the grid of the finest candles."""
        return ANCHOR_ID + self._points * int(self._ordinals(np.array([time_ms], np.int64))[0])

    def spans(self, table: CandleTable) -> tuple[Times, Times]:
        """Return the first and last trade id of each candle; -1 where it has no trades."""
        firsts = self._ordinals(table.open_time)
        ends = self._ordinals(table.open_time + table.timeframe.ms)
        empty = firsts == ends
        first = np.where(empty, -1, ANCHOR_ID + self._points * firsts)
        last = np.where(empty, -1, ANCHOR_ID + self._points * ends - 1)
        return first, last

    def _ordinals(self, times: Times) -> Times:
        """Return how many candles with trades open between the anchor and each of the ascending `times`."""
        blocks = times // self._block_ms
        result = np.empty(len(times), np.int64)
        for block in np.unique(blocks).tolist():
            mine = blocks == block
            table = self._history.block(self._history.finest, block)
            traded = np.concatenate(([0], np.cumsum(table.volume > 0)))
            result[mine] = self._before_block(block) + traded[np.searchsorted(table.open_time, times[mine])]
        return result

    def _before_block(self, block: int) -> int:
        """Return how many candles with trades lie between the anchor and the beginning of `block`."""
        for each in range(self._anchor, block):
            if each + 1 not in self._before:
                self._before[each + 1] = self._before[each] + self._traded(each)
        for each in range(self._anchor - 1, block - 1, -1):
            if each not in self._before:
                self._before[each] = self._before[each + 1] - self._traded(each)
        return self._before[block]

    def _traded(self, block: int) -> int:
        return int(np.count_nonzero(self._history.block(self._history.finest, block).volume > 0))

    def _time_of(self, id: int, end_ms: int) -> int:
        """Return the open time of the candle that holds the trade `id`; `end_ms` when it lies in the future."""
        ordinal = (id - ANCHOR_ID) // self._points
        block, size = self._anchor, self._block_ms
        while self._before_block(block + 1) <= ordinal and (block + 1) * size < end_ms:
            block += 1
        while self._before_block(block) > ordinal and block * size > self._history.start:
            block -= 1
        table = self._history.block(self._history.finest, block)
        row = np.searchsorted(np.cumsum(table.volume > 0), ordinal - self._before_block(block) + 1)
        return int(table.open_time[row]) if row < len(table) else end_ms
