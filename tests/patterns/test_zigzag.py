"""Swing points: known late, never changed, the extremes of their legs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.patterns.series import random_walk
from tests.patterns.shapes import columns
from trader.patterns import constants as c
from trader.patterns.describe import Swing, swings
from trader.patterns.geometry import COLUMNS, new_state, run, step

SCALES = range(len(c.TURN_ATR))


def swings_after(series: tuple[np.ndarray, ...], scale: int) -> list[Swing]:
    state = new_state()
    run(state, *series, np.empty((len(series[0]), COLUMNS)))
    return swings(state, scale)


def test_a_swing_is_known_when_price_has_turned_by_the_scales_atr() -> None:
    series = columns(100, ((110, 10), (105, 10)))
    (high,) = swings_after(series, 0)
    assert (high.index, high.price, high.kind) == (10, 110.125, 1)
    closes = series[3]
    assert 110.125 - closes[high.confirmed_at] >= c.TURN_ATR[0] > 110.125 - closes[high.confirmed_at - 1]


def test_a_larger_scale_passes_over_small_turns() -> None:
    series = columns(100, ((110, 10), (108, 4), (114, 6), (106, 8), (112, 8)))
    assert [swing.index for swing in swings_after(series, 0)] == [10, 14, 20, 28]
    assert [swing.index for swing in swings_after(series, 2)] == [20, 28]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("seed", range(3))
def test_swings_alternate_and_are_confirmed_later(scale: int, seed: int) -> None:
    found = swings_after(random_walk(4000, seed), scale)
    assert len(found) == c.RING
    for before, swing in pairwise(found):
        assert swing.kind == -before.kind
        assert before.index < swing.index < swing.confirmed_at
        assert swing.kind * swing.price > swing.kind * before.price


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("seed", range(3))
def test_a_swing_is_the_extreme_of_its_leg(scale: int, seed: int) -> None:
    series = random_walk(4000, seed)
    found = swings_after(series, scale)
    for before_last, before, swing in zip(found, found[1:], found[2:], strict=False):
        leg = slice(max(before.index + 1, before_last.confirmed_at), swing.confirmed_at + 1)
        expected = series[1][leg].max() if swing.kind > 0 else series[2][leg].min()
        assert swing.price == expected


def test_a_known_swing_never_changes() -> None:
    series = random_walk(600, seed=5)
    state, out = new_state(), np.empty(COLUMNS)
    seen: dict[int, Swing] = {}
    for row in zip(*series, strict=True):
        step(state, *row, out)
        for swing in swings(state, 0):
            assert seen.setdefault(swing.confirmed_at, swing) == swing
    assert len(seen) > 50
