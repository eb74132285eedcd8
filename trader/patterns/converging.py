"""Triangles and wedges: two lines through alternating swings that come together."""

from __future__ import annotations

from trader.compiled import compiled
from trader.patterns import constants as c
from trader.patterns import layout as at
from trader.patterns.formations import set_lines, set_parts, sketch
from trader.patterns.maths import Floats, fit_line, mean_atr, nearness, plateau, ramp, ratio


@compiled
def draft_converging(draft: Floats, swings: Floats, rows: int) -> int:
    """Draft the triangle or wedge that the newest `rows` swings form; return its pattern, -1 for none.

    Needs `rows + 2` swings: the two before tell from where price came. One sequence of sums: cutting it up hides it.
    """
    span = swings[0, at.AT] - swings[rows - 1, at.AT]
    if span < c.MIN_CANDLES or span > c.MAX_CANDLES:
        return -1
    high_row = 0 if swings[0, at.KIND] > 0.0 else 1
    upper, upper_slope, upper_miss = fit_line(swings, high_row, rows)
    lower, lower_slope, lower_miss = fit_line(swings, 1 - high_row, rows)
    end = upper - lower
    height = end - (upper_slope - lower_slope) * span
    if end <= 0.0 or end >= height:
        return -1
    pattern, lean = name_lines(upper_slope * span / height, lower_slope * span / height)
    if pattern < 0:
        return -1
    unit = mean_atr(swings, rows)
    fit = nearness(max(upper_miss, lower_miss) / unit, c.LINE_MISS_ATR) * c.TOUCH_WEIGHT[rows - c.MIN_TOUCHES]
    closing = plateau(1.0 - end / height, c.CLOSING)
    balance = lean * closing * ramp(_longest_leg(swings, rows) / span, c.LONGEST_LEG)
    size = ramp(height / unit, c.TRIANGLE_HEIGHT)
    if fit * balance * size <= 0.0:
        return -1
    context = _lead_in(swings, rows, pattern, upper - upper_slope * span, lower - lower_slope * span)
    sign = 1.0 if pattern in (at.ASCENDING, at.SYMMETRICAL, at.WEDGE_FALLING) else -1.0
    sketch(draft, swings, rows, sign, unit, height)
    set_parts(draft, fit, balance, size, context)
    apex = end / (lower_slope - upper_slope)
    until = swings[0, at.AT] + min(c.WAIT * span, c.APEX * (span + apex) - span)
    if sign > 0.0:
        set_lines(draft, upper, upper_slope, lower, lower_slope, until)
    else:
        set_lines(draft, -lower, -lower_slope, -upper, -upper_slope, until)
    draft[at.BOTH] = 1.0 if pattern == at.SYMMETRICAL else 0.0
    return pattern


@compiled
def name_lines(upper: float, lower: float) -> tuple[int, float]:
    """Name two lines by their rise over the formation, in heights; return pattern (-1: none) and how well it fits.

    >>> name_lines(0.0, 0.6) == (at.ASCENDING, 1.0), name_lines(0.1, 0.1)[0]
    (True, -1)
    """
    pattern, best = -1, 0.0
    ascending = ramp(abs(upper), c.FLAT) * ramp(lower, c.SLANT)
    if ascending > best:
        pattern, best = at.ASCENDING, ascending
    descending = ramp(abs(lower), c.FLAT) * ramp(-upper, c.SLANT)
    if descending > best:
        pattern, best = at.DESCENDING, descending
    slants = ramp(-upper, c.SLANT) * ramp(lower, c.SLANT)
    symmetrical = slants * ramp(ratio(-upper, lower), c.SYMMETRY)
    if symmetrical > best:
        pattern, best = at.SYMMETRICAL, symmetrical
    rising = ramp(upper, c.WEDGE_SLANT)
    if rising > best:
        pattern, best = at.WEDGE_RISING, rising
    falling = ramp(-lower, c.WEDGE_SLANT)
    if falling > best:
        pattern, best = at.WEDGE_FALLING, falling
    return pattern, best


@compiled
def _longest_leg(swings: Floats, rows: int) -> float:
    longest = 0.0
    for row in range(1, rows):
        longest = max(longest, swings[row - 1, at.AT] - swings[row, at.AT])
    return longest


@compiled
def _lead_in(swings: Floats, rows: int, pattern: int, upper: float, lower: float) -> float:
    """Judge the move that led into the formation; `upper` and `lower` are its lines at the first swing.

    Ascending triangles rest in a rise, descending ones in a fall; the others in a trend of either way.
    """
    height = upper - lower
    rise = (lower - min(swings[rows, at.PRICE], swings[rows + 1, at.PRICE])) / height
    fall = (max(swings[rows, at.PRICE], swings[rows + 1, at.PRICE]) - upper) / height
    lead = max(rise, fall)
    if pattern == at.ASCENDING:
        lead = rise
    elif pattern == at.DESCENDING:
        lead = fall
    return c.NO_LEAD_IN + (1.0 - c.NO_LEAD_IN) * ramp(lead, c.LEAD_IN)
