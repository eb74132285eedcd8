"""Samples are what a strategy would have been given, labelled by what hindsight sees, and each knows how far."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trader.core.timeframe import Timeframe
from trader.engine.train.samples import Samples, samples_of
from trader.market.synthetic import SyntheticMarket
from trader.market.table import CandleTable
from trader.ml.candidates import is_candidate
from trader.ml.features import ATR14, FeatureKernel
from trader.ml.inputs import inputs_of
from trader.patterns.labels import NONE, LabelRules, pattern_labels

START_MS, CANDLES, M1 = 1_767_571_200_000, 6_000, Timeframe.MIN_1


@pytest.fixture(scope="module")
def table() -> CandleTable:
    market = SyntheticMarket(5, ["BTCUSDT"], START_MS)
    return market.candles("BTCUSDT", M1, START_MS, START_MS + CANDLES * M1.ms)


@pytest.fixture(scope="module")
def samples(table: CandleTable) -> Samples:
    return samples_of(table)


def test_inputs_are_those_that_a_daemon_sees_candle_by_candle(table: CandleTable, samples: Samples) -> None:
    kernel = FeatureKernel(M1)
    asked = {}
    for at, candle in enumerate(table.candles()):
        row = kernel.update(candle)[None, :]
        if kernel.ready and is_candidate(row)[0]:
            asked[at] = inputs_of(row)[0].tobytes()
    last = len(table) - LabelRules().horizon
    assert samples.row.tolist() == [at for at in asked if at < last]
    assert [each.tobytes() for each in samples.inputs] == [asked[at] for at in samples.row.tolist()]


def test_labels_are_those_of_hindsight_and_some_are_patterns(table: CandleTable, samples: Samples) -> None:
    labels = pattern_labels(table, _atr(table))
    assert samples.label.tolist() == labels.label[samples.row].tolist()
    assert 0.05 < (samples.label != NONE).mean() < 0.6
    assert ((samples.lead >= 0) == (samples.label != NONE)).all()


def test_a_label_ends_at_the_close_of_the_last_candle_it_depends_on(table: CandleTable, samples: Samples) -> None:
    assert (samples.label_end - samples.time == LabelRules().horizon * M1.ms).all()
    assert samples.label_end[-1] <= table.open_time[-1] + M1.ms


def test_candles_after_the_end_of_a_label_change_nothing_of_the_sample(table: CandleTable, samples: Samples) -> None:
    for cut in (1_500, 3_333, 5_000):
        early = samples_of(table.rows(0, cut))
        count = len(early)
        assert (samples.label_end[:count] <= table.open_time[cut - 1] + M1.ms).all()
        for name in ("row", "time", "inputs", "label", "lead", "label_end", "close", "ema50", "atr14"):
            assert getattr(early, name).tobytes() == getattr(samples, name)[:count].tobytes(), name


def test_a_table_too_short_to_warm_up_has_none(table: CandleTable) -> None:
    assert len(samples_of(table.rows(0, 50))) == 0


def _atr(table: CandleTable) -> NDArray[np.float64]:
    kernel = FeatureKernel(M1)
    return np.array([kernel.update(candle)[ATR14] for candle in table.candles()])
