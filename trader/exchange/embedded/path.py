"""Trades inside a candle, for sources that hold candles only.

They are derived, not recorded: a path of a few trades from open to close that touches high and low, in time order, on
the tick grid. Together they give back open, high, low, close, volume and taker volume exactly, the quote volume only
about; there are fewer of them than the candle counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader.core.timeframe import MINUTE_MS, SECOND_MS, Timeframe
from trader.market.table import CandleTable, Floats
from trader.market.trades import Flags, TradeTable

Rows = NDArray[np.intp]


def points_of(timeframe: Timeframe) -> int:
    """Return how many trades a candle of `timeframe` gets: one more than a multiple of three."""
    if timeframe.ms == SECOND_MS:
        return 4
    return 7 if timeframe.ms < MINUTE_MS else 16


def derive_trades(table: CandleTable, tick: float, step: float, first_id: int) -> TradeTable:
    """Return the trades of `table`; ids count from `first_id`.

    Candles without volume have none, so that ids have no holes.
    """
    rows = np.flatnonzero(table.volume > 0)
    points = points_of(table.timeframe)
    steps = np.arange(points)
    times = table.open_time[rows, None] + steps * (table.timeframe.ms - 1) // (points - 1)
    quantities, sells = _sides(table, rows, points, step)
    return TradeTable(
        table.symbol,
        first_id + np.arange(times.size, dtype=np.int64),
        times.ravel(),
        _prices(table, rows, points, tick).ravel(),
        quantities.ravel(),
        sells.ravel(),
    )


def _prices(table: CandleTable, rows: Rows, points: int, tick: float) -> Floats:
    """Lead a rising candle from open over low and high to close, a falling one over high and low."""
    open, high, low, close = (getattr(table, name)[rows] for name in ("open", "high", "low", "close"))
    rising = close >= open
    corners = np.stack([open, np.where(rising, low, high), np.where(rising, high, low), close], axis=1)
    leg, part = np.divmod(np.arange(points), (points - 1) // 3)
    share = part / ((points - 1) // 3)
    following = corners[:, np.minimum(leg + 1, 3)]
    line = corners[:, leg] * (1 - share) + following * share
    gridded = np.round(np.round(line / tick) * tick, 8) if tick > 0 else np.round(line, 8)
    exact = np.where(part == 0, corners[:, leg], gridded)
    clipped: Floats = np.clip(exact, low[:, None], high[:, None])
    return clipped


def _sides(table: CandleTable, rows: Rows, points: int, step: float) -> tuple[Floats, Flags]:
    """Return quantities and who was the taker: even trades share the taker-buy volume (half, where it is unknown),
    odd ones the rest; where all was bought, or sold, all trades share it."""
    volume = table.volume[rows]
    bought = np.where(np.isnan(table.taker_buy_volume[rows]), volume / 2, table.taker_buy_volume[rows])
    sells = np.tile(np.arange(points) % 2 == 1, (len(rows), 1))
    quantities = np.empty((len(rows), points))
    quantities[:, 0::2] = _shares(bought, (points + 1) // 2, step)
    quantities[:, 1::2] = _shares(np.round(volume - bought, 8), points // 2, step)
    one_sided = (bought <= 0) | (bought >= volume)
    quantities[one_sided] = _shares(volume[one_sided], points, step)
    sells[one_sided] = (bought[one_sided] <= 0)[:, None]
    return quantities, sells


def _shares(total: Floats, count: int, step: float) -> Floats:
    """Return `count` equal shares cut down to the step (to 8 decimals, where that is too coarse), the last with what
    is left."""
    grid = np.where(total / count >= step, step, 0.0)
    grid[grid <= 0] = 1e-8
    each = np.round(np.floor(total / count / grid + 1e-9) * grid, 8)
    shares = np.repeat(each[:, None], count, axis=1)
    shares[:, -1] = np.round(total - each * (count - 1), 8)
    return shares
