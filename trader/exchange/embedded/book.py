"""The order book around a price: levels a tick apart, sizes that look alive and are the same in every play."""

from __future__ import annotations

import math

import msgspec

Level = tuple[float, float]


class Book(msgspec.Struct, frozen=True):
    """Bids and asks, best first, as (price, quantity); `update_id` grows with the play's time."""

    update_id: int
    bids: list[Level]
    asks: list[Level]


def book_around(price: float, tick: float, step: float, depth: int, update_id: int) -> Book:
    """Return `depth` levels on each side of `price`, the best bid at it; bids stay above 0.

    >>> book_around(100.0, 0.1, 0.001, 1, 5).bids
    [(100.0, 0.668)]
    """
    if not math.isfinite(price) or tick <= 0:
        return Book(update_id, [], [])
    best = math.floor(price / tick + 1e-6)
    bids = [(best - level, _size(update_id, 2 * level)) for level in range(depth) if best - level > 0]
    asks = [(best + 1 + level, _size(update_id, 2 * level + 1)) for level in range(depth)]
    return Book(update_id, _scaled(bids, tick, step), _scaled(asks, tick, step))


def _scaled(levels: list[tuple[int, int]], tick: float, step: float) -> list[Level]:
    return [(round(ticks * tick, 8), round(steps * step, 8)) for ticks, steps in levels]


def _size(update_id: int, level: int) -> int:
    """Return a number of steps between 1 and 1,000, mixed from the arguments."""
    return 1 + (((update_id + 1) * 2_654_435_761 + level * 40_503_001) >> 11) % 1_000
