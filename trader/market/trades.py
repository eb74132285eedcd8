"""Candles from trades, for intervals that a venue does not offer: 1s, 15s, 30s of USD-M come from its aggTrades.

- A trade belongs to the candle of its own time; within a candle, trades count in the order of their ids.
- A second without trades is flat at the last price: volume 0, count 0. So a longer candle whose first second has no
  trade opens at the price before it, and all candles are what resampling their seconds gives.
- Ids of aggregated trades are contiguous. A jump in the ids is missing trades, which may lie anywhere between the
  times of its two neighbours: every candle from the one to the other is missing until it is built anew.
- A duplicate (an id seen before) is ignored and counted. A late trade, whose candle was already given, makes that
  candle doubtful: it is counted and the candle's span is among the gaps.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled
from trader.core.candle import NAN, Candle
from trader.core.errors import DataError
from trader.core.timeframe import SECOND_MS, Timeframe
from trader.market.sums import add, round8
from trader.market.table import CandleTable, Floats, Times

Flags = NDArray[np.bool_]

#: A candle in the making: its nine values, and what its sums of volumes have lost.
STATE = 13


class TradeTable(msgspec.Struct, frozen=True, eq=False):
    """Aggregated trades of one symbol: `ids` and `times_ms` int64[n], ascending ids; prices and quantities float64[n].

    `is_buyer_maker`: the taker sold.
    """

    symbol: str
    ids: Times
    times_ms: Times
    prices: Floats
    quantities: Floats
    is_buyer_maker: Flags

    def __len__(self) -> int:
        return len(self.ids)


class TradeGap(msgspec.Struct, frozen=True):
    """Candles with open times `start_ms <= t < end_ms` that cannot be vouched for.

    The trades with ids `first_id <= id < end_id` have not come; the two are equal where a trade came too late.
    """

    start_ms: int
    end_ms: int
    first_id: int
    end_id: int


def candles_from_trades(
    symbol: str,
    timeframe: Timeframe,
    times_ms: Times,
    prices: Floats,
    quantities: Floats,
    is_buyer_maker: Flags,
    start_ms: int,
    end_ms: int,
    *,
    ids: Times | None = None,
    counts: Floats | None = None,
    last_price: float = NAN,
) -> CandleTable:
    """Return the candles that open in `start_ms <= t < end_ms`, given all trades of that span.

    Trades from before it only tell the last price; without one (and without `last_price`) candles begin with the
    first trade's. `ids` find duplicates, restore the order and show gaps, whose candles are left out. `counts` is how
    many trades each row aggregates, by default 1. All arrays of one length; bounds are multiples of the interval.
    """
    if start_ms % timeframe.ms or end_ms % timeframe.ms:
        raise DataError(f"{symbol} {timeframe}: bounds {start_ms}, {end_ms} are not multiples of {timeframe.ms} ms")
    if counts is None:
        counts = np.ones(len(times_ms))
    rows, gaps = _order(times_ms, ids, timeframe.ms)
    whole = max(0, (end_ms - start_ms) // timeframe.ms)
    trades = (times_ms[rows], prices[rows], quantities[rows], is_buyer_maker[rows], counts[rows])
    values = _candles(trades, start_ms, timeframe.ms, whole, float(last_price))
    keep = ~np.isnan(values[0])
    for first, last in gaps:
        keep[max(0, (first - start_ms) // timeframe.ms) : max(0, (last - start_ms) // timeframe.ms + 1)] = False
    times = start_ms + np.arange(whole, dtype=np.int64) * timeframe.ms
    return CandleTable(symbol, timeframe, times[keep], *(column[keep] for column in values))


def _order(times_ms: Times, ids: Times | None, step_ms: int) -> tuple[NDArray[np.intp], list[tuple[int, int]]]:
    """Return the rows by candle and id, each id once; and the times on both sides of each jump of the ids."""
    if ids is None:
        return np.argsort(times_ms // step_ms, kind="stable"), []
    _, rows = np.unique(ids, return_index=True)
    times = times_ms[rows]
    jumps = np.flatnonzero(np.diff(ids[rows]) > 1)
    around = [sorted((int(times[jump]), int(times[jump + 1]))) for jump in jumps]
    return rows[np.argsort(times // step_ms, kind="stable")], [(first, last) for first, last in around]


class TradeCandles:
    """Builds the candles of one symbol from its live aggregated trades.

    Begun in mid-stream, the candle of the first trade is not whole and does not come. To go on behind known trades
    instead, give the id and price of the last one, and `from_ms`, the open time of the first candle that is to come.
    `gaps` holds what cannot be vouched for: fetch its trades, build its candles with `candles_from_trades`, and
    `settle` it. `duplicates` and `late` count trades.
    """

    def __init__(
        self,
        symbol: str,
        timeframe: Timeframe,
        *,
        last_id: int | None = None,
        last_price: float = NAN,
        from_ms: int | None = None,
    ) -> None:
        if (last_id is None) != (from_ms is None):
            raise ValueError("last_id and from_ms come together: the trade that is known, the candle behind it")
        self.symbol = symbol
        self.timeframe = timeframe
        self.gaps: list[TradeGap] = []
        self.duplicates = 0
        self.late = 0
        self._last_id = last_id
        self._last_price = last_price
        self._last_ms = self._open_ms = 0 if from_ms is None else from_ms
        self._whole = True
        self._state = np.zeros(STATE)
        _begin(self._state, last_price)

    def push(
        self, id: int, time_ms: int, price: float, quantity: float, is_buyer_maker: bool, count: float = 1.0
    ) -> list[Candle]:
        """Take one trade; return the candles that its time shows to be over, oldest first."""
        start = time_ms - time_ms % self.timeframe.ms
        if self._last_id is None:
            self._begin_at(start, whole=False)
        elif id <= self._last_id:
            self.duplicates += 1
            return []
        elif id > self._last_id + 1:
            self._lose(start, id)
        self._last_id = id
        if start < self._open_ms:
            self._note_late(start, id, price)
            return []
        done = self.advance(start)
        _take(self._state, time_ms - start, price, quantity, is_buyer_maker, count)
        self._last_price, self._last_ms = price, start
        return done

    def advance(self, time_ms: int) -> list[Candle]:
        """Return the candles that close at or before `time_ms`, when no earlier trade is expected; oldest first."""
        done: list[Candle] = []
        if self._last_id is None:
            return done
        while self._open_ms + self.timeframe.ms <= time_ms:
            if self._whole and not math.isnan(self._state[0]):
                done.append(Candle(self.symbol, self.timeframe, self._open_ms, *_finished(self._state)))
            self._begin_at(self._open_ms + self.timeframe.ms, whole=True)
        return done

    def settle(self, gap: TradeGap) -> None:
        """Take `gap` out: its candles have been built anew, or are given up."""
        self.gaps.remove(gap)

    def _begin_at(self, open_ms: int, whole: bool) -> None:
        self._open_ms, self._whole = open_ms, whole
        _begin(self._state, self._last_price)

    def _lose(self, start: int, id: int) -> None:
        """Note the trades before `id` as missing, and with them all candles since the last trade's."""
        assert self._last_id is not None
        first, last = min(self._last_ms, start), max(self._open_ms, start)
        self.gaps.append(TradeGap(first, last + self.timeframe.ms, self._last_id + 1, id))
        if start > self._open_ms:
            self._begin_at(start, whole=False)
        self._whole = False

    def _note_late(self, start: int, id: int, price: float) -> None:
        """Note the candle of a late trade and the flat ones behind it as doubtful."""
        self.late += 1
        self.gaps.append(TradeGap(start, self._open_ms, id, id))
        if self._state[6] == 0.0:
            self._last_price = price
            _begin(self._state, price)


