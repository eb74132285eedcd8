"""What a person would call by its name scores high, under that name and no other."""

from __future__ import annotations

import numpy as np
import pytest

from tests.patterns.shapes import DRAWN, TWINS, Legs, columns, drawn, mirrored
from trader.core.signal import Direction, Pattern
from trader.patterns.describe import completed
from trader.patterns.geometry import batch

ORDER = tuple(Pattern)


def scores(series: tuple[np.ndarray, ...]) -> dict[Pattern, float]:
    """Return the best score of each pattern over the series."""
    return dict(zip(ORDER, batch(*series)[:, : len(ORDER)].max(axis=0).tolist(), strict=True))


def changed(pattern: Pattern, leg: int, price: float, candles: int | None = None) -> tuple[np.ndarray, ...]:
    """Return the drawn series of `pattern` with one leg going elsewhere; legs count from the last, -1."""
    start, legs = DRAWN[pattern]
    new = list(legs)
    new[leg] = (price, candles or legs[leg][1])
    return columns(start, tuple(new))


@pytest.mark.parametrize("pattern", ORDER)
def test_a_drawn_pattern_is_found(pattern: Pattern) -> None:
    assert scores(drawn(pattern))[pattern] >= 0.75


@pytest.mark.parametrize("pattern", ORDER)
def test_a_drawn_pattern_is_nothing_else(pattern: Pattern) -> None:
    others = scores(drawn(pattern))
    assert max(score for other, score in others.items() if other != pattern) < 0.6


@pytest.mark.parametrize("pattern", ORDER)
def test_upside_down_it_is_not_found(pattern: Pattern) -> None:
    if pattern != Pattern.SYMMETRICAL_TRIANGLE:
        assert scores(mirrored(drawn(pattern)))[pattern] < 0.3


@pytest.mark.parametrize("pattern", ORDER)
def test_it_completes_within_the_last_leg_in_its_direction(pattern: Pattern) -> None:
    series = drawn(pattern)
    found = [formation for formation in completed(*series) if formation.pattern == pattern]
    last_leg = DRAWN[TWINS.get(pattern, pattern)][1][-1][1]
    (formation,) = found
    assert formation.broken_at >= len(series[0]) - last_leg
    rising = series[3][-1] > series[3][-last_leg]
    assert formation.direction == (Direction.LONG if rising else Direction.SHORT)


@pytest.mark.parametrize("twin", TWINS)
def test_twins_score_alike(twin: Pattern) -> None:
    up = scores(drawn(TWINS[twin]))[TWINS[twin]]
    assert scores(drawn(twin))[twin] == pytest.approx(up, rel=1e-9)


def test_a_symmetrical_triangle_breaks_either_way() -> None:
    down = changed(Pattern.SYMMETRICAL_TRIANGLE, -1, 98.0)
    (formation,) = (each for each in completed(*down) if each.pattern == Pattern.SYMMETRICAL_TRIANGLE)
    assert formation.direction == Direction.SHORT
    assert formation.score >= 0.65


#: A leg of a drawn series put elsewhere, so that the shape is worse or is not completed.
WORSE = [
    (Pattern.ASCENDING_TRIANGLE, -4, 101.2),  # the second top misses the line
    (Pattern.SYMMETRICAL_TRIANGLE, -4, 105.5),
    (Pattern.DOUBLE_BOTTOM, -2, 91.0),  # the bottoms differ by an ATR
    (Pattern.HEAD_AND_SHOULDERS, -2, 98.3),  # the right shoulder is much lower
    (Pattern.CUP_AND_HANDLE, -2, 94.5),  # the handle gives back more than half
    (Pattern.WEDGE_FALLING, -5, 108.8),
    (Pattern.FLAG_BULLISH, -2, 95.0),  # half of the pole is given back
]


@pytest.mark.parametrize(("pattern", "leg", "price"), WORSE)
def test_a_worse_shape_scores_less(pattern: Pattern, leg: int, price: float) -> None:
    assert scores(changed(pattern, leg, price))[pattern] < scores(drawn(pattern))[pattern] - 0.1


@pytest.mark.parametrize("pattern", DRAWN)
def test_without_a_break_there_is_no_score(pattern: Pattern) -> None:
    start, legs = DRAWN[pattern]
    assert scores(columns(start, legs[:-1]))[pattern] == 0.0


FAILED: list[tuple[Pattern, Legs]] = [
    (Pattern.ASCENDING_TRIANGLE, ((93.0, 8), (104.0, 14))),
    (Pattern.DOUBLE_BOTTOM, ((88.0, 8), (101.0, 16))),
    (Pattern.HEAD_AND_SHOULDERS, ((106.0, 8), (90.0, 16))),
    (Pattern.CUP_AND_HANDLE, ((90.0, 8), (104.0, 14))),
    (Pattern.FLAG_BULLISH, ((91.0, 8), (103.0, 14))),
]


@pytest.mark.parametrize(("pattern", "legs"), FAILED)
def test_a_break_of_the_other_side_ends_it(pattern: Pattern, legs: Legs) -> None:
    start, whole = DRAWN[pattern]
    assert scores(columns(start, (*whole[:-1], *legs)))[pattern] < 0.3


def test_a_break_that_comes_too_late_is_none() -> None:
    start, legs = DRAWN[Pattern.DOUBLE_BOTTOM]
    waits = tuple((price, 3) for price in (95.0, 94.5) * 6)
    late = columns(start, (*legs[:-1], *waits, (100.0, 8)))
    assert scores(late)[Pattern.DOUBLE_BOTTOM] == 0.0


def test_a_strong_break_on_volume_scores_more() -> None:
    quiet = drawn(Pattern.DOUBLE_BOTTOM)
    loud = tuple(column.copy() for column in quiet)
    loud[4][-10:] = 3.0
    assert scores(loud)[Pattern.DOUBLE_BOTTOM] > scores(quiet)[Pattern.DOUBLE_BOTTOM]
