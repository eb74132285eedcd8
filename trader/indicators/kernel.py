"""The kernel: all indicators of one candle in one compiled step, live and in batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled, inlined
from trader.indicators import moving_averages, oscillators, shape, trend, volatility, volume
from trader.indicators.columns import INDICATORS, OPTIONAL, READY_CANDLES, column
from trader.indicators.volatility import true_range

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NAN = float("nan")

#: State in floats: the last candle's high, low, close, then a part for each module.
_HIGH, _LOW, _CLOSE = 0, 1, 2
_AVERAGES = 3
_OSCILLATORS = _AVERAGES + moving_averages.SIZE
_VOLATILITY = _OSCILLATORS + oscillators.SIZE
_TREND = _VOLATILITY + volatility.SIZE
_VOLUME = _TREND + trend.SIZE
_SHAPE = _VOLUME + volume.SIZE
FLOATS = _SHAPE + shape.SIZE

#: State in integers: the UTC day of the VWAP (the volume module keeps it at 0), the candles since the anchor.
SEEN = 1
INTEGERS = 2

_REQUIRED = tuple(column(name) for name in INDICATORS if name not in OPTIONAL)

_averages = moving_averages.step
_oscillators = oscillators.step
_volatility = volatility.step
_trend = trend.step
_volume = volume.step
_shape = shape.step


def new_state() -> tuple[Floats, Integers]:
    """Return the state of a stream before its first candle, all zeros: float64[FLOATS], int64[INTEGERS]."""
    return np.zeros(FLOATS), np.zeros(INTEGERS, np.int64)


@compiled
def step(
    f: Floats,
    i: Integers,
    open_time: int,
    open: float,
    high: float,
    low: float,
    close: float,
    volume: float,
    taker_buy_volume: float,
    out: Floats,
) -> bool:
    """Take one closed candle into the state `f`, `i`, write its values to `out`, and tell whether they are ready.

    `open_time` in ms; `taker_buy_volume` is NaN where it is not known. `out` is float64[len(INDICATORS)] or longer.
    Ready: at least 60 candles since the anchor, and every value that is not optional is finite.
    """
    i[SEEN] += 1
    seen = i[SEEN]
    if seen == 1:
        f[_HIGH], f[_LOW], f[_CLOSE] = high, low, close
    change = close - f[_CLOSE]
    ranged = true_range(high, low, f[_CLOSE])
    typical = (high + low + close) / 3.0
    _averages(f, _AVERAGES, seen, close, out)
    _oscillators(f, _OSCILLATORS, seen, change, high, low, close, out)
    _volatility(f, _VOLATILITY, seen, ranged, close, out)
    _trend(f, _TREND, seen, ranged, high, low, f[_HIGH], f[_LOW], out)
    _volume(f, _VOLUME, i, seen, open_time, change, typical, volume, taker_buy_volume, out)
    _shape(f, _SHAPE, seen, open, high, low, close, out)
    f[_HIGH], f[_LOW], f[_CLOSE] = high, low, close
    return seen >= READY_CANDLES and all_finite(out)


@inlined
def all_finite(row: Floats) -> bool:
    """Tell whether every value that is not optional is finite.

    >>> all_finite(np.zeros(len(INDICATORS)))
    True
    """
    for index in _REQUIRED:  # noqa: SIM110 - numba knows no generators here
        if not np.isfinite(row[index]):
            return False
    return True


class Columns(NamedTuple):
    """Consecutive candles as the step takes them: `open_time` int64[n] ms, the others float64[n], C-contiguous."""

    open_time: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    taker_buy_volume: Floats


@compiled
def run(f: Floats, i: Integers, candles: Columns, out: Floats) -> None:
    """Take n consecutive candles: `step` for each, its values to a row of `out`, float64[n, len(INDICATORS)]."""
    for k in range(len(candles.open_time)):
        step(
            f,
            i,
            candles.open_time[k],
            candles.open[k],
            candles.high[k],
            candles.low[k],
            candles.close[k],
            candles.volume[k],
            candles.taker_buy_volume[k],
            out[k],
        )


class IndicatorKernel:
    """The indicators of one stream, candle by candle.

    >>> kernel = IndicatorKernel()
    >>> row = kernel.update(0, 10.0, 12.0, 9.0, 11.0, 5.0)
    >>> float(row[column("obv")]), kernel.count, kernel.ready
    (5.0, 1, False)
    """

    def __init__(self) -> None:
        self._f, self._i = new_state()
        self._row = np.full(len(INDICATORS), np.nan)
        self.ready = False

    @property
    def count(self) -> int:
        """The candles since the anchor."""
        return int(self._i[SEEN])

    def update(
        self,
        open_time: int,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        taker_buy_volume: float = NAN,
    ) -> Floats:
        """Take one closed candle and return its values; the row is reused by the next call."""
        row = self._row
        self.ready = step(self._f, self._i, open_time, open, high, low, close, volume, taker_buy_volume, row)
        return row

    def reset(self) -> None:
        """Begin anew, as behind a gap."""
        self._f[:] = 0.0
        self._i[:] = 0
        self._row[:] = np.nan
        self.ready = False
