"""Longer candles from shorter ones: exact, and the same bits whether they come one by one or as a table.

The longer candle opens with the first, closes with the last, and spans all of them; volumes, counts and taker volumes
are summed in order of time and rounded to 8 decimals (`sums`), a column that is NaN stays NaN. It exists only when
every one of its parts does: a missing part makes it missing, never wrong.

Going by steps (1min to 5min to 15min) gives the bits of going at once wherever sums of decimals stay below 2^24 (see
`sums`); above, the last bit of a sum may differ. Prices and counts are the same always.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled, compiled_for_threads
from trader.core.candle import VALUE_COLUMNS, Candle
from trader.core.errors import ConfigError, DataError
from trader.core.timeframe import Timeframe
from trader.market.sums import add, round8
from trader.market.table import CandleTable, Floats, Times, unwritable

#: A longer candle in the making: open, high, low, close, five sums, and what each of these sums has lost.
STATE = 14


def base_timeframe(timeframes: Iterable[Timeframe], exit_timeframe: Timeframe | None = None) -> Timeframe:
    """Return the finest of a coin's timeframes: the one that is subscribed, from which the longer ones are built."""
    wanted = {*timeframes} | ({exit_timeframe} if exit_timeframe else set())
    if not wanted:
        raise ConfigError("TIMEFRAMES is empty; allowed: at least one timeframe")
    finest = min(wanted, key=lambda timeframe: timeframe.ms)
    for timeframe in wanted:
        parts_of(finest, timeframe)
    return finest


def parts_of(base: Timeframe, to: Timeframe) -> int:
    """Return how many candles of `base` make one of `to`; raise `ConfigError` when they do not fit."""
    if to.ms % base.ms:
        raise ConfigError(f"{to} candles cannot be built from {base} ones; allowed: a multiple of {base}")
    return to.ms // base.ms


def resample(table: CandleTable, to: Timeframe) -> CandleTable:
    """Return the candles of `to` whose every part is in `table`; raise `DataError` where times are not its grid."""
    parts = parts_of(table.timeframe, to)
    if parts == 1:
        return table
    _check_times(table)
    values = tuple(unwritable(getattr(table, name)) for name in VALUE_COLUMNS)
    times, rows = _resample(unwritable(table.open_time), values, table.timeframe.ms, to.ms)
    return CandleTable(table.symbol, to, times, *(np.ascontiguousarray(column) for column in rows))


def _check_times(table: CandleTable) -> None:
    times = table.open_time
    if (times % table.timeframe.ms).any():
        raise DataError(f"{table.symbol} {table.timeframe}: an open time is not a multiple of the interval")
    if (times[1:] <= times[:-1]).any():
        raise DataError(f"{table.symbol} {table.timeframe}: open times do not ascend")


class Resampler:
    """Builds the candles of `to` of one coin from its candles of `base`, pushed in order of time.

    A longer candle whose first part was not pushed, or one of whose parts is missing, does not come.
    After a repair of the base stream, `seed` with the repaired table takes up the present longer candle again.
    """

    def __init__(self, symbol: str, base: Timeframe, to: Timeframe) -> None:
        self.symbol = symbol
        self.base = base
        self.to = to
        self._parts = parts_of(base, to)
        self._state = np.zeros(STATE)
        self._due = -1
        self._have = 0
        self._last = -1

    def push(self, candle: Candle) -> Candle | None:
        """Take the next base candle; return the longer candle that it completes, if it does.

        Raise `DataError` for one that is not later than the last, or not on the grid of `base`.
        """
        time = candle.open_time
        if time % self.base.ms or time <= self._last:
            raise DataError(f"{self.symbol} {self.base}: candle {time} pushed after {self._last}; allowed: later ones")
        self._last = time
        if time % self.to.ms == 0:
            self._due, self._have = time, 0
        if time != self._due:
            return None
        return self._absorb(candle)

    def seed(self, table: CandleTable) -> None:
        """Forget the longer candle in the making and take it up from the end of `table`, of the base stream."""
        self._due, self._have, self._last = -1, 0, -1
        if not len(table):
            return
        last = int(table.open_time[-1])
        for candle in table.between(last - last % self.to.ms, last + 1).candles():
            self.push(candle)

    def _absorb(self, candle: Candle) -> Candle | None:
        self._have = _absorb(self._state, self._have, *_values(candle))
        self._due += self.base.ms
        if self._have < self._parts:
            return None
        time = self._due - self.to.ms
        return Candle(self.symbol, self.to, time, *_finished(self._state))


def _values(candle: Candle) -> tuple[float, ...]:
    return (
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        candle.quote_volume,
        candle.count,
        candle.taker_buy_volume,
        candle.taker_buy_quote_volume,
    )


@compiled
def _absorb(
    state: Floats,
    have: int,
    open: float,
    high: float,
    low: float,
    close: float,
    volume: float,
    quote_volume: float,
    count: float,
    taker_buy_volume: float,
    taker_buy_quote_volume: float,
) -> int:
    if have == 0:
        state[0] = open
        state[1] = high
        state[2] = low
        state[4:] = 0.0
    state[1] = max(state[1], high)
    state[2] = min(state[2], low)
    state[3] = close
    state[4], state[9] = add(state[4], state[9], volume)
    state[5], state[10] = add(state[5], state[10], quote_volume)
    state[6], state[11] = add(state[6], state[11], count)
    state[7], state[12] = add(state[7], state[12], taker_buy_volume)
    state[8], state[13] = add(state[8], state[13], taker_buy_quote_volume)
    return have + 1


@compiled
def _finished(state: Floats) -> tuple[float, float, float, float, float, float, float, float, float]:
    return (
        state[0],
        state[1],
        state[2],
        state[3],
        round8(state[4] + state[9]),
        round8(state[5] + state[10]),
        round8(state[6] + state[11]),
        round8(state[7] + state[12]),
        round8(state[8] + state[13]),
    )


@compiled_for_threads
def _resample(times: Times, values: tuple[Floats, ...], base_ms: int, to_ms: int) -> tuple[Times, NDArray[np.float64]]:
    room = len(times) * base_ms // to_ms + 1
    out_times = np.empty(room, np.int64)
    out = np.empty((len(values), room))
    state = np.zeros(STATE)
    due, have, made = -1, 0, 0
    open, high, low, close, volume, quote_volume, count, taker_buy_volume, taker_buy_quote_volume = values
    for i in range(len(times)):
        if times[i] % to_ms == 0:
            due, have = times[i], 0
        if times[i] != due:
            continue
        have = _absorb(
            state,
            have,
            open[i],
            high[i],
            low[i],
            close[i],
            volume[i],
            quote_volume[i],
            count[i],
            taker_buy_volume[i],
            taker_buy_quote_volume[i],
        )
        due += base_ms
        if have * base_ms == to_ms:
            out_times[made] = due - to_ms
            for column, value in enumerate(_finished(state)):
                out[column, made] = value
            made += 1
    return out_times[:made].copy(), out[:, :made]
