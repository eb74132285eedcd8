"""Entries of a recogniser with what became of them: each is the shadow trade that the rules would have made."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders import settings
from tests.trading.worlds import FILTERS
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import Reading
from trader.core.timeframe import Timeframe
from trader.engine.train.samples import Samples, samples_of
from trader.engine.train.success import Entered, entered
from trader.market.synthetic import SyntheticMarket
from trader.market.table import CandleTable
from trader.ml.inputs import INPUTS
from trader.ml.pattern_model import NONE, PATTERNS
from trader.simulation.shadow import Shadows
from trader.strategy.base import signal_of

START_MS, CANDLES, M1 = 1_767_571_200_000, 12_000, Timeframe.MIN_1
GRID = Instrument.from_filters("BTCUSDT", FILTERS)


@pytest.fixture(scope="module")
def table() -> CandleTable:
    market = SyntheticMarket(5, ["BTCUSDT"], START_MS)
    return market.candles("BTCUSDT", M1, START_MS, START_MS + CANDLES * M1.ms)


@pytest.fixture(scope="module")
def samples(table: CandleTable) -> Samples:
    return samples_of(table)


def probabilities(samples: Samples) -> NDArray[np.float64]:
    """Return what somebody sure of hindsight's label would say."""
    made = np.full((len(samples), NONE + 1), 0.02)
    made[np.arange(len(samples)), samples.label] = 1.0 - 0.02 * NONE
    return made


def made(samples: Samples, table: CandleTable, rules: Settings) -> Entered:
    return entered(samples, probabilities(samples), np.arange(len(samples)), table, GRID, rules)


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_each_is_the_shadow_trade_of_its_signal(samples: Samples, table: CandleTable, market: str) -> None:
    rules = settings(MARKET=market)
    found = made(samples, table, rules)
    assert len(found) > 50
    shadows = Shadows(rules, table, GRID)
    for at in range(0, len(found), 7):
        sample = found.sample[at]
        signal = signal_of(int(samples.label[sample]), 0.78, 0.0)
        values = (samples.close[sample], samples.ema50[sample], samples.atr14[sample])
        shadow = shadows.follow(Reading("BTCUSDT", M1, *map(float, values), signal), int(samples.time[sample]))
        assert shadow is not None
        assert (found.net[at], found.label_end[at]) == (shadow.net_return, shadow.fills[-1].time)


def test_what_is_none_is_not_entered_and_shorts_only_where_they_can_be(samples: Samples, table: CandleTable) -> None:
    spot, futures = (made(samples, table, settings(MARKET=market)) for market in ("spot", "futures"))
    assert (samples.label[futures.sample] != NONE).all()
    assert len(spot) < len(futures)
    side = len(INPUTS)
    assert set(spot.inputs[:, side]) == {1.0}
    assert set(futures.inputs[:, side]) == {1.0, -1.0}


def test_the_model_is_told_which_pattern_and_how_well_formed(samples: Samples, table: CandleTable) -> None:
    found = made(samples, table, settings())
    told = found.inputs[:, len(INPUTS) + 3 :].argmax(axis=1)
    assert told.tolist() == samples.label[found.sample].tolist()
    names = [each.name for each in INPUTS]
    for at in range(0, len(found), 11):
        quality = names.index(f"quality_{PATTERNS[told[at]]}")
        assert found.inputs[at, len(INPUTS) + 2] == samples.inputs[found.sample[at], quality]


def test_entries_from_the_first_that_has_not_ended_are_left_out(samples: Samples, table: CandleTable) -> None:
    every = made(samples, table, settings())
    for cut in (4_000, 8_000):
        end = int(table.open_time[cut]) + M1.ms
        early = samples_of(table.rows(0, cut + 1))
        found = made(early, table.rows(0, cut + 1), settings())
        assert len(found) > 0
        assert (found.label_end <= end).all()
        assert found.net.tolist() == every.net[: len(found)].tolist()
