"""The geometry's one step: swings, drafts of formations at a new swing, scores of those that break.

Nothing looks at a later candle: a swing counts from the candle that confirms it, a formation from that candle on.
The work is done where a swing is confirmed; every other candle compares its close with the lines that are pending.
"""

from __future__ import annotations

import numpy as np

from trader.compiled import compiled
from trader.patterns import constants as c
from trader.patterns import layout as at
from trader.patterns.continuations import draft_cup, draft_flag
from trader.patterns.converging import draft_converging
from trader.patterns.formations import back_at, beyond_front, front_at, offer, rests, watch
from trader.patterns.maths import Floats
from trader.patterns.outlook import OUTLOOK, regard, show_candidate, show_swings
from trader.patterns.reversals import draft_double, draft_head
from trader.patterns.zigzag import begin_leg, push_swing, track

#: The columns that `step` writes: a score in 0…1 for each pattern in the order of `Pattern`, then of the best one its
#: height and how far the close stands beyond its line, both in ATR (0 without one); then, of the small swings, the age
#: of the last one in candles and the distance of the close from it in ATR; then what a model is told beside: `OUTLOOK`.
GEOMETRY: tuple[str, ...] = (
    *(f"score_{pattern}" for pattern in at.ORDER),
    "formation_height_atr",
    "formation_break_atr",
    "swing_age",
    "swing_distance_atr",
    *OUTLOOK,
)
COLUMNS = len(GEOMETRY)
_HEIGHT, _BREAK, _SWING_AGE, _SWING_DISTANCE, _OUTLOOK = range(at.PATTERNS, at.PATTERNS + 5)


def new_state() -> Floats:
    """Return the state before the first candle, float64[`layout.STATE`]."""
    state = np.zeros(at.STATE)
    slots = state[at.SLOTS_AT : at.DRAFT_AT].reshape(at.PATTERNS, at.SLOT)
    slots[:, at.DONE_UNTIL] = -1.0
    return state


@compiled
def step(
    state: Floats,
    open: float,
    high: float,
    low: float,
    close: float,
    volume: float,
    atr14: float,
    out: Floats,
) -> None:
    """Take one closed candle and its ATR14 (price units) and write `GEOMETRY` into `out`, always finite.

    While ATR14 is NaN or not positive the candle is only counted and `out` is zeros. `open` is not looked at; a
    `volume` that is NaN adds nothing to the strength of a break.
    """
    out[:] = 0.0
    now = state[at.CANDLES]
    state[at.CANDLES] = now + 1.0
    if not atr14 > 0.0:
        return
    rush = _rush(state, volume)
    for scale in range(at.SCALES):
        leg = at.LEGS_AT + scale * at.LEG
        if track(state, leg, now, high, low, close, atr14, rush, c.TURN_ATR[scale]):
            swings = _swings(state, scale)
            push_swing(state, leg, swings, now)
            begin_leg(state, leg, now, high, low, atr14, rush)
            _draft_all(state, swings, int(state[leg + at.SWINGS]), now)
    _watch_all(state, now, close, rush, atr14, out)
    _place_swing(state, now, close, atr14, out)
    show_swings(state, now, close, atr14, out, _OUTLOOK)
    state[at.LAST_CLOSE] = close


@compiled
def run(
    state: Floats,
    open: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    atr14: Floats,
    out: Floats,
) -> None:
    """Take n consecutive candles: `step` for each, its values to the row of `out`, float64[n, len(GEOMETRY)]."""
    for i in range(len(close)):
        step(state, open[i], high[i], low[i], close[i], volume[i], atr14[i], out[i])


def batch(open: Floats, high: Floats, low: Floats, close: Floats, volume: Floats, atr14: Floats) -> Floats:
    """Return the geometry of n candles from a new state, float64[n, len(GEOMETRY)]."""
    out = np.empty((len(close), COLUMNS))
    run(new_state(), open, high, low, close, volume, atr14, out)
    return out


