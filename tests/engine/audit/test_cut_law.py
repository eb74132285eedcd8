"""The law of the cut: no feature and no input of a candle depends on a later one, wherever the data begins and ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as some

from tests.builders import walk
from tests.engine.runs import generated
from tests.indicators.samples import real
from trader.core.timeframe import Timeframe
from trader.engine.audit.findings import unequal
from trader.engine.audit.views import CHUNK_ROWS, Columns, features_and_inputs
from trader.market.table import CandleTable
from trader.ml.features import FEATURES
from trader.ml.inputs import INPUTS


def columns_of(table: CandleTable) -> Columns:
    return features_and_inputs(table, np.ones(len(table), np.bool_))


def changed_by_the_rest(table: CandleTable, end: int) -> list[str]:
    """Return the columns of the first `end` candles of which a later candle changes a bit."""
    whole, cut = columns_of(table), columns_of(table.rows(0, end))
    assert whole.time[:end].tolist() == cut.time.tolist()
    return [name for name, values in cut.values.items() if unequal(whole.values[name][:end], values).any()]


@given(
    seed=some.integers(0, 10_000),
    sigma=some.sampled_from([0.0005, 0.003, 0.02]),
    timeframe=some.sampled_from([Timeframe.MIN_1, Timeframe.MIN_15, Timeframe.HOUR_4]),
    missing=some.lists(some.integers(1, 1_399), max_size=2, unique=True),
    end=some.integers(0, 1_398),
)
@effort(max_examples=40, deadline=None)
def test_no_later_candle_changes_any_feature_or_input(
    seed: int, sigma: float, timeframe: Timeframe, missing: list[int], end: int
) -> None:
    table = walk(1_400, seed=seed, sigma=sigma, timeframe=timeframe, without=missing)
    assert changed_by_the_rest(table, min(end, len(table))) == []


@given(first=some.integers(0, 3_000), length=some.integers(61, 2_000), share=some.floats(0.0, 1.0))
@effort(max_examples=30, deadline=None)
def test_nor_in_any_span_of_the_generated_market(first: int, length: int, share: float) -> None:
    (table,) = generated(4, coins=["BTCUSDT"])
    span = table.rows(first, first + length)
    assert changed_by_the_rest(span, int(share * len(span))) == []


@pytest.mark.parametrize("name", ["spot/BTCUSDT-1m-2023", "spot/SUIUSDT-1m-2025"])
def test_nor_in_real_candles(name: str) -> None:
    table = real(name, 6_000)
    for end in (1, 61, 1_000, CHUNK_ROWS, CHUNK_ROWS + 1, 5_999):
        assert changed_by_the_rest(table, end) == []


def test_the_columns_are_all_features_and_all_inputs_of_the_candles_that_were_wanted() -> None:
    table = walk(900, seed=4, sigma=0.003)
    wanted = np.zeros(900, np.bool_)
    wanted[[0, 58, 59, 300, 899]] = True
    some_of, every = features_and_inputs(table, wanted), columns_of(table)
    assert list(some_of.values) == [f"features.{name}" for name in FEATURES] + [
        f"inputs.{each.name}" for each in INPUTS
    ]
    assert some_of.time.tolist() == (table.open_time[wanted] + table.timeframe.ms).tolist()
    assert not any(unequal(values, every.values[name][wanted]).any() for name, values in some_of.values.items())
    assert np.isnan(some_of.values["features.close"]).tolist() == [True, True, False, False, False]