@compiled
def _begin(state: Floats, last_price: float) -> None:
    state[:4] = last_price
    state[4:] = 0.0


@compiled
def _take(state: Floats, after_ms: int, price: float, quantity: float, is_buyer_maker: bool, count: float) -> None:
    if state[6] == 0.0 and after_ms < SECOND_MS:
        state[:3] = price
    state[1] = max(state[1], price)
    state[2] = min(state[2], price)
    state[3] = price
    worth = round8(price * quantity)
    state[4], state[9] = add(state[4], state[9], quantity)
    state[5], state[10] = add(state[5], state[10], worth)
    state[6] += count
    if not is_buyer_maker:
        state[7], state[11] = add(state[7], state[11], quantity)
        state[8], state[12] = add(state[8], state[12], worth)


@compiled
def _finished(state: Floats) -> tuple[float, float, float, float, float, float, float, float, float]:
    return (
        state[0],
        state[1],
        state[2],
        state[3],
        round8(state[4] + state[9]),
        round8(state[5] + state[10]),
        state[6],
        round8(state[7] + state[11]),
        round8(state[8] + state[12]),
    )


@compiled
def _candles(
    trades: tuple[Times, Floats, Floats, Flags, Floats], start_ms: int, step_ms: int, whole: int, last_price: float
) -> Floats:
    times, prices, quantities, is_buyer_maker, counts = trades
    out = np.empty((9, whole))
    state = np.zeros(STATE)
    i = 0
    while i < len(times) and times[i] < start_ms:
        last_price = prices[i]
        i += 1
    for row in range(whole):
        end = start_ms + (row + 1) * step_ms
        _begin(state, last_price)
        while i < len(times) and times[i] < end:
            _take(state, times[i] - end + step_ms, prices[i], quantities[i], is_buyer_maker[i], counts[i])
            i += 1
        last_price = state[3]
        for column, value in enumerate(_finished(state)):
            out[column, row] = value
    return out
