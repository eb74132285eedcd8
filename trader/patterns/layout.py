"""Where each value lives in the state: one flat float64 array of fixed size.

Candles are counted from 0 at the state's first; an "index" below is such a count. Prices of a formation are kept
times its sign (+1 breaks upward, -1 downward), so that each rule is written once, for the upward break.
"""

from __future__ import annotations

from trader.core.signal import Pattern
from trader.patterns import constants as c

SCALES = len(c.TURN_ATR)

# A pattern's number is its place in `Pattern`.
ORDER = tuple(Pattern)
PATTERNS = len(ORDER)
ASCENDING = ORDER.index(Pattern.ASCENDING_TRIANGLE)
DESCENDING = ORDER.index(Pattern.DESCENDING_TRIANGLE)
SYMMETRICAL = ORDER.index(Pattern.SYMMETRICAL_TRIANGLE)
DOUBLE_TOP = ORDER.index(Pattern.DOUBLE_TOP)
DOUBLE_BOTTOM = ORDER.index(Pattern.DOUBLE_BOTTOM)
HEAD_AND_SHOULDERS = ORDER.index(Pattern.HEAD_AND_SHOULDERS)
CUP_AND_HANDLE = ORDER.index(Pattern.CUP_AND_HANDLE)
WEDGE_RISING = ORDER.index(Pattern.WEDGE_RISING)
WEDGE_FALLING = ORDER.index(Pattern.WEDGE_FALLING)
FLAG_BULLISH = ORDER.index(Pattern.FLAG_BULLISH)
FLAG_BEARISH = ORDER.index(Pattern.FLAG_BEARISH)

# --- Header of the state
CANDLES = 0  # seen so far: the index of the next one
LAST_CLOSE = 1
MEAN_VOLUME = 2
HEADER = 3

# --- One leg that is under way; "extreme" is its farthest price, "turn" the farthest one back since
DIRECTION = 0  # +1 up, -1 down, 0 before the first candle
EXTREME = 1
EXTREME_AT = 2
EXTREME_ATR = 3
EXTREME_SUM = 4
TURN = 5
TURN_AT = 6
TURN_ATR = 7
TURN_SUM = 8
CLOSE_SUM = 9  # of all closes since the last swing
SWINGS = 10  # confirmed so far
EXTREME_RUSH = 11
TURN_RUSH = 12
LEG = 13

# --- One swing, a row of the ring; row 0 is the newest
AT = 0
PRICE = 1
KIND = 2  # +1 high, -1 low
CONFIRMED_AT = 3
ATR = 4  # ATR14 at its candle
LEG_SUM = 5  # sum of closes after the swing before, up to this one
RUSH = 6  # volume against its mean, at its candle
SWING = 7

# --- One slot, the formation of one pattern (and the draft of one)
STATUS = 0
SIGN = 1
BOTH = 2  # 1 where a break through either line completes
ANCHOR = 3  # index at which the lines have the values below
FRONT = 4  # the line whose break completes
FRONT_SLOPE = 5
BACK = 6  # the line whose break ends the formation
BACK_SLOPE = 7
EXPIRES = 8
UNIT = 9  # mean ATR14 over its swings: the measure of its tolerances
HEIGHT = 10  # in units
FIT = 11
BALANCE = 12
SIZE = 13
CONTEXT = 14
SHAPE = 15
POINTS = 16  # swings used
BROKEN_AT = 17
SCORE = 18  # at the break
POINTS_RUSH = 19  # mean of the swings' RUSH
DONE_UNTIL = 20  # newest swing of the pattern's last completed formation; outlives the slot's formation
POINT = 21  # pairs (index, price), the newest first

FIRST_PART = FIT
SLOT = POINT + 2 * c.MAX_POINTS

EMPTY = 0.0
PENDING = 1.0
FRESH = 2.0

# --- The whole
LEGS_AT = HEADER
RINGS_AT = LEGS_AT + SCALES * LEG
SLOTS_AT = RINGS_AT + SCALES * c.RING * SWING
DRAFT_AT = SLOTS_AT + PATTERNS * SLOT
STATE = DRAFT_AT + SLOT
