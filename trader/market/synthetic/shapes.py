"""The corners of the generated price: patterns of many sizes, and the trends between them.

Levels are logarithms of the price in units of a coin's own scale; times are minutes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random

import msgspec
import numpy as np

from trader.market.table import Floats

#: One leg of the path: how many minutes it takes, where it ends, and how lively it is (1 is usual).
Leg = tuple[float, float, float]

#: Height of a pattern that takes `PATTERN_MINUTES`; heights grow with the square root of time, as ranges do.
HEIGHT = 0.006
PATTERN_MINUTES = 70.0

#: Sizes of patterns, in multiples of `PATTERN_MINUTES`, and how often each is chosen: small ones show on 1min candles,
#: large ones on 30min. They are weighed so that the small take half of the time.
SIZES = (1.0, 2.0, 5.0, 14.0, 28.0)
SIZE_WEIGHTS = (100, 22, 6, 1.6, 0.5)

#: Longer legs hold a smaller pattern in their midst.
LONGEST_LEG = 150.0
#: Shares of breakouts that go the way the pattern points, and of trends that go on that way.
BREAKS_OUT = 0.72
GOES_ON = 0.64

#: Volatility inside a shape, in a pullback, and in a breakout or trend.
QUIET, USUAL, LIVELY = 0.85, 1.0, 1.4

Shape = tuple[tuple[float, float], ...]

#: Corners of the shapes that go on with a trend, as (share of the time, level in heights), for a trend that rises;
#: the last leg breaks out.
GO_ON: tuple[Shape, ...] = (
    # A triangle under a flat top.
    ((2, -0.6), (2, 0), (1.6, -0.35), (1.6, 0), (1.2, -0.15), (1.2, 0), (1.5, 0.6)),
    # A symmetrical triangle.
    ((2, -0.9), (2, -0.1), (1.8, -0.75), (1.5, -0.25), (1.3, -0.62), (1, -0.38), (1.5, 0.25)),
    # A cup with its handle.
    (*((1, -0.8 * math.sin(math.pi * part / 8)) for part in range(1, 9)), (1.3, -0.22), (1.5, 0.5)),
    # A flag behind its pole, twice as often as the others.
    *(((0.9, 1.1), (1.1, 0.75), (0.9, 1.0), (1.1, 0.65), (0.9, 0.88), (1.1, 0.55), (1.1, 1.5)),) * 2,
)
#: The same for shapes that end a trend, here one that rises: they break out downwards.
TURN: tuple[Shape, ...] = (
    # A double top.
    *(((2, -0.6), (2, 0), (2, -0.6), (1.5, -1.2)),) * 2,
    # Head and shoulders.
    ((1.5, -0.5), (1.7, 0.4), (1.7, -0.5), (1.5, 0), (1.3, -0.5), (1.5, -1.1)),
    # A rising wedge.
    ((1.4, -0.7), (2, 0.2), (1.8, -0.35), (1.6, 0.38), (1.4, -0.02), (1.2, 0.5), (1, 0.26), (1.5, -0.5)),
)
#: And for a rest of unknown outcome.
REST: tuple[Shape, ...] = (((2, -1), (2, 0), (2, -1), (2, 0), (2, -1), (2, 0), (1.5, -0.5)),)
SHAPES = (*GO_ON, *TURN, *REST)


class Corners(msgspec.Struct, frozen=True, eq=False):
    """The path of a block as float64 arrays: `minutes[n+1]` from 0, `levels[n+1]`, and the liveliness of n legs."""

    minutes: Floats
    levels: Floats
    liveliness: Floats


def draw_block(random: Random, start: float, end: float, minutes: int) -> Corners:
    """Fill a block that begins at level `start` and ends at `end` with patterns and trends."""
    legs: list[Leg] = []
    level, left, up = start, float(minutes), random.random() < 0.5
    while left > 8 * PATTERN_MINUTES:
        size = PATTERN_MINUTES * random.choices(SIZES, SIZE_WEIGHTS)[0]
        length = min(size * random.uniform(0.7, 1.4), 0.5 * left)
        line = start + (end - start) * (1 - left / minutes)
        goal = level + _move(random, up, line - level, length)
        before = min(length * random.uniform(0.35, 0.8), 0.4 * left)
        legs += _trend(random, level, goal, before)
        legs += _pattern(random, goal, length, goal > level)
        level, left, up = legs[-1][1], left - before - length, legs[-1][1] > legs[-2][1]
    legs += _trend(random, level, end, left)
    return _corners(start, [part for leg in _with_starts(start, legs) for part in _split(random, *leg)], minutes)


def height(minutes: float) -> float:
    """Return the usual height of a move that takes `minutes`."""
    return HEIGHT * math.sqrt(minutes / PATTERN_MINUTES)


def _pattern(random: Random, level: float, minutes: float, rising: bool) -> list[Leg]:
    """Return the legs of a shape that follows a trend, which was `rising` or not, up to `level`."""
    corners = random.choice(SHAPES)
    sign = height(minutes) if rising else -height(minutes)
    shares = [share * random.uniform(0.8, 1.25) for share, _ in corners]
    unit = minutes / sum(shares)
    targets = [target + random.gauss(0, 0.03) for _, target in corners]
    if random.random() > BREAKS_OUT:
        targets[-1] = 2 * targets[-2] - targets[-1]
    lively = [QUIET] * (len(corners) - 1) + [LIVELY]
    return [
        (share * unit, level + sign * target, live) for share, target, live in zip(shares, targets, lively, strict=True)
    ]


def _move(random: Random, up: bool, pull: float, minutes: float) -> float:
    """Return how far a trend goes: the way of the breakout more often, and back when the level has strayed far."""
    far = pull / (12 * HEIGHT)
    chance = min(0.95, max(0.05, (GOES_ON if up else 1 - GOES_ON) + far))
    size = height(minutes) * random.uniform(0.7, 2.6)
    return size if random.random() < chance else -size


def _trend(random: Random, start: float, end: float, minutes: float) -> list[Leg]:
    """Go from `start` to `end` in a few swings, each but the last followed by a pullback."""
    swings = random.randint(1, 4)
    back = random.uniform(0.25, 0.55)
    step = (end - start) / swings
    legs: list[Leg] = []
    level = start
    for swing in range(swings):
        top = start + step * (swing + 1)
        legs.append((random.uniform(0.7, 1.3), top if swing == swings - 1 else top + back * (top - level), LIVELY))
        if swing < swings - 1:
            legs.append((random.uniform(0.4, 0.9), top, USUAL))
        level = top
    unit = minutes / sum(leg[0] for leg in legs)
    return [(share * unit, level, live) for share, level, live in legs]


def _split(random: Random, start: float, leg: Leg) -> list[Leg]:
    """Return the leg, or where it is long, an advance, a smaller pattern, and the rest of the way."""
    minutes, end, live = leg
    if minutes <= LONGEST_LEG:
        return [leg]
    pause = minutes * random.uniform(0.3, 0.5)
    before = (minutes - pause) * random.uniform(0.35, 0.65)
    first = start + (end - start) * random.uniform(0.35, 0.65)
    legs = [(before, first, live), *_pattern(random, first, pause, end > start), (minutes - pause - before, end, live)]
    return [part for each in _with_starts(start, legs) for part in _split(random, *each)]


def _with_starts(start: float, legs: Sequence[Leg]) -> Iterator[tuple[float, Leg]]:
    level = start
    for leg in legs:
        yield level, leg
        level = leg[1]


def _corners(start: float, legs: Sequence[Leg], minutes: int) -> Corners:
    times = np.cumsum([0.0, *(leg[0] for leg in legs)])
    times *= minutes / times[-1]
    return Corners(times, np.array([start, *(leg[1] for leg in legs)]), np.array([leg[2] for leg in legs]))
