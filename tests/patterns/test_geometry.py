"""The laws of the scores: causal, incremental, bounded, without a scale."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as some

from tests.patterns.series import Series, bitcoin_2025, random_walk
from trader.core.signal import Pattern
from trader.patterns import constants
from trader.patterns.geometry import COLUMNS, GEOMETRY, batch, new_state, run, step

PATTERNS = len(Pattern)


def test_the_scores_come_first_in_the_order_of_patterns() -> None:
    assert GEOMETRY[:PATTERNS] == tuple(f"score_{pattern.value}" for pattern in Pattern)
    assert len(set(GEOMETRY)) == COLUMNS


@pytest.mark.parametrize("seed", [1, 2])
def test_the_last_row_is_the_same_wherever_the_data_is_cut(seed: int) -> None:
    series = random_walk(1500, seed)
    whole = batch(*series)
    assert whole[:, :PATTERNS].max() > 0.65
    for end in range(1, len(whole) + 1):
        last = batch(*(column[:end] for column in series))[-1]
        assert last.tobytes() == whole[end - 1].tobytes(), f"candle {end - 1} depends on a later one"


@pytest.mark.parametrize("seed", [3, 4])
def test_candle_by_candle_gives_the_bits_of_the_batch(seed: int) -> None:
    series = random_walk(3000, seed)
    whole = batch(*series)
    state, out = new_state(), np.empty(COLUMNS)
    for row, expected in zip(zip(*series, strict=True), whole, strict=True):
        step(state, *(float(value) for value in row), out)
        assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize("factor", [1024.0, 2.0**-20])
def test_prices_of_another_scale_give_the_same_bits(factor: float) -> None:
    open, high, low, close, volume, atr14 = random_walk(5000, seed=6)
    other = batch(open * factor, high * factor, low * factor, close * factor, volume / factor, atr14 * factor)
    assert other.tobytes() == batch(open, high, low, close, volume, atr14).tobytes()


def test_the_state_has_a_fixed_size_and_stays_finite() -> None:
    state = new_state()
    size = state.size
    series = random_walk(20_000, seed=7)
    run(state, *series, np.empty((20_000, COLUMNS)))
    assert state.shape == (size,)
    assert size * 8 < 12_000
    assert np.isfinite(state).all()


@pytest.mark.parametrize("atr14", [np.nan, 0.0, -1.0])
def test_all_is_zero_without_an_atr(atr14: float) -> None:
    series = random_walk(500, seed=8)
    assert not batch(*series[:5], np.full(500, atr14)).any()


def test_a_candle_without_an_atr_is_counted_and_skipped() -> None:
    series = random_walk(2000, seed=9)
    series[5][900:950] = np.nan
    out = batch(*series)
    assert not out[900:950].any()
    assert np.isfinite(out).all()
    assert out[950:, :PATTERNS].any()


def test_flat_prices_score_nothing() -> None:
    flat = np.full(300, 100.0)
    assert not batch(flat, flat, flat, flat, np.zeros(300), np.ones(300))[:, :PATTERNS].any()


CANDLE = some.tuples(
    some.floats(-3.0, 3.0), some.floats(0.0, 2.0), some.floats(0.0, 2.0), some.sampled_from([0.0, 1.0, 7.5, np.nan])
)


def series_of(moves: list[tuple[float, float, float, float]], atr14: float) -> Series:
    """Return candles with these changes of the close, upper and lower shadows, and volumes."""
    change, above, below, volume = (np.array(column) for column in zip(*moves, strict=True))
    close = 100.0 + np.cumsum(change)
    open = np.r_[100.0, close[:-1]]
    return (
        open,
        np.maximum(open, close) + above,
        np.minimum(open, close) - below,
        close,
        volume,
        np.full(len(close), atr14),
    )


@rules(max_examples=150, deadline=None)
@given(moves=some.lists(CANDLE, min_size=1, max_size=250), atr14=some.floats(0.05, 3.0))
def test_scores_are_in_0_to_1_and_all_is_finite(moves: list[tuple[float, float, float, float]], atr14: float) -> None:
    out = batch(*series_of(moves, atr14))
    assert np.isfinite(out).all()
    assert ((out[:, :PATTERNS] >= 0.0) & (out[:, :PATTERNS] <= 1.0)).all()


def test_random_walks_rarely_score() -> None:
    best = batch(*random_walk(50_000, seed=10))[:, :PATTERNS].max(axis=1)
    assert 0.0005 < np.mean(best >= 0.65) < 0.005


@pytest.mark.parametrize("minutes", [1, 5, 15, 30])
def test_a_year_of_bitcoin_shows_a_signal_every_50_to_300_candles(minutes: int) -> None:
    best = batch(*bitcoin_2025(minutes))[:, :PATTERNS].max(axis=1)
    assert 1 / 300 < np.mean(best >= 0.65) < 1 / 50


def test_a_year_of_bitcoin_shows_every_pattern_in_good_and_in_poor_shape() -> None:
    scores = batch(*bitcoin_2025(5))[:, :PATTERNS]
    for pattern, column in zip(Pattern, scores.T, strict=True):
        assert column.max() > 0.7, pattern
        assert 0 < np.mean(column >= 0.65) < 0.001, pattern
        assert np.ptp(column[column > 0]) > 0.5, pattern


def test_every_constant_has_its_reason() -> None:
    lines = Path(constants.__file__).read_text("utf-8").splitlines()
    for before, line in pairwise(lines):
        if re.match(r"[A-Z_]+ = ", line):
            assert re.match(r"# (?!---)", before), f"{line}: no reason above it"
