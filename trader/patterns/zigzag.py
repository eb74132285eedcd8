"""Confirmed swing points: a zigzag whose turns are measured in ATR.

A leg runs to its farthest high (or low); it has ended, and that extreme is a swing, at the first later candle that
closes `turn` ATR14 back from it. So a swing is known some candles after it happened and never changes.
The leg under way is at `leg` in the flat state: views would cost more than the work.
"""

from __future__ import annotations

from trader.compiled import compiled
from trader.patterns import constants as c
from trader.patterns import layout as at
from trader.patterns.maths import Floats


@compiled
def track(
    state: Floats,
    leg: int,
    now: float,
    high: float,
    low: float,
    close: float,
    atr14: float,
    rush: float,
    turn: float,
) -> bool:
    """Take one candle into the leg at `leg`; return whether that confirmed its extreme: then `push_swing`.

    `rush` is its volume against the mean.
    """
    sign = state[leg + at.DIRECTION]
    if sign == 0.0:
        state[leg + at.DIRECTION] = 1.0
        _extend(state, leg, now, high, atr14, rush)
        return False
    far, near = (high, low) if sign > 0.0 else (low, high)
    state[leg + at.CLOSE_SUM] += close
    if sign * far > sign * state[leg + at.EXTREME]:
        _extend(state, leg, now, far, atr14, rush)
        return False
    if state[leg + at.TURN_AT] == state[leg + at.EXTREME_AT] or sign * near < sign * state[leg + at.TURN]:
        _turn(state, leg, now, near, atr14, rush)
    return bool(sign * (state[leg + at.EXTREME] - close) >= turn * atr14)


@compiled
def _extend(state: Floats, leg: int, now: float, far: float, atr14: float, rush: float) -> None:
    state[leg + at.EXTREME] = far
    state[leg + at.EXTREME_AT] = now
    state[leg + at.EXTREME_ATR] = atr14
    state[leg + at.EXTREME_RUSH] = rush
    state[leg + at.EXTREME_SUM] = state[leg + at.CLOSE_SUM]
    state[leg + at.TURN_AT] = now


@compiled
def _turn(state: Floats, leg: int, now: float, near: float, atr14: float, rush: float) -> None:
    state[leg + at.TURN] = near
    state[leg + at.TURN_AT] = now
    state[leg + at.TURN_ATR] = atr14
    state[leg + at.TURN_RUSH] = rush
    state[leg + at.TURN_SUM] = state[leg + at.CLOSE_SUM]


@compiled
def push_swing(state: Floats, leg: int, swings: Floats, now: float) -> None:
    """Make the leg's extreme the newest row of `swings`; the oldest row is forgotten."""
    for row in range(c.RING - 1, 0, -1):
        for field in range(at.SWING):
            swings[row, field] = swings[row - 1, field]
    swings[0, at.AT] = state[leg + at.EXTREME_AT]
    swings[0, at.PRICE] = state[leg + at.EXTREME]
    swings[0, at.KIND] = state[leg + at.DIRECTION]
    swings[0, at.CONFIRMED_AT] = now
    swings[0, at.ATR] = state[leg + at.EXTREME_ATR]
    swings[0, at.LEG_SUM] = state[leg + at.EXTREME_SUM]
    swings[0, at.RUSH] = state[leg + at.EXTREME_RUSH]
    state[leg + at.SWINGS] += 1.0


@compiled
def begin_leg(state: Floats, leg: int, now: float, high: float, low: float, atr14: float, rush: float) -> None:
    """Turn round at a confirmed swing: the turn so far is the new leg's extreme."""
    spent = state[leg + at.EXTREME_SUM]
    sign = state[leg + at.DIRECTION]
    state[leg + at.DIRECTION] = -sign
    state[leg + at.EXTREME] = state[leg + at.TURN]
    state[leg + at.EXTREME_AT] = state[leg + at.TURN_AT]
    state[leg + at.EXTREME_ATR] = state[leg + at.TURN_ATR]
    state[leg + at.EXTREME_RUSH] = state[leg + at.TURN_RUSH]
    state[leg + at.EXTREME_SUM] = state[leg + at.TURN_SUM] - spent
    state[leg + at.CLOSE_SUM] -= spent
    if now > state[leg + at.EXTREME_AT]:
        _turn(state, leg, now, high if sign > 0.0 else low, atr14, rush)
