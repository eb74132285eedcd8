"""What surrounds a candle: its place in the day and the week, and the trend of longer candles as known at its close.

The longer candles are blocks of the stream's own, aligned to UTC: on 1min, blocks of 15 are 15min candles. Only whole
blocks that have closed count; the block which the anchor cuts is left out. What is written depends on the last 8 blocks
and nothing older, so that two warm-ups of more than 9 blocks give the same bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled, inlined

Floats = NDArray[np.float64]

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
#: 1970-01-05 was the first Monday.
MONDAY_MS = 4 * DAY_MS

#: Candles in a block, and how many blocks are looked at: two hours and eight, on 1min.
SPANS = (15, 60)
BLOCKS = 8

#: Candles since the anchor until nothing older matters.
SETTLED_CANDLES = (BLOCKS + 1) * max(SPANS)

#: The values of one span, in order. Over the last 8 closed blocks (as many as there are, 0 without any):
#: `trend`: net change of the blocks' closes over the sum of its parts, -1 … 1 (P. Kaufman's efficiency, with its sign);
#: `distance`: the close above the mean of those closes, in mean ranges of a block; `position`: the close in the blocks'
#: range, 0 low, 1 high, beyond outside; `range_atr`: the mean range of a block in ATR14.
VALUES = ("trend", "distance", "position", "range_atr")

#: The columns written here. `close` in quote currency; the fractions of day and week (from Monday) are those at which
#: the candle opened, UTC.
CONTEXT: tuple[str, ...] = (
    "close",
    "day_fraction",
    "week_fraction",
    *(f"block{span}_{value}" for span in SPANS for value in VALUES),
)
_FIRST_SPAN = 3

#: State of one span: the end of the block under way in ms (0 before the first), whether it is whole, its high and low,
#: how many are closed; then summaries of the closed ones, and rings of their closes, highs and lows.
_END, _WHOLE, _HIGH, _LOW, _CLOSED = range(5)
_TREND, _MEAN, _RANGE, _TOP, _BOTTOM = range(5, 10)
_CLOSES = 10
_HIGHS = _CLOSES + BLOCKS
_LOWS = _HIGHS + BLOCKS
SPAN = _LOWS + BLOCKS
SIZE = len(SPANS) * SPAN


@inlined
def step(
    f: Floats,
    at: int,
    open_time: int,
    interval: int,
    high: float,
    low: float,
    close: float,
    atr14: float,
    out: Floats,
    first: int,
) -> None:
    """Take one closed candle, which follows upon the last, and write `CONTEXT` into `out[first:]`, always finite.

    Times in ms. State: `SIZE` floats at `at`, all 0 before the anchor.
    """
    out[first] = close
    out[first + 1] = (open_time % DAY_MS) / DAY_MS
    out[first + 2] = ((open_time - MONDAY_MS) % WEEK_MS) / WEEK_MS
    for number in range(len(SPANS)):
        span = at + number * SPAN
        follow(f, span, open_time, interval, SPANS[number] * interval, high, low, close)
        show(f, span, close, atr14, out, first + _FIRST_SPAN + number * len(VALUES))


@inlined
def follow(
    f: Floats, at: int, open_time: int, interval: int, length: int, high: float, low: float, close: float
) -> None:
    """Take the candle into the block under way, of `length` ms; close the block with its last candle."""
    if open_time >= f[at + _END]:
        f[at + _WHOLE] = 1.0 if open_time % length == 0 else 0.0
        f[at + _END] = (open_time // length + 1) * length
        f[at + _HIGH], f[at + _LOW] = high, low
    else:
        f[at + _HIGH], f[at + _LOW] = max(f[at + _HIGH], high), min(f[at + _LOW], low)
    if open_time + interval >= f[at + _END] and f[at + _WHOLE] > 0.0:
        close_block(f, at, close)


@compiled
def close_block(f: Floats, at: int, close: float) -> None:
    """Put the block that ends with `close` into the rings and sum the rings up anew: nothing gathers errors."""
    place = int(f[at + _CLOSED]) % BLOCKS
    f[at + _CLOSES + place], f[at + _HIGHS + place], f[at + _LOWS + place] = close, f[at + _HIGH], f[at + _LOW]
    f[at + _CLOSED] += 1.0
    blocks = min(BLOCKS, int(f[at + _CLOSED]))
    oldest = place + 1 if blocks == BLOCKS else 0
    total = ranges = moved = 0.0
    top, bottom = f[at + _HIGH], f[at + _LOW]
    before = f[at + _CLOSES + oldest % BLOCKS]
    net = close - before
    for block in range(oldest, oldest + blocks):
        each = block % BLOCKS
        last, upper, lower = f[at + _CLOSES + each], f[at + _HIGHS + each], f[at + _LOWS + each]
        total, ranges, moved = total + last, ranges + (upper - lower), moved + abs(last - before)
        top, bottom, before = max(top, upper), min(bottom, lower), last
    f[at + _TREND] = net / moved if moved > 0.0 else 0.0
    f[at + _MEAN], f[at + _RANGE] = total / blocks, ranges / blocks
    f[at + _TOP], f[at + _BOTTOM] = top, bottom


@inlined
def show(f: Floats, at: int, close: float, atr14: float, out: Floats, first: int) -> None:
    """Write the values of one span; a distance is 0, a position the middle, where there is nothing to measure by."""
    wide, whole = f[at + _RANGE], f[at + _TOP] - f[at + _BOTTOM]
    out[first] = f[at + _TREND]
    out[first + 1] = (close - f[at + _MEAN]) / wide if wide > 0.0 else 0.0
    out[first + 2] = (close - f[at + _BOTTOM]) / whole if whole > 0.0 else 0.5
    out[first + 3] = wide / atr14 if atr14 > 0.0 else 0.0
