"""What a model is told of formations beside their scores: how near each is, and the best candidate in numbers.

Everything is known at the candle's close and free of scale: shares, counts of candles, distances in ATR14 of now.
A distance or slope is positive in the direction in which the formation breaks.
"""

from __future__ import annotations

from trader.compiled import compiled, inlined
from trader.patterns import constants as c
from trader.patterns import layout as at
from trader.patterns.formations import back_at, front_at
from trader.patterns.maths import Floats, nearness

#: The best candidate: the best score, or while there is none the pending formation of the greatest nearness × quality.
CANDIDATE: tuple[str, ...] = (
    "candidate_side",  # +1 breaks upward, -1 downward
    "candidate_score",  # 0 while it is pending
    "candidate_quality",
    "candidate_fit",
    "candidate_balance",
    "candidate_size",
    "candidate_context",
    "candidate_points",  # swings used
    "candidate_height_atr",
    "candidate_width",  # candles from its first swing to its last
    "candidate_age",  # candles since its last swing
    "candidate_left",  # candles until it is out of time
    "candidate_distance_atr",  # of the close beyond the line to break, negative inside
    "candidate_gap_atr",  # from that line to the other
    "candidate_front_slope_atr",  # of the line to break, a candle
    "candidate_back_slope_atr",
    "candidate_calm",  # ATR14 against its mean at the swings
    "candidate_volume",  # mean volume ratio of the swings' candles
)

SWINGS: tuple[str, ...] = (
    "swing_volume",  # volume ratio of the last small swing's candle
    "swing_leg_atr",  # the last small swing above the one before
    "extreme_distance_atr",  # the close above the farthest price of the small leg under way, which is no swing yet
    "middle_swing_age",
    "middle_swing_distance_atr",
    "large_swing_age",
    "large_swing_distance_atr",
)

#: The columns written here. `near_…`: 1 where the close is at the line that completes the pending formation (or beyond
#: it, by less than a break), falling to 0 at `NEAR_ATR` before it; 0 where none is pending. `quality_…`: the shape of
#: the pending or just broken formation, 0 where there is none. All of the rest is 0 where there is no such thing.
OUTLOOK: tuple[str, ...] = (
    *(f"near_{pattern}" for pattern in at.ORDER),
    *(f"quality_{pattern}" for pattern in at.ORDER),
    *CANDIDATE,
    *SWINGS,
)

_QUALITY = at.PATTERNS
_CANDIDATE = _QUALITY + at.PATTERNS
_SWINGS = _CANDIDATE + len(CANDIDATE)

_MIDDLE_LEG, _LARGE_LEG = at.LEGS_AT + at.LEG, at.LEGS_AT + 2 * at.LEG
_MIDDLE_RING, _LARGE_RING = at.RINGS_AT + c.RING * at.SWING, at.RINGS_AT + 2 * c.RING * at.SWING


@inlined
def regard(
    state: Floats, slot: int, pattern: int, front: float, back: float, atr14: float, out: Floats, first: int
) -> float:
    """Write how near and how good the formation is whose slot begins at `slot`; return its worth as a candidate.

    `front`, `back`: how far the close stands beyond its lines. `out[first:]` is `OUTLOOK`, `out[pattern]` its score. A
    broken formation is worth 1 and its score, a pending one nearness × quality.
    """
    status = state[slot + at.STATUS]
    if status == at.EMPTY:
        return 0.0
    quality: float = state[slot + at.SHAPE]
    out[first + _QUALITY + pattern] = quality
    if status == at.FRESH:
        return float(1.0 + out[pattern])
    beyond = max(front, back) if state[slot + at.BOTH] > 0.0 else front
    near = nearness(min(beyond, 0.0) / atr14, c.NEAR_ATR)
    out[first + pattern] = near
    return near * quality


@compiled
def show_candidate(
    state: Floats, slot: int, now: float, close: float, atr14: float, score: float, out: Floats, first: int
) -> None:
    """Write `CANDIDATE` for the formation in the slot at `slot`; one that may break either way from its nearer line."""
    side, front_slope, back_slope = state[slot + at.SIGN], state[slot + at.FRONT_SLOPE], state[slot + at.BACK_SLOPE]
    front, back = front_at(state, slot, now, close), back_at(state, slot, now, close)
    if state[slot + at.BOTH] > 0.0 and state[slot + at.STATUS] == at.PENDING and back > front:
        side, front, back, front_slope, back_slope = -side, back, front, -back_slope, -front_slope
    place = first + _CANDIDATE
    out[place] = side
    out[place + 1] = score
    out[place + 2] = state[slot + at.SHAPE]
    for part in range(4):
        out[place + 3 + part] = state[slot + at.FIRST_PART + part]
    points, newest = state[slot + at.POINTS], slot + at.POINT
    out[place + 7] = points
    out[place + 8] = state[slot + at.HEIGHT]
    out[place + 9] = state[newest] - state[newest + 2 * (int(points) - 1)]
    out[place + 10] = now - state[newest]
    out[place + 11] = max(0.0, state[slot + at.EXPIRES] - now)
    out[place + 12] = front / atr14
    out[place + 13] = -(front + back) / atr14
    out[place + 14] = front_slope / atr14
    out[place + 15] = back_slope / atr14
    out[place + 16] = atr14 / state[slot + at.UNIT]
    out[place + 17] = state[slot + at.POINTS_RUSH]


@compiled
def show_swings(state: Floats, now: float, close: float, atr14: float, out: Floats, first: int) -> None:
    """Write `SWINGS`."""
    place = first + _SWINGS
    if state[at.LEGS_AT + at.SWINGS] > 0.0:
        out[place] = state[at.RINGS_AT + at.RUSH]
    if state[at.LEGS_AT + at.SWINGS] > 1.0:
        out[place + 1] = (state[at.RINGS_AT + at.PRICE] - state[at.RINGS_AT + at.SWING + at.PRICE]) / atr14
    out[place + 2] = (close - state[at.LEGS_AT + at.EXTREME]) / atr14
    if state[_MIDDLE_LEG + at.SWINGS] > 0.0:
        out[place + 3] = now - state[_MIDDLE_RING + at.AT]
        out[place + 4] = (close - state[_MIDDLE_RING + at.PRICE]) / atr14
    if state[_LARGE_LEG + at.SWINGS] > 0.0:
        out[place + 5] = now - state[_LARGE_RING + at.AT]
        out[place + 6] = (close - state[_LARGE_RING + at.PRICE]) / atr14
