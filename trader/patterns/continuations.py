"""Flags and the cup with handle: a rest after a move, left in the direction of the move.

Written for the rise; a bearish flag is the bullish one of the negated prices (`sign` -1).
"""

from __future__ import annotations

from trader.compiled import compiled
from trader.patterns import constants as c
from trader.patterns import layout as at
from trader.patterns.formations import set_lines, set_parts, sketch, sketch_cup
from trader.patterns.maths import Floats, blend, fit_line, mean_atr, nearness, plateau, ramp
from trader.patterns.reversals import farthest, outdone


@compiled
def draft_flag(draft: Floats, swings: Floats, rows: int, sign: float) -> bool:
    """Draft a flag of the newest `rows` swings, the oldest of them the pole's top; needs `rows + 1` swings."""
    top_at, top = swings[rows - 1, at.AT], sign * swings[rows - 1, at.PRICE]
    pole, pole_candles = top - sign * swings[rows, at.PRICE], top_at - swings[rows, at.AT]
    length, start_atr = swings[0, at.AT] - top_at, swings[rows, at.ATR]
    size, context = ramp(pole / start_atr, c.POLE_HEIGHT), ramp(pole / start_atr / pole_candles, c.POLE_SPEED)
    if size * context <= 0.0 or length < c.FLAG_MIN_CANDLES or length > c.FLAG_MAX_CANDLES:
        return False
    top_row = (rows - 1) % 2
    line, slope, miss = fit_line(swings, top_row, rows)
    depth = top + farthest(swings, -sign, 1 - top_row, rows - 1)
    unit = mean_atr(swings, rows)
    fit = _parallel(swings, rows, slope, length / depth) * nearness(miss / unit, c.LINE_MISS_ATR)
    balance = plateau(depth / pole, c.FLAG_DEPTH) * plateau(length / pole_candles, c.FLAG_LENGTH)
    balance *= plateau(sign * slope * length / pole, c.FLAG_DRIFT)
    if fit * balance <= 0.0:
        return False
    sketch(draft, swings, rows + 1, sign, unit, pole)
    set_parts(draft, fit, balance, size, context)
    set_lines(draft, sign * line, sign * slope, top - c.FLAG_DEPTH[3] * pole, 0.0, swings[0, at.AT] + c.WAIT * length)
    return True


@compiled
def _parallel(swings: Floats, rows: int, slope: float, scale: float) -> float:
    """Judge how parallel the far line of a flag is to the one with `slope`; `scale` turns slopes into depths."""
    if rows == 3:
        return c.ONE_SIDED
    far_slope = fit_line(swings, rows % 2, rows)[1]
    return nearness((slope - far_slope) * scale, c.FLAG_PARALLEL)


@compiled
def draft_cup(draft: Floats, swings: Floats, count: int) -> bool:
    """Draft the best cup whose handle's low is the newest of `count` swings, its right rim the one before."""
    best = 0.0
    for left in range(3, count - 3, 2):
        if left > 3 and swings[left - 2, at.PRICE] >= swings[1, at.PRICE]:
            break
        best = max(best, _draft_cup_from(draft, swings, count, left, best))
    return best > 0.0


@compiled
def _draft_cup_from(draft: Floats, swings: Floats, count: int, left: int, best: float) -> float:
    """Draft the cup between rows `left` and 1 if its shape is above `best`; return its shape, else 0."""
    rim = min(swings[1, at.PRICE], swings[left, at.PRICE])
    length, unit = swings[1, at.AT] - swings[left, at.AT], 0.5 * (swings[left, at.ATR] + swings[1, at.ATR])
    lowest = _lowest_row(swings, left)
    depth = rim - swings[lowest, at.PRICE]
    size = ramp(depth / unit, c.CUP_HEIGHT)
    if size <= 0.0 or length < c.CUP_CANDLES or length > c.MAX_CANDLES:
        return 0.0
    if left > 3 and farthest(swings, 1.0, 3, left - 2) > rim - c.INSIDE * depth:
        return 0.0
    fit = nearness((swings[1, at.PRICE] - swings[left, at.PRICE]) / depth, c.RIM_MISS)
    fit *= plateau((rim - _mean_close(swings, left)) / depth, c.ROUND)
    balance = plateau((swings[lowest, at.AT] - swings[left, at.AT]) / length, c.BOTTOM_AT)
    balance *= plateau((swings[1, at.PRICE] - swings[0, at.PRICE]) / depth, c.HANDLE_DEPTH)
    balance *= plateau((swings[0, at.AT] - swings[1, at.AT]) / length, c.HANDLE_LENGTH)
    context = _rise_to_rim(swings, count, left, length, depth)
    if blend(fit, balance, size, context) <= best:
        return 0.0
    sketch_cup(draft, swings, lowest, left, unit, depth)
    set_parts(draft, fit, balance, size, context)
    rim_line = swings[1, at.PRICE]
    set_lines(draft, rim_line, 0.0, rim_line - c.HANDLE_DEPTH[3] * depth, 0.0, swings[0, at.AT] + c.SHORT_WAIT * length)
    return float(draft[at.SHAPE])


@compiled
def _lowest_row(swings: Floats, left: int) -> int:
    lowest = 2
    for row in range(4, left, 2):
        if swings[row, at.PRICE] < swings[lowest, at.PRICE]:
            lowest = row
    return lowest


@compiled
def _mean_close(swings: Floats, left: int) -> float:
    """Return the mean close after row `left` up to row 1: how round the cup is."""
    total = 0.0
    for row in range(1, left):
        total += swings[row, at.LEG_SUM]
    return float(total / (swings[1, at.AT] - swings[left, at.AT]))


@compiled
def _rise_to_rim(swings: Floats, count: int, left: int, length: float, depth: float) -> float:
    """Judge the rise before the cup: high enough, and the left rim the top of it."""
    top = swings[left, at.PRICE]
    rise = ramp((top + farthest(swings, -1.0, left + 1, left + 3)) / depth, c.CUP_TREND)
    return rise * ramp(outdone(swings, count, -1.0, -top, left + 2, swings[left, at.AT] - length) / depth, c.OUTDONE)
