"""Double tops and bottoms, head and shoulders: extremes over a neckline.

Written for the bottom, which breaks upward; a top is the bottom of the negated prices (`sign` -1).
"""

from __future__ import annotations

from trader.compiled import compiled
from trader.patterns import constants as c
from trader.patterns import layout as at
from trader.patterns.formations import set_lines, set_parts, sketch
from trader.patterns.maths import Floats, mean_atr, nearness, plateau, ramp, ratio


@compiled
def draft_double(draft: Floats, swings: Floats, count: int, sign: float) -> bool:
    """Draft a double bottom whose second low is the newest of `count` swings; needs 6."""
    second, neck, first = sign * swings[0, at.PRICE], sign * swings[1, at.PRICE], sign * swings[2, at.PRICE]
    span = swings[0, at.AT] - swings[2, at.AT]
    if span < c.MIN_CANDLES or span > c.MAX_CANDLES:
        return False
    unit, height = mean_atr(swings, 4), neck - 0.5 * (first + second)
    fit = nearness((first - second) / unit, c.DOUBLE_MISS_ATR)
    size = ramp(height / unit, c.DOUBLE_HEIGHT)
    legs = ratio(swings[1, at.AT] - swings[2, at.AT], swings[0, at.AT] - swings[1, at.AT])
    balance = ramp(legs, c.DOUBLE_BALANCE)
    if fit * balance * size <= 0.0:
        return False
    context = ramp((farthest(swings, sign, 3, 5) - first) / height, c.DOUBLE_TREND)
    context *= ramp(outdone(swings, count, sign, first, 4, swings[2, at.AT] - span) / height, c.OUTDONE)
    sketch(draft, swings, 4, sign, unit, height)
    set_parts(draft, fit, balance, size, context)
    set_lines(draft, neck, 0.0, min(first, second), 0.0, swings[0, at.AT] + c.WAIT * span)
    return True


@compiled
def draft_head(draft: Floats, swings: Floats, count: int, sign: float) -> bool:
    """Draft head and shoulders whose right shoulder is the newest of `count` swings; needs 8."""
    right, head, left = sign * swings[0, at.PRICE], sign * swings[2, at.PRICE], sign * swings[4, at.PRICE]
    span = swings[0, at.AT] - swings[4, at.AT]
    if head >= min(left, right) or span < c.MIN_CANDLES or span > c.MAX_CANDLES:
        return False
    neck, slope, height = neckline(swings, sign)
    unit = mean_atr(swings, 6)
    tilt = (swings[1, at.PRICE] - swings[3, at.PRICE]) / height
    fit = nearness((left - right) / height, c.SHOULDER_MISS) * nearness(tilt, c.NECK_TILT)
    sides = ratio(swings[2, at.AT] - swings[4, at.AT], swings[0, at.AT] - swings[2, at.AT])
    balance = ramp(sides, c.HEAD_BALANCE)
    size = ramp(height / unit, c.HEAD_HEIGHT) * plateau((min(left, right) - head) / height, c.HEAD_OUT)
    if fit * balance * size <= 0.0:
        return False
    context = ramp((farthest(swings, sign, 5, 7) - sign * swings[3, at.PRICE]) / height, c.HEAD_TREND)
    context *= ramp(outdone(swings, count, sign, head, 6, swings[4, at.AT] - span) / height, c.OUTDONE)
    sketch(draft, swings, 6, sign, unit, height)
    set_parts(draft, fit, balance, size, context)
    set_lines(draft, neck, slope, right, 0.0, swings[0, at.AT] + c.SHORT_WAIT * span)
    return True


@compiled
def neckline(swings: Floats, sign: float) -> tuple[float, float, float]:
    """Return the value at the newest swing, the slope, and the distance from the head of the line through rows 1, 3."""
    near, far = sign * swings[1, at.PRICE], sign * swings[3, at.PRICE]
    slope = (near - far) / (swings[1, at.AT] - swings[3, at.AT])
    value = near + slope * (swings[0, at.AT] - swings[1, at.AT])
    at_head = near + slope * (swings[2, at.AT] - swings[1, at.AT])
    return value, slope, at_head - sign * swings[2, at.PRICE]


@compiled
def farthest(swings: Floats, sign: float, first: int, last: int) -> float:
    """Return the greatest of `sign` times price among every second swing from row `first` up to row `last`."""
    best = float(sign * swings[first, at.PRICE])
    for row in range(first + 2, last + 1, 2):
        best = max(best, sign * swings[row, at.PRICE])
    return best


@compiled
def outdone(swings: Floats, count: int, sign: float, extreme: float, first: int, since: float) -> float:
    """Return how far every second swing from row `first` on goes below `extreme` (times the sign); 0 when none does.

    Looks back to index `since`: a bottom under which price was just before is none.
    """
    below = 0.0
    for row in range(first, count, 2):
        if swings[row, at.AT] < since:
            break
        below = max(below, extreme - sign * swings[row, at.PRICE])
    return below
