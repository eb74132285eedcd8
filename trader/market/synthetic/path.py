"""The price of one coin minute by minute, and how lively each minute is, in blocks of 4 days."""

from __future__ import annotations

from random import Random

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.timeframe import DAY_MS, MINUTE_MS
from trader.market.synthetic.noise import key_of, normal, smooth, uniform
from trader.market.synthetic.shapes import Corners, draw_block
from trader.market.table import Floats, Times

BLOCK_MINUTES = 4 * DAY_MS // MINUTE_MS
#: Trades of a block: so many a minute on average, and always the same total, so that ids have no holes.
TRADES_PER_BLOCK = 36 * BLOCK_MINUTES

#: Standard deviation of one minute's return for a coin of scale 1.
SIGMA = 0.00062
#: Share of the blocks in which a coin has the market's shapes, and of the noise that is the market's.
FOLLOWS, SHARED_NOISE = 0.75, 0.7
DAY_MINUTES = DAY_MS // MINUTE_MS


class Path(msgspec.Struct, frozen=True, eq=False):
    """One block of one coin.

    `level[n+1]`: log price from the coin's own zero, at the minutes' ends. Of each of the n minutes: `sigma`, the
    standard deviation of its return, `activity`, about 1. `trades[n+1]`: how many trades came before in the block.
    """

    level: Floats
    sigma: NDArray[np.float32]
    activity: NDArray[np.float32]
    trades: NDArray[np.int32]


def corners_of(seed: int, name: str, block: int) -> Corners:
    """Return the shapes that `name` (a symbol, or "market") draws for a block."""
    edges = (edge(seed, name, block), edge(seed, name, block + 1))
    return draw_block(Random(f"{seed}/{name}/shapes/{block}"), *edges, BLOCK_MINUTES)


def edge(seed: int, name: str, block: int) -> float:
    """Return the level of `name` at the beginning of a block: it wanders over months, and stays in bounds for ever."""
    own = _wander(seed, name, block)
    return own if name == "market" else 0.8 * _wander(seed, "market", block) + 0.5 * own


def _wander(seed: int, name: str, block: int) -> float:
    at = np.array([block], np.int64)
    weeks = 0.015 * normal(key_of(seed, name, "edge"), at)
    months = 0.05 * smooth(key_of(seed, name, "edge", 8), at, 8)
    seasons = 0.10 * smooth(key_of(seed, name, "edge", 32), at, 32)
    return float((weeks + months + seasons)[0])


def follows(seed: int, name: str, block: int) -> bool:
    """Tell whether a coin has the market's shapes in a block."""
    return bool(uniform(key_of(seed, name, "follows"), np.array([block], np.int64))[0] < FOLLOWS)


def draw_path(seed: int, symbol: str, block: int, scale: float, corners: Corners, leader: Corners | None) -> Path:
    """Return the path of a coin whose moves are `scale` times the usual, on its own `corners` or those of `leader`."""
    shape = corners if leader is None else _led(leader, corners)
    times = np.unique(np.round(shape.minutes).astype(np.int64))
    levels = np.interp(times, shape.minutes, shape.levels)
    minutes = block * BLOCK_MINUTES + np.arange(BLOCK_MINUTES, dtype=np.int64)
    lively = shape.liveliness[np.searchsorted(shape.minutes[1:-1], np.arange(BLOCK_MINUTES), "right")]
    sigma = SIGMA * lively * _clusters(seed, symbol, minutes)
    inside = np.concatenate(([0.0], np.cumsum(sigma * _noise(seed, symbol, minutes))))
    grid = np.arange(BLOCK_MINUTES + 1)
    level = np.interp(grid, times, levels - inside[times]) + inside
    activity = _activity(seed, symbol, minutes, sigma, np.diff(level))
    share = np.concatenate(([0.0], np.cumsum(activity)))
    trades = np.floor(share / share[-1] * TRADES_PER_BLOCK)
    trades[-1] = TRADES_PER_BLOCK
    return Path(level * scale, (sigma * scale).astype(np.float32), activity.astype(np.float32), trades.astype(np.int32))


def _led(leader: Corners, own: Corners) -> Corners:
    """Return the leader's shapes, tilted so that they begin and end at the coin's own levels."""
    first, last = own.levels[0] - leader.levels[0], own.levels[-1] - leader.levels[-1]
    tilt = first + (last - first) * leader.minutes / leader.minutes[-1]
    return Corners(leader.minutes, leader.levels + tilt, leader.liveliness)


def _clusters(seed: int, symbol: str, minutes: Times) -> Floats:
    """Return how the volatility of each minute compares to the usual: by the hour, by the day's time, by itself."""
    slow = 0.25 * smooth(key_of(seed, "market", "volatility", 360), minutes, 360)
    fast = 0.20 * smooth(key_of(seed, "market", "volatility", 60), minutes, 60)
    own = 0.15 * smooth(key_of(seed, symbol, "volatility"), minutes, 15)
    session = 0.2 * np.sin(2 * np.pi * (minutes % DAY_MINUTES / DAY_MINUTES - 0.375))
    result: Floats = np.exp(slow + fast + own + session)
    return result


def _noise(seed: int, symbol: str, minutes: Times) -> Floats:
    market, own = normal(key_of(seed, "market", "noise"), minutes), normal(key_of(seed, symbol, "noise"), minutes)
    return SHARED_NOISE * market + float(np.sqrt(1 - SHARED_NOISE**2)) * own


def _activity(seed: int, symbol: str, minutes: Times, sigma: Floats, moves: Floats) -> Floats:
    """Return how much is traded in each minute: more when it is volatile, and more when the price goes far."""
    luck = np.exp(0.35 * normal(key_of(seed, symbol, "activity"), minutes))
    calm = sigma / SIGMA
    result: Floats = np.clip(calm * luck * (0.6 + 0.5 * np.abs(moves) / sigma), 0.35, 5.0)
    return result
