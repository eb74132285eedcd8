"""The life of a formation: drafted when a swing is confirmed, pending, then broken, cancelled or out of time.

Each pattern has one slot. While a formation is pending, each candle only compares its close with two lines.
"""

from __future__ import annotations

from trader.compiled import compiled, inlined
from trader.patterns import constants as c
from trader.patterns import layout as at
from trader.patterns.maths import Floats, blend, ramp


@compiled
def sketch(draft: Floats, swings: Floats, rows: int, sign: float, unit: float, height: float) -> None:
    """Begin a draft that breaks in the direction of `sign`, of the newest `rows` swings; `height` in price."""
    _begin(draft, swings, sign, unit, height)
    for row in range(rows):
        _add_point(draft, swings, row)


@compiled
def sketch_cup(draft: Floats, swings: Floats, lowest: int, left: int, unit: float, depth: float) -> None:
    """Begin the draft of a cup: handle, right rim, lowest point, left rim, start of the rise."""
    _begin(draft, swings, 1.0, unit, depth)
    for row in (0, 1, lowest, left, left + 1):
        _add_point(draft, swings, row)


@compiled
def _begin(draft: Floats, swings: Floats, sign: float, unit: float, height: float) -> None:
    draft[at.SIGN] = sign
    draft[at.BOTH] = 0.0
    draft[at.ANCHOR] = swings[0, at.AT]
    draft[at.UNIT] = unit
    draft[at.HEIGHT] = height / unit
    draft[at.POINTS] = 0.0
    draft[at.POINTS_RUSH] = 0.0


@compiled
def _add_point(draft: Floats, swings: Floats, row: int) -> None:
    place = at.POINT + 2 * int(draft[at.POINTS])
    draft[place] = swings[row, at.AT]
    draft[place + 1] = swings[row, at.PRICE]
    draft[at.POINTS] += 1.0
    draft[at.POINTS_RUSH] += (swings[row, at.RUSH] - draft[at.POINTS_RUSH]) / draft[at.POINTS]


@compiled
def set_lines(draft: Floats, front: float, front_slope: float, back: float, back_slope: float, until: float) -> None:
    """Set the line to break and the line that ends it (values at the anchor, times the sign), and its last candle."""
    draft[at.FRONT] = front
    draft[at.FRONT_SLOPE] = front_slope
    draft[at.BACK] = back
    draft[at.BACK_SLOPE] = back_slope
    draft[at.EXPIRES] = until


@compiled
def set_parts(draft: Floats, fit: float, balance: float, size: float, context: float) -> None:
    """Set the four parts of the shape, each in 0…1, and their geometric mean."""
    draft[at.FIT] = fit
    draft[at.BALANCE] = balance
    draft[at.SIZE] = size
    draft[at.CONTEXT] = context
    draft[at.SHAPE] = blend(fit, balance, size, context)


@compiled
def beyond_front(slot: Floats, index: float, close: float) -> float:
    """Return how far a close stands beyond the line to break, in price; negative inside."""
    return front_at(slot, 0, index, close)


@compiled
def beyond_back(slot: Floats, index: float, close: float) -> float:
    """Return how far a close stands beyond the other line, in price; negative inside."""
    return back_at(slot, 0, index, close)


@inlined
def front_at(state: Floats, slot: int, index: float, close: float) -> float:
    """Return `beyond_front` for the slot that begins at `slot` of the flat `state`: a view costs more than the sums."""
    ahead = state[slot + at.SIGN] * close - state[slot + at.FRONT]
    return float(ahead - state[slot + at.FRONT_SLOPE] * (index - state[slot + at.ANCHOR]))


@inlined
def back_at(state: Floats, slot: int, index: float, close: float) -> float:
    """Return `beyond_back` for the slot that begins at `slot` of the flat `state`."""
    line = state[slot + at.BACK] + state[slot + at.BACK_SLOPE] * (index - state[slot + at.ANCHOR])
    return float(line - state[slot + at.SIGN] * close)


