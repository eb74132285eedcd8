"""Features: indicators and geometry of one stream, the same live and in batch, anew behind a gap."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from tests.builders import candle, candles, walk
from tests.indicators.samples import rows_of
from trader.core.signal import Pattern
from trader.core.timeframe import Timeframe
from trader.indicators.columns import INDICATORS
from trader.market.table import CandleTable
from trader.ml import features
from trader.ml.features import FEATURES, FIRST_CONTEXT, FIRST_GEOMETRY, FeatureKernel
from trader.patterns import geometry
from trader.strategy import base

M1 = Timeframe.MIN_1


def live_rows(table: CandleTable) -> np.ndarray:
    kernel = FeatureKernel(table.timeframe)
    return np.array([kernel.update(each).copy() for each in table.candles()])


def test_the_columns_are_the_indicators_then_a_score_for_each_pattern_in_order() -> None:
    assert FEATURES[:FIRST_GEOMETRY] == INDICATORS
    assert FEATURES[FIRST_GEOMETRY:][: len(Pattern)] == tuple(f"score_{pattern}" for pattern in Pattern)
    assert len(set(FEATURES)) == len(FEATURES)


def test_a_row_holds_the_indicators_and_the_geometry_of_its_candle() -> None:
    table = walk(800, seed=4, sigma=0.003)
    rows = live_rows(table)
    indicators = rows_of(table)
    atr14 = indicators[:, INDICATORS.index("atr14")].copy()
    shapes = geometry.batch(table.open, table.high, table.low, table.close, table.volume, atr14)
    assert rows[:, :FIRST_GEOMETRY].tobytes() == indicators.tobytes()
    assert rows[:, FIRST_GEOMETRY:FIRST_CONTEXT].tobytes() == shapes.tobytes()


def test_a_candle_behind_a_gap_is_a_new_anchor() -> None:
    table = walk(500, seed=5, without=[200])
    rows = live_rows(table)
    assert rows[200:].tobytes() == live_rows(table.rows(200, 499)).tobytes()
    assert np.isnan(rows[200, :FIRST_GEOMETRY]).any()


def test_the_kernel_tells_since_how_many_candles_it_runs_and_whether_it_is_ready() -> None:
    kernel = FeatureKernel(M1)
    for each in walk(60).candles():
        assert not kernel.ready
        kernel.update(each)
    assert (kernel.ready, kernel.count) == (True, 60)
    kernel.update(candle(at=99))
    assert (kernel.ready, kernel.count) == (False, 1)


def test_an_older_candle_or_the_same_again_changes_nothing() -> None:
    first, second, third = candles([100.0, 101.0, 102.0])
    kernel, undisturbed = FeatureKernel(M1), FeatureKernel(M1)
    for each in (first, second, first, second, candle(50.0, at=1)):
        kernel.update(each)
    for each in (first, second):
        undisturbed.update(each)
    assert kernel.count == 2
    assert kernel.update(third).tobytes() == undisturbed.update(third).tobytes()


def test_a_reset_kernel_takes_any_candle_as_its_anchor() -> None:
    table = walk(100, seed=7)
    kernel = FeatureKernel(M1)
    kernel.feed(walk(300, seed=8))
    kernel.reset()
    assert (kernel.ready, kernel.count) == (False, 0)
    rows = np.array([kernel.update(each).copy() for each in table.candles()])
    assert rows.tobytes() == live_rows(table).tobytes()


@pytest.mark.parametrize("cut", [0, 1, 59, 250, 400])
def test_history_fed_as_a_table_leaves_the_kernel_as_candles_do(cut: int) -> None:
    table = walk(400, seed=9, without=[30])
    kernel = FeatureKernel(M1)
    kernel.feed(table.rows(0, cut))
    kernel.feed(table.rows(max(0, cut - 20), cut))
    rows = [kernel.update(each).copy() for each in table.rows(cut, 400).candles()]
    assert np.array(rows).tobytes() == live_rows(table)[cut:].tobytes()


def test_after_history_the_kernel_knows_whether_it_is_ready() -> None:
    kernel = FeatureKernel(M1)
    kernel.feed(walk(59))
    assert not kernel.ready
    kernel.feed(walk(60))
    assert (kernel.ready, kernel.count) == (True, 60)


@pytest.mark.parametrize("module", [base, features])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0
