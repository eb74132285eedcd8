"""Every constant of the geometry, each with its reason.

They follow from what a chartist calls by the name, looked at on drawn examples; none was chosen by its profit.
"ATR" is ATR14 averaged over the formation's swings, "height" the formation's own. A pair is a ramp: the first value
scores 0, the second 1. Four values are a plateau: 0, 1, 1, 0. A single "at most" scores 1 at 0 and 0 at the value.
"""

from __future__ import annotations

# --- Swings
# A swing is confirmed once price has turned by this many ATR. The eye sees formations of several sizes at once: the
# smallest turn that stands out from single candles, then each twice the one before.
TURN_ATR = (1.25, 2.5, 5.0)
# Swings kept per scale: a formation has up to 7 and looks back by its own length; a cup may lie over up to 19.
RING = 24
# Swings that a formation remembers for its drawing: the longest has 7.
MAX_POINTS = 8

# --- Every formation
# Candles: shorter ones are noise between a handful of candles.
MIN_CANDLES = 10.0
# Candles: longer ones are older than what ATR14 at their break still measures.
MAX_CANDLES = 200.0
# A formation waits for its break as long as it took to build: later breaks belong to something else.
WAIT = 1.0
# One that ends beside its line, under a shoulder or in a handle, breaks soon or not at all: half its length.
SHORT_WAIT = 0.5
# A top, a bottom or a rim is the extreme of its surroundings: within its own length before it, price went beyond it
# by at most this, heights.
OUTDONE = (0.60, 0.0)

# --- The break
# A close must stand so far beyond the line, ATR, to be a break and not a touch.
BREAK_ATR = 0.05
# A close so far beyond the line, ATR, is a full break: most of a usual candle.
FULL_BREAK_ATR = (0.0, 0.8)
# Volume at the break against its mean: from usual to double.
BREAK_VOLUME = (1.0, 2.0)
# Weight of a new candle in the mean volume: that of a 20-candle exponential mean.
VOLUME_WEIGHT = 2.0 / 21.0
# A perfect shape that is hardly broken keeps this share of its score: shape is the pattern, the break its proof.
WEAK_BREAK = 0.8
# Candles for which a completed formation is news; its score falls by a third with each, so that one formation is
# rarely more than one signal.
FRESH_CANDLES = 3.0

# --- What is pending
# A close so far before the line, ATR, is not near it at all: as far as price comes in a dozen candles without a trend.
NEAR_ATR = 4.0

# --- Triangles and wedges
# Touches: two on each line only define the lines, the fifth is the first that could have missed them.
MIN_TOUCHES = 5
# Touches: more of them no longer fit into what the eye takes in as one formation.
MAX_TOUCHES = 7
# What a formation of 5, 6, 7 touches keeps of its fit: each touch more is a line tried once more.
TOUCH_WEIGHT = (0.9, 0.95, 1.0)
# Swings miss their line by at most this, ATR: more is another line.
LINE_MISS_ATR = 1.0
# Height at the first swing, ATR: lower ones hold no two swings of the smallest scale.
TRIANGLE_HEIGHT = (2.0, 4.5)
# A line that rises or falls by more than this share of the height is not flat; by the second, perfectly so.
FLAT = (0.25, 0.10)
# A slanted line rises or falls by this share of the height: what is not flat.
SLANT = (0.15, 0.40)
# A wedge's flatter line slants too, by this share of the height: else it is a triangle.
WEDGE_SLANT = (0.20, 0.60)
# The two slants of a symmetrical triangle, the smaller against the larger.
SYMMETRY = (0.15, 0.65)
# Share of the height that is gone between first and last swing: less is a channel, more has met already.
CLOSING = (0.20, 0.45, 0.80, 0.98)
# No leg takes more than this share of the time: touches crowded at one end are one touch to the eye.
LONGEST_LEG = (0.75, 0.50)
# A break later than this share of the way to the apex has nothing left to break from.
APEX = 0.95
# The move that led into the formation, heights: a triangle is a rest in a trend.
LEAD_IN = (0.0, 1.0)
# Without such a move it is still the shape, but says less.
NO_LEAD_IN = 0.4

# --- Double top and bottom
# The two extremes differ by at most this, ATR: one candle's usual range.
DOUBLE_MISS_ATR = 1.25
# From the extremes to the neckline, ATR: deep enough to be two visits and not one.
DOUBLE_HEIGHT = (2.0, 5.0)
# The two legs between the extremes, the shorter in time against the longer.
DOUBLE_BALANCE = (0.10, 0.50)
# The trend that it turns, from its far end to the first extreme, heights: 1 is the formation's own first leg.
DOUBLE_TREND = (1.0, 2.2)

# --- Head and shoulders
# From the neckline to the head, ATR.
HEAD_HEIGHT = (2.0, 5.0)
# The head stands out beyond the shoulders by this share of the height: less is a triple top, more a spike.
HEAD_OUT = (0.05, 0.20, 0.60, 0.85)
# The shoulders differ by at most this share of the height.
SHOULDER_MISS = 0.40
# The ends of the neckline differ by at most this share of the height.
NECK_TILT = 0.40
# Time from the head to either shoulder, shorter against longer.
HEAD_BALANCE = (0.10, 0.50)
# The rise before it, from its start up to the neckline, heights.
HEAD_TREND = (0.0, 1.0)

# --- Cup and handle
# Depth, ATR: a cup is a large formation.
CUP_HEIGHT = (3.0, 6.0)
# Candles from rim to rim: fewer have no round bottom.
CUP_CANDLES = 20.0
# The rims differ by at most this share of the depth.
RIM_MISS = 0.35
# What lies between the rims stays below them by this share of the depth: else it is a range.
INSIDE = 0.15
# Mean depth of its closes: 0.5 is a V, 0.67 a parabola, 0.79 half an ellipse, 1 a box.
ROUND = (0.52, 0.63, 0.78, 0.90)
# Where the lowest point lies between the rims, in time.
BOTTOM_AT = (0.10, 0.30, 0.70, 0.90)
# What the handle gives back of the depth: it stays in the upper half.
HANDLE_DEPTH = (0.08, 0.16, 0.42, 0.60)
# The handle's fall in time against the cup's length: a short drift, not a second cup.
HANDLE_LENGTH = (0.03, 0.10, 0.40, 0.70)
# The rise before it, up to the left rim, depths.
CUP_TREND = (0.2, 1.0)

# --- Flags
# The pole's height in ATR of its start: more than any usual swing.
POLE_HEIGHT = (3.5, 6.5)
# Its speed, ATR a candle: closes that run one way.
POLE_SPEED = (0.25, 0.70)
# What the flag gives back of the pole: more than half is a turn.
FLAG_DEPTH = (0.10, 0.22, 0.45, 0.62)
# The flag's length against the pole's.
FLAG_LENGTH = (0.4, 0.8, 2.5, 5.0)
# Candles: fewer show no lines.
FLAG_MIN_CANDLES = 4.0
# Candles: a flag is short, a longer rest is a range.
FLAG_MAX_CANDLES = 60.0
# Its line drifts by this share of the pole: against it or level.
FLAG_DRIFT = (-0.60, -0.40, 0.0, 0.12)
# Its lines part or close by at most this share of its depth: else it is a wedge.
FLAG_PARALLEL = 0.80
# A flag of three swings has one point on its far side, which is only supposed to be parallel.
ONE_SIDED = 0.7