@compiled
def offer(slot: Floats, draft: Floats, now: float, last_close: float) -> None:
    """Let the draft take the slot: when it is better than what is pending, shares nothing with the last completed
    formation but its end, and was not broken before it could be known."""
    first = draft[at.POINT + 2 * (int(draft[at.POINTS]) - 1)]
    if draft[at.SHAPE] <= 0.0 or first < slot[at.DONE_UNTIL]:
        return
    if slot[at.STATUS] == at.FRESH or (slot[at.STATUS] == at.PENDING and slot[at.SHAPE] >= draft[at.SHAPE]):
        return
    margin = c.BREAK_ATR * draft[at.UNIT]
    if beyond_front(draft, now - 1.0, last_close) > margin or beyond_back(draft, now - 1.0, last_close) > 0.0:
        return
    slot[at.SIGN : at.DONE_UNTIL] = draft[at.SIGN : at.DONE_UNTIL]
    slot[at.POINT :] = draft[at.POINT :]
    slot[at.STATUS] = at.PENDING


@inlined
def rests(state: Floats, slot: int, now: float, front: float, back: float) -> bool:
    """Tell whether the formation in the slot at `slot` is pending and only goes on waiting: `watch` would do nothing.

    `front`, `back`: how far the close stands beyond its lines.
    """
    margin = c.BREAK_ATR * state[slot + at.UNIT]
    waiting = state[slot + at.STATUS] == at.PENDING and now <= state[slot + at.EXPIRES] and front <= margin
    return bool(waiting and back <= (margin if state[slot + at.BOTH] > 0.0 else 0.0))


@compiled
def watch(slot: Floats, now: float, close: float, rush: float) -> float:
    """Follow one formation through one candle; return its score there. `rush` is volume against its mean."""
    if slot[at.STATUS] == at.PENDING:
        _await_break(slot, now, close, rush)
    if slot[at.STATUS] != at.FRESH:
        return 0.0
    age = now - slot[at.BROKEN_AT]
    if age >= c.FRESH_CANDLES or beyond_front(slot, now, close) <= 0.0:
        slot[at.STATUS] = at.EMPTY
        return 0.0
    return float(slot[at.SCORE] * (1.0 - age / c.FRESH_CANDLES))


@compiled
def _await_break(slot: Floats, now: float, close: float, rush: float) -> None:
    margin = c.BREAK_ATR * slot[at.UNIT]
    if now > slot[at.EXPIRES]:
        slot[at.STATUS] = at.EMPTY
    elif beyond_front(slot, now, close) > margin:
        _complete(slot, now, close, rush)
    elif slot[at.BOTH] > 0.0 and beyond_back(slot, now, close) > margin:
        _turn_round(slot)
        _complete(slot, now, close, rush)
    elif slot[at.BOTH] == 0.0 and beyond_back(slot, now, close) > 0.0:
        slot[at.STATUS] = at.EMPTY


@compiled
def _turn_round(slot: Floats) -> None:
    slot[at.SIGN] = -slot[at.SIGN]
    front, slope = slot[at.FRONT], slot[at.FRONT_SLOPE]
    slot[at.FRONT], slot[at.FRONT_SLOPE] = -slot[at.BACK], -slot[at.BACK_SLOPE]
    slot[at.BACK], slot[at.BACK_SLOPE] = -front, -slope


@compiled
def _complete(slot: Floats, now: float, close: float, rush: float) -> None:
    reach = ramp(beyond_front(slot, now, close) / slot[at.UNIT], c.FULL_BREAK_ATR)
    vigour = 0.5 * (reach + ramp(rush, c.BREAK_VOLUME))
    slot[at.STATUS] = at.FRESH
    slot[at.BROKEN_AT] = now
    slot[at.DONE_UNTIL] = slot[at.POINT]
    slot[at.SCORE] = slot[at.SHAPE] * (c.WEAK_BREAK + (1.0 - c.WEAK_BREAK) * vigour)