@compiled
def _swings(state: Floats, scale: int) -> Floats:
    start = at.RINGS_AT + scale * c.RING * at.SWING
    return state[start : start + c.RING * at.SWING].reshape((c.RING, at.SWING))


@compiled
def _slot(state: Floats, pattern: int) -> Floats:
    start = at.SLOTS_AT + pattern * at.SLOT
    return state[start : start + at.SLOT]


@compiled
def _rush(state: Floats, volume: float) -> float:
    """Return volume against its mean so far, then take it into the mean; 0 where there is no volume to compare."""
    mean = state[at.MEAN_VOLUME]
    if not volume >= 0.0:
        return 0.0
    state[at.MEAN_VOLUME] = volume if mean == 0.0 else mean + c.VOLUME_WEIGHT * (volume - mean)
    return volume / mean if mean > 0.0 else 0.0


@compiled
def _draft_all(state: Floats, swings: Floats, count: int, now: float) -> None:
    """Offer every formation that the newest swing may have finished."""
    draft = state[at.DRAFT_AT :]
    last = state[at.LAST_CLOSE]
    kind = swings[0, at.KIND]
    count = min(count, c.RING)
    for rows in range(c.MIN_TOUCHES, min(c.MAX_TOUCHES, count - 2) + 1):
        pattern = draft_converging(draft, swings, rows)
        if pattern >= 0:
            offer(_slot(state, pattern), draft, now, last)
    double = at.DOUBLE_BOTTOM if kind < 0.0 else at.DOUBLE_TOP
    if count >= 6 and draft_double(draft, swings, count, -kind):
        offer(_slot(state, double), draft, now, last)
    if count >= 8 and kind > 0.0 and draft_head(draft, swings, count, -1.0):
        offer(_slot(state, at.HEAD_AND_SHOULDERS), draft, now, last)
    if kind < 0.0 and draft_cup(draft, swings, count):
        offer(_slot(state, at.CUP_AND_HANDLE), draft, now, last)
    for rows in range(3, min(5, count - 1) + 1):
        sign = kind if rows % 2 == 1 else -kind
        flag = at.FLAG_BULLISH if sign > 0.0 else at.FLAG_BEARISH
        if draft_flag(draft, swings, rows, sign):
            offer(_slot(state, flag), draft, now, last)


@compiled
def _watch_all(state: Floats, now: float, close: float, rush: float, atr14: float, out: Floats) -> None:
    """Write the scores, the height and break of the best, how near the others are, and the best candidate."""
    best = worth = 0.0
    candidate = -1
    for pattern in range(at.PATTERNS):
        # Without a view: they cost more than the rest, and most slots are empty or wait.
        place = at.SLOTS_AT + pattern * at.SLOT
        if state[place + at.STATUS] == at.EMPTY:
            continue
        front, back = front_at(state, place, now, close), back_at(state, place, now, close)
        if not rests(state, place, now, front, back):
            slot = _slot(state, pattern)
            out[pattern] = watch(slot, now, close, rush)
            if out[pattern] > best:
                best = out[pattern]
                out[_HEIGHT] = slot[at.HEIGHT]
                out[_BREAK] = beyond_front(slot, now, close) / atr14
        promise = regard(state, place, pattern, front, back, atr14, out, _OUTLOOK)
        if promise > worth:
            worth, candidate = promise, pattern
    if candidate >= 0:
        place = at.SLOTS_AT + candidate * at.SLOT
        show_candidate(state, place, now, close, atr14, out[candidate], out, _OUTLOOK)


@compiled
def _place_swing(state: Floats, now: float, close: float, atr14: float, out: Floats) -> None:
    if state[at.LEGS_AT + at.SWINGS] > 0.0:
        out[_SWING_AGE] = now - state[at.RINGS_AT + at.AT]
        out[_SWING_DISTANCE] = (close - state[at.RINGS_AT + at.PRICE]) / atr14
