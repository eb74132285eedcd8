"""What is said of pending formations and of the best candidate."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.patterns.series import Series, random_walk
from trader.core.signal import Pattern
from trader.patterns import constants as c
from trader.patterns import layout as at
from trader.patterns.geometry import COLUMNS, GEOMETRY, batch, new_state, step
from trader.patterns.outlook import CANDIDATE, OUTLOOK

PATTERNS = len(Pattern)
TWINS = {
    "ascending_triangle": "descending_triangle",
    "double_top": "double_bottom",
    "wedge_rising": "wedge_falling",
    "flag_bullish": "flag_bearish",
}
SIGNED = ("swing_leg_atr", "extreme_distance_atr", "middle_swing_distance_atr", "large_swing_distance_atr")
#: Candles after which it no longer matters that the first leg is taken for a rise.
BEGUN = 300


def columns(series: Series) -> dict[str, NDArray[np.float64]]:
    return dict(zip(GEOMETRY, batch(*series).T, strict=True))


def upside_down(series: Series) -> Series:
    """Return the candles mirrored; exact, as long as prices are multiples of 1/64."""
    open, high, low, close, volume, atr14 = series
    return tuple(np.ascontiguousarray(each) for each in (-open, -low, -high, -close, volume, atr14))


def on_grid(series: Series) -> Series:
    """Return the candles with prices that are multiples of 1/64."""
    return (*(np.round(each * 64.0) / 64.0 for each in series[:4]), *series[4:])


@pytest.fixture(scope="module")
def seen() -> dict[str, NDArray[np.float64]]:
    return columns(random_walk(30_000, seed=1))


@pytest.mark.parametrize("pattern", Pattern)
def test_a_pattern_is_near_only_while_it_is_pending(pattern: Pattern, seen: dict[str, NDArray[np.float64]]) -> None:
    near, quality, score = (seen[f"{kind}_{pattern}"] for kind in ("near", "quality", "score"))
    assert 0.0 < near.max() <= 1.0
    assert near.min() == 0.0
    assert not near[score > 0.0].any()
    assert (quality[(score > 0.0) | (near > 0.0)] > 0.0).all()
    assert (score <= quality).all()


def test_the_numbers_are_those_of_the_slots() -> None:
    series = random_walk(4_000, seed=2)
    state, out, pending = new_state(), np.empty(COLUMNS), 0
    first = GEOMETRY.index(OUTLOOK[0])
    for candle in zip(*series, strict=True):
        step(state, *(float(value) for value in candle), out)
        slots = state[at.SLOTS_AT : at.DRAFT_AT].reshape(PATTERNS, at.SLOT)
        for pattern, slot in enumerate(slots):
            near, quality = out[first + pattern], out[first + PATTERNS + pattern]
            assert quality == (slot[at.SHAPE] if slot[at.STATUS] != at.EMPTY else 0.0)
            if slot[at.STATUS] != at.PENDING:
                assert near == 0.0
                continue
            pending += 1
            gone = state[at.CANDLES] - 1.0 - slot[at.ANCHOR]
            price = slot[at.SIGN] * candle[3]
            ahead = slot[at.FRONT] + slot[at.FRONT_SLOPE] * gone - price
            if slot[at.BOTH]:
                ahead = min(ahead, price - slot[at.BACK] - slot[at.BACK_SLOPE] * gone)
            assert near == pytest.approx(max(0.0, 1.0 - max(0.0, ahead) / candle[5] / c.NEAR_ATR), abs=1e-9)
    assert pending > 1_000


def test_the_best_candidate_is_the_best_score_or_else_the_most_promising_pending_one() -> None:
    rows = batch(*random_walk(20_000, seed=3))
    first = GEOMETRY.index(OUTLOOK[0])
    scores, near = rows[:, :PATTERNS], rows[:, first : first + PATTERNS]
    quality = rows[:, first + PATTERNS : first + 2 * PATTERNS]
    shown = dict(zip(CANDIDATE, rows[:, first + 2 * PATTERNS :].T, strict=False))
    assert (shown["candidate_score"] == scores.max(axis=1)).all()
    best = np.where(scores.max(axis=1) > 0.0, scores.argmax(axis=1), (near * quality).argmax(axis=1))
    there = (scores > 0.0).any(axis=1) | (near * quality > 0.0).any(axis=1)
    every = np.arange(len(rows))
    assert (shown["candidate_quality"] == np.where(there, quality[every, best], 0.0)).all()
    assert ((shown["candidate_side"] != 0.0) == there).all()
    assert not np.stack([values[~there] for values in shown.values()]).any()
    parts = np.prod([shown[f"candidate_{part}"] for part in ("fit", "balance", "size", "context")], axis=0) ** 0.25
    np.testing.assert_allclose(parts, shown["candidate_quality"], atol=1e-12)


def test_a_pending_candidate_stands_before_its_line_and_a_broken_one_beyond(
    seen: dict[str, NDArray[np.float64]],
) -> None:
    broken = seen["candidate_score"] > 0.0
    pending = (seen["candidate_side"] != 0.0) & ~broken
    assert (seen["candidate_distance_atr"][broken] > 0.0).all()
    assert (seen["candidate_distance_atr"][pending] > -c.NEAR_ATR).all()
    assert (seen["candidate_distance_atr"][pending] < 1.0).all()
    assert (seen["candidate_points"][pending] >= 4.0).all()
    assert (seen["candidate_width"][pending] >= seen["candidate_points"][pending] - 1.0).all()
    assert (seen["candidate_age"][pending] >= 0.0).all()
    assert seen["candidate_volume"][pending].mean() == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("seed", [4, 5])
def test_upside_down_each_is_its_twin(seed: int) -> None:
    series = on_grid(random_walk(10_000, seed))
    up, down = batch(*series)[BEGUN:].T, batch(*upside_down(series))[BEGUN:].T
    for kind in ("near", "quality"):
        for one, other in TWINS.items():
            np.testing.assert_allclose(
                up[GEOMETRY.index(f"{kind}_{one}")], down[GEOMETRY.index(f"{kind}_{other}")], atol=1e-9
            )
    for name in SIGNED:
        np.testing.assert_allclose(up[GEOMETRY.index(name)], -down[GEOMETRY.index(name)], atol=1e-9)


def test_the_volume_at_a_swing_is_that_of_its_own_candle() -> None:
    close = 100.0 + np.r_[np.arange(30), np.arange(30, 10, -1), np.arange(10, 40)].astype(float)
    volume = np.ones(len(close))
    volume[30] = 50.0
    seen = columns((close, close, close, close, volume, np.full(len(close), 2.0)))
    known = int(np.flatnonzero(seen["swing_volume"])[0])
    assert close[:40].argmax() == 30
    assert known == 33
    assert seen["swing_volume"][known] == pytest.approx(50.0)
