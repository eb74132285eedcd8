"""The formations behind the scores: what they show is in the candles, and each fires once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.patterns.series import Series, random_walk
from tests.patterns.shapes import drawn
from trader.core.signal import Pattern
from trader.patterns import constants as c
from trader.patterns.describe import Formation, completed, describe
from trader.patterns.geometry import COLUMNS, GEOMETRY, batch, new_state, step

ROWS = 20_000


@pytest.fixture(scope="module")
def series() -> Series:
    return random_walk(ROWS, seed=11)


@pytest.fixture(scope="module")
def found(series: Series) -> list[Formation]:
    return completed(*series)


def test_every_pattern_is_among_them(found: list[Formation]) -> None:
    assert {formation.pattern for formation in found} == set(Pattern)


def test_the_score_at_the_break_is_the_formations(series: Series, found: list[Formation]) -> None:
    scores = batch(*series)
    for formation in found:
        column = GEOMETRY.index(f"score_{formation.pattern}")
        assert scores[formation.broken_at, column] == formation.score


def test_swings_are_highs_and_lows_of_earlier_candles(series: Series, found: list[Formation]) -> None:
    high, low = series[1], series[2]
    for formation in found:
        indices = [index for index, _ in formation.swings]
        assert indices == sorted(set(indices))
        assert indices[-1] <= formation.broken_at
        assert all(price in (high[index], low[index]) for index, price in formation.swings)


def test_the_close_has_crossed_the_line_at_the_break(series: Series, found: list[Formation]) -> None:
    close = series[3]
    for formation in found:
        (start, value), (end, line) = formation.broken
        slope = (line - value) / (end - start)
        assert formation.direction * (close[end] - line) > 0.0
        assert formation.direction * (close[end - 1] - line + slope) < 0.1 * abs(close[end] - close[end - 1]) + 0.05


def test_formations_of_one_pattern_share_no_more_than_an_end(found: list[Formation]) -> None:
    for pattern in Pattern:
        own = [formation for formation in found if formation.pattern == pattern]
        for before, after in pairwise(own):
            assert before.swings[-1][0] <= after.swings[0][0]


def test_one_formation_scores_for_three_candles_and_less_on_each(series: Series, found: list[Formation]) -> None:
    scores = batch(*series)
    for column, pattern in enumerate(Pattern):
        at = [formation.broken_at for formation in found if formation.pattern == pattern]
        allowed = np.unique(np.concatenate([np.arange(i, i + int(c.FRESH_CANDLES)) for i in at]))
        assert np.isin(np.flatnonzero(scores[:, column]), allowed).all()
        for i in at:
            window = scores[i : i + int(c.FRESH_CANDLES), column]
            assert (np.diff(window) < 0.0)[window[:-1] > 0.0].all()


def test_the_state_shows_the_formation_while_it_scores() -> None:
    state, out = new_state(), np.empty(COLUMNS)
    shown: list[bool] = []
    for row in zip(*drawn(Pattern.DOUBLE_TOP), strict=True):
        step(state, *row, out)
        formation = describe(state, Pattern.DOUBLE_TOP)
        shown.append(formation is not None)
        assert shown[-1] == (out[GEOMETRY.index("score_double_top")] > 0.0)
    assert 1 <= sum(shown) <= c.FRESH_CANDLES


def test_the_parts_make_the_shape(found: list[Formation]) -> None:
    for formation in found:
        parts = formation.parts
        assert list(parts) == ["fit", "balance", "size", "context"]
        assert formation.shape == pytest.approx(np.prod(list(parts.values())) ** 0.25)
        assert c.WEAK_BREAK * formation.shape <= formation.score <= formation.shape
