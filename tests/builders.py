"""Builders of the values that tests need: say what matters, the rest is plausible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trader.core.candle import VALUE_COLUMNS, Candle
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine.settings import from_dict
from trader.market.table import CandleTable

#: 2025-01-01 00:00 UTC: a boundary of every timeframe.
START_MS = 1_735_689_600_000
M1 = Timeframe.MIN_1


def candle(
    close: float = 100.0,
    *,
    open: float | None = None,
    high: float | None = None,
    low: float | None = None,
    at: int = 0,
    open_time: int | None = None,
    symbol: str = "BTCUSDT",
    timeframe: Timeframe | str = M1,
    volume: float = 1.0,
    **extra: float,
) -> Candle:
    """Return a candle: flat at `close` unless told, the `at`-th one after `START_MS` unless `open_time` is given."""
    timeframe = Timeframe.parse(timeframe)
    first = close if open is None else open
    top = max(first, close) if high is None else high
    bottom = min(first, close) if low is None else low
    time = START_MS + at * timeframe.ms if open_time is None else open_time
    values = map(float, (first, top, bottom, close, volume))
    return Candle(symbol, timeframe, time, *values, **{name: float(value) for name, value in extra.items()})


def candles(closes: Sequence[float], **rest: Any) -> list[Candle]:
    """Return consecutive candles with these closes, each opening at the close before it."""
    opens = [closes[0], *closes[:-1]] if closes else []
    return [candle(close, open=open, at=at, **rest) for at, (open, close) in enumerate(zip(opens, closes, strict=True))]


def table(
    closes: Sequence[float] = (),
    *,
    symbol: str = "BTCUSDT",
    timeframe: Timeframe | str = M1,
    start_ms: int = START_MS,
    without: Sequence[int] = (),
    **columns: Sequence[float] | float,
) -> CandleTable:
    """Return a table of consecutive candles with these closes, each opening at the close before it.

    `columns` replace what follows from the closes (a number fills the column); `without` are rows left out, as gaps.
    """
    timeframe = Timeframe.parse(timeframe)
    close = np.asarray(closes, np.float64)
    open = _column(columns.pop("open", np.r_[close[:1], close[:-1]]), len(close))
    values = {
        "open": open,
        "high": np.maximum(open, close),
        "low": np.minimum(open, close),
        "close": close,
        "volume": np.ones(len(close)),
    }
    values |= {name: _column(column, len(close)) for name, column in columns.items()}
    times = start_ms + np.arange(len(close), dtype=np.int64) * timeframe.ms
    keep = np.setdiff1d(np.arange(len(close)), np.asarray(without, np.int64))
    return CandleTable.build(symbol, timeframe, times[keep], **{name: column[keep] for name, column in values.items()})


def table_of(candles: Sequence[Candle]) -> CandleTable:
    """Return candles of one stream as a table."""
    columns = {name: np.array([getattr(each, name) for each in candles], np.float64) for name in VALUE_COLUMNS}
    times = np.array([each.open_time for each in candles], np.int64)
    return CandleTable.build(candles[0].symbol, candles[0].timeframe, times, **columns)


def walk(rows: int, /, *, seed: int = 0, price: float = 100.0, sigma: float = 0.001, **rest: Any) -> CandleTable:
    """Return a seeded random walk of `rows` candles with shadows and volumes."""
    random = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(random.normal(0, sigma, rows)))
    open = np.r_[close[:1], close[:-1]]
    shadow = np.abs(random.normal(0, sigma / 2, (2, rows)))
    high = np.maximum(open, close) * (1 + shadow[0])
    low = np.minimum(open, close) * (1 - shadow[1])
    volume = np.round(random.lognormal(2, 1, rows), 3)
    return table(close.tolist(), **{"open": open, "high": high, "low": low, "volume": volume, **rest})


def same_table(one: CandleTable, other: CandleTable) -> bool:
    """Tell whether two tables are equal bit for bit; NaN equals NaN."""
    return (one.symbol, one.timeframe) == (other.symbol, other.timeframe) and all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ("open_time", *VALUE_COLUMNS)
    )


def same_candle(one: Candle, other: Candle) -> bool:
    """Tell whether two candles are equal bit for bit; NaN equals NaN."""
    return same_table(table_of([one]), table_of([other]))


def settings(**overrides: Any) -> Settings:
    """Return the settings of `config.py` with `overrides` over them, nested ones merged; geometry has the opinions."""
    return from_dict({"STRATEGY": "geometry"} | overrides)


def _column(values: Any, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.broadcast_to(np.asarray(values, np.float64), count).copy()
