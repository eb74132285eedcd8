"""The laws of the inputs: causal, the same for a row alone and among others, without a scale, always finite."""

from __future__ import annotations

import doctest

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders import walk
from tests.indicators.samples import real, rough
from tests.shared import ROOT
from trader.core.candle import PRICE_COLUMNS
from trader.core.timeframe import Timeframe
from trader.market.table import CandleTable
from trader.ml import formulas, inputs
from trader.ml.features import FEATURES, FeatureKernel, columns_of, new_state, run
from trader.ml.inputs import INPUTS, inputs_of

NAMES = [each.name for each in INPUTS]
VOLUMES = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
READY = 59


def rows_of(table: CandleTable) -> NDArray[np.float64]:
    """Return the rows of features of the candles that are ready."""
    rows, kept = np.empty((len(table), len(FEATURES))), np.empty(len(table), np.int64)
    unused = np.empty((2, len(table)))
    _, filled = run(*new_state(table.timeframe), 0, 0, columns_of(table), rows, kept, *unused)
    return rows[:filled]


def seen_in(table: CandleTable) -> NDArray[np.float32]:
    return inputs_of(rows_of(table))


def times(table: CandleTable, columns: tuple[str, ...], factor: float) -> CandleTable:
    return msgspec.structs.replace(table, **{name: getattr(table, name) * factor for name in columns})


def column(table: CandleTable, name: str) -> NDArray[np.float32]:
    return seen_in(table)[:, NAMES.index(name)]


def test_there_are_30_to_60_inputs_each_with_a_name_and_a_line() -> None:
    assert 30 <= len(INPUTS) <= 60
    assert len(set(NAMES)) == len(NAMES)
    for each in INPUTS:
        assert each.about
        assert "\n" not in each.about
        assert {each.feature, each.minus, each.over} - {""} <= set(FEATURES)


def test_the_text_on_features_describes_each_input_as_the_list_does() -> None:
    lines = (ROOT / "docs" / "features.md").read_text("utf-8").splitlines()
    table = [line for line in lines if line.startswith("| `")]
    assert table == [f"| `{each.name}` | {each.about} |" for each in INPUTS]


@pytest.mark.parametrize("table", [walk(900, seed=1, sigma=0.003), rough(900, seed=2)], ids=["walk", "rough"])
def test_an_input_is_the_same_wherever_the_data_is_cut(table: CandleTable) -> None:
    whole = seen_in(table)
    for end in range(READY + 1, len(table) + 1):
        last = seen_in(table.rows(0, end))[-1]
        assert last.tobytes() == whole[end - READY - 1].tobytes(), f"candle {end - 1} depends on a later one"


@pytest.mark.parametrize("timeframe", [Timeframe.MIN_1, Timeframe.MIN_5, Timeframe.HOUR_1])
def test_candle_by_candle_gives_the_bits_of_the_batch(timeframe: Timeframe) -> None:
    table = walk(1_500, seed=3, sigma=0.003, timeframe=timeframe)
    kernel, rows = FeatureKernel(timeframe), rows_of(table)
    alone = [inputs_of(kernel.update(each)[np.newaxis]) for each in table.candles()][READY:]
    assert np.concatenate(alone).tobytes() == inputs_of(rows).tobytes()
    assert inputs_of(np.asfortranarray(rows)).tobytes() == inputs_of(rows).tobytes()


def test_the_rows_are_left_as_they_were_and_none_gives_none() -> None:
    rows = rows_of(walk(200))
    before = rows.copy()
    assert inputs_of(rows).dtype == np.float32
    assert rows.tobytes() == before.tobytes()
    assert inputs_of(rows[:0]).shape == (0, len(INPUTS))


@pytest.mark.parametrize("factor", [1024.0, 2.0**-10])
@pytest.mark.parametrize("columns", [PRICE_COLUMNS[:4], VOLUMES], ids=["prices", "volumes"])
@pytest.mark.parametrize("table", [walk(3_000, seed=4, sigma=0.003), rough(3_000, seed=5)], ids=["walk", "rough"])
def test_prices_and_volumes_in_another_unit_give_the_same_bits(
    table: CandleTable, columns: tuple[str, ...], factor: float
) -> None:
    expected, got = seen_in(table), seen_in(times(table, columns, factor))
    differing = [name for name, one, other in zip(NAMES, expected.T, got.T, strict=True) if (one != other).any()]
    assert not differing


def test_prices_of_any_other_scale_give_nearly_the_same() -> None:
    table = walk(3_000, seed=6, sigma=0.003)
    np.testing.assert_allclose(seen_in(times(table, PRICE_COLUMNS[:4], 0.37)), seen_in(table), rtol=1e-3, atol=1e-3)


def flat(rows: int, volume: float) -> CandleTable:
    """Return candles that stand still after a while."""
    table = walk(rows, seed=7, sigma=0.003)
    still = {
        name: np.where(np.arange(rows) < 300, getattr(table, name), table.close[300]) for name in PRICE_COLUMNS[:4]
    }
    return msgspec.structs.replace(table, **still, volume=np.where(np.arange(rows) < 300, table.volume, volume))


@pytest.mark.parametrize(
    "table",
    [rough(5_000, seed=8, quiet=0.6), flat(3_000, 0.0), flat(20_000, 1.0), walk(3_000, seed=9, sigma=0.05)],
    ids=["rough", "dead", "still", "wild"],
)
def test_every_input_is_finite_once_a_stream_is_ready(table: CandleTable) -> None:
    seen = seen_in(table)
    assert len(seen) == len(table) - READY
    assert np.isfinite(seen).all()
    assert np.abs(seen).max() <= formulas.LIMIT


def test_inputs_do_not_need_what_some_sources_of_candles_lack() -> None:
    table = rough(1_000, seed=10)
    bare = {name: np.full(len(table), np.nan) for name in (*VOLUMES[1:], "count")}
    assert seen_in(msgspec.structs.replace(table, **bare)).tobytes() == seen_in(table).tobytes()


def test_every_input_moves_in_a_month_of_bitcoin_and_stays_in_its_range() -> None:
    seen = dict(zip(NAMES, seen_in(real("spot/BTCUSDT-1m-2025", 44_640)).T, strict=True))
    for name, values in seen.items():
        assert np.ptp(values) > 0.0, name
        if name.startswith(("near_", "quality_", "day_", "week_", "candidate_score")):
            assert 0.0 <= values.min() <= values.max() <= 1.0, name
        if name.endswith("_trend"):
            assert -1.0 <= values.min() <= values.max() <= 1.0, name


def test_distances_are_measured_in_atr() -> None:
    table = walk(500, seed=11)
    rows = dict(zip(FEATURES, rows_of(table).T, strict=True))
    distance = ((table.close[READY:] - rows["ema12"]) / rows["atr14"]).astype(np.float32)
    assert column(table, "ema12_distance_atr").tobytes() == distance.tobytes()
    moved = (table.close[READY:] - table.close[READY - 5 : -5]) / table.close[READY - 5 : -5]
    np.testing.assert_allclose(column(table, "change5_atr"), moved * table.close[READY:] / rows["atr14"], rtol=1e-4)


def test_a_distance_is_nothing_where_nothing_moves_and_cut_where_it_has_no_measure() -> None:
    row = np.zeros((1, len(FEATURES)))
    row[0, FEATURES.index("close")] = 100.0
    assert inputs_of(row)[0, NAMES.index("ema12_distance_atr")] == 0.0
    row[0, FEATURES.index("atr14")] = 1e-300
    assert inputs_of(row)[0, NAMES.index("ema12_distance_atr")] == formulas.LIMIT


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(inputs).failed == 0
