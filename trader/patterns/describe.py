"""The formations behind the scores, for drawings and reports: replay the candles, read the slots."""

from __future__ import annotations

import msgspec
import numpy as np

from trader.compiled import compiled
from trader.core.signal import Direction, Pattern
from trader.patterns import constants as c
from trader.patterns import layout as at
from trader.patterns.geometry import GEOMETRY, new_state, step
from trader.patterns.maths import Floats

Point = tuple[int, float]


class Swing(msgspec.Struct, frozen=True):
    """A swing point: a high (`kind` +1) or low (-1) at candle `index`, known since candle `confirmed_at`."""

    index: int
    price: float
    kind: int
    confirmed_at: int


class Formation(msgspec.Struct, frozen=True):
    """One completed formation; indices count candles from the replay's first, prices are in quote currency.

    `swings`: its swing points, the oldest first. `broken` and `other`: its two lines as pairs of points, from the first
    swing to the break. `parts`: the four parts of the shape. `score`: at the candle of the break, `broken_at`.
    """

    pattern: Pattern
    direction: Direction
    broken_at: int
    score: float
    shape: float
    parts: dict[str, float]
    height_atr: float
    swings: tuple[Point, ...]
    broken: tuple[Point, Point]
    other: tuple[Point, Point]


def describe(state: Floats, pattern: Pattern) -> Formation | None:
    """Return the completed formation whose score `state` shows for `pattern`; None while there is none."""
    number = at.ORDER.index(pattern)
    slot = state[at.SLOTS_AT + number * at.SLOT : at.SLOTS_AT + (number + 1) * at.SLOT]
    return _formation(pattern, slot) if slot[at.STATUS] == at.FRESH else None


def swings(state: Floats, scale: int) -> list[Swing]:
    """Return the swings kept on one scale (its place in `constants.TURN_ATR`), the oldest first."""
    known = min(int(state[at.LEGS_AT + scale * at.LEG + at.SWINGS]), c.RING)
    start = at.RINGS_AT + scale * c.RING * at.SWING
    rows = state[start : start + known * at.SWING].reshape(known, at.SWING)[::-1]
    return [Swing(int(row[at.AT]), float(row[at.PRICE]), int(row[at.KIND]), int(row[at.CONFIRMED_AT])) for row in rows]


def completed(open: Floats, high: Floats, low: Floats, close: Floats, volume: Floats, atr14: Floats) -> list[Formation]:
    """Replay columns of n candles from a new state; return every formation that completed, in order."""
    rows = _broken_slots(new_state(), open, high, low, close, volume, atr14)
    return [_formation(at.ORDER[int(row[0])], row[1:]) for row in rows]


@compiled
def _broken_slots(
    state: Floats, open: Floats, high: Floats, low: Floats, close: Floats, volume: Floats, atr14: Floats
) -> Floats:
    """Return a row (pattern, slot) for each formation at its break, float64[k, 1 + SLOT]."""
    out = np.empty(len(GEOMETRY))
    rows = np.empty((16, 1 + at.SLOT))
    count = 0
    for i in range(len(close)):
        step(state, open[i], high[i], low[i], close[i], volume[i], atr14[i], out)
        for pattern in range(at.PATTERNS):
            slot = state[at.SLOTS_AT + pattern * at.SLOT : at.SLOTS_AT + (pattern + 1) * at.SLOT]
            if slot[at.STATUS] != at.FRESH or slot[at.BROKEN_AT] != i:
                continue
            if count == len(rows):
                rows = np.concatenate((rows, np.empty_like(rows)))
            rows[count, 0] = pattern
            rows[count, 1:] = slot
            count += 1
    return rows[:count].copy()


def _formation(pattern: Pattern, slot: Floats) -> Formation:
    count, sign = int(slot[at.POINTS]), float(slot[at.SIGN])
    pairs = slot[at.POINT : at.POINT + 2 * count].reshape(count, 2)[::-1]
    swings = tuple((int(index), float(price)) for index, price in pairs)
    start, end = swings[0][0], int(slot[at.BROKEN_AT])

    def line(value: int, slope: int) -> tuple[Point, Point]:
        near, far = (sign * float(slot[value] + slot[slope] * (x - slot[at.ANCHOR])) for x in (start, end))
        return (start, near), (end, far)

    return Formation(
        pattern=pattern,
        direction=Direction(int(sign)),
        broken_at=end,
        score=float(slot[at.SCORE]),
        shape=float(slot[at.SHAPE]),
        parts=dict(zip(("fit", "balance", "size", "context"), slot[at.FIT : at.SHAPE].tolist(), strict=True)),
        height_atr=float(slot[at.HEIGHT]),
        swings=swings,
        broken=line(at.FRONT, at.FRONT_SLOPE),
        other=line(at.BACK, at.BACK_SLOPE),
    )
