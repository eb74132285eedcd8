"""Laws that every indicator keeps; each is found in `INDICATORS`, none is named here but to say how it scales."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.builders import walk
from tests.indicators.samples import columns, live_rows, real, rough, rows_of, values_of
from trader.core.candle import VALUE_COLUMNS
from trader.indicators.columns import INDICATORS, OPTIONAL, WARM_UP
from trader.indicators.kernel import Columns, new_state, run
from trader.market.table import CandleTable

#: Candles of many kinds: price levels from a millionth to a hundred thousand, calm and wild, thin and busy.
candles_of_any_kind = some.builds(
    rough,
    rows=some.integers(61, 200),
    seed=some.integers(0, 2**32 - 1),
    price=some.sampled_from([2e-6, 0.3, 100.0, 90_000.0]),
    tick=some.sampled_from([1e-8, 1e-4, 0.01, 0.5]),
    quiet=some.floats(0, 0.95),
)

#: How a value answers when all prices are doubled, and when all volumes are: the power of the factor.
#: What is not named here does not change: ratios, oscillators, percentages.
OF_PRICE = {
    "sma10": 1,
    "sma20": 1,
    "sma50": 1,
    "ema12": 1,
    "ema26": 1,
    "ema50": 1,
    "macd": 1,
    "macd_signal": 1,
    "macd_histogram": 1,
    "psar": 1,
    "bb_upper": 1,
    "bb_lower": 1,
    "atr14": 1,
    "keltner_upper": 1,
    "keltner_lower": 1,
    "vwap_day": 1,
    "high20": 1,
    "low20": 1,
}
OF_VOLUME = {"obv": 1, "volume_sma20": 1}

#: Least and greatest of the values that have them.
BOUNDS = {
    "rsi14": (0, 100),
    "stoch_k": (0, 100),
    "stoch_d": (0, 100),
    "adx14": (0, 100),
    "plus_di14": (0, 100),
    "minus_di14": (0, 100),
    "taker_buy_ratio": (0, 1),
    "body": (-1, 1),
    "upper_shadow": (0, 1),
    "lower_shadow": (0, 1),
    "position20": (0, 1),
    "volume_ratio": (0, 20),
}


def with_columns(candles: CandleTable, **changed: np.ndarray) -> CandleTable:
    values = {name: getattr(candles, name) for name in VALUE_COLUMNS} | changed
    return CandleTable.build(candles.symbol, candles.timeframe, candles.open_time, **values)


def times(candles: CandleTable, price: float, volume: float) -> CandleTable:
    prices = {name: getattr(candles, name) * price for name in ("open", "high", "low", "close")}
    volumes = {name: getattr(candles, name) * volume for name in ("volume", "taker_buy_volume")}
    return with_columns(candles, **prices, **volumes)


@given(candles_of_any_kind)
@settings(max_examples=40, deadline=None)
def test_increments_equal_the_batch_bit_for_bit(candles: CandleTable) -> None:
    assert live_rows(candles).tobytes() == rows_of(candles).tobytes()


@given(candles_of_any_kind, some.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_a_batch_in_parts_equals_the_whole_bit_for_bit(candles: CandleTable, part: int) -> None:
    state = new_state()
    out = np.empty((len(candles), len(INDICATORS)))
    for start in range(0, len(candles), part):
        run(*state, columns(candles.rows(start, start + part)), out[start : start + part])
    assert out.tobytes() == rows_of(candles).tobytes()


@given(candles_of_any_kind, some.integers(1, 60), some.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_what_comes_later_does_not_change_a_value(candles: CandleTable, cut: int, seed: int) -> None:
    other = rough(len(candles), seed, price=7.0)
    mixed = {name: np.r_[getattr(candles, name)[:cut], getattr(other, name)[cut:]] for name in VALUE_COLUMNS}
    assert rows_of(with_columns(candles, **mixed))[:cut].tobytes() == rows_of(candles)[:cut].tobytes()


@pytest.mark.parametrize("name", INDICATORS)
def test_a_value_is_nan_until_it_is_warm_and_finite_from_then_on(name: str) -> None:
    for candles in (walk(300, taker_buy_volume=0.5), rough(300, 1), rough(300, 2, quiet=0.9), rough(300, 3, quiet=1.0)):
        finite = np.isfinite(values_of(candles)[name])
        assert finite.tolist() == [at >= WARM_UP[name] for at in range(1, 301)]


@pytest.mark.parametrize("name", [name for name in INDICATORS if name not in OPTIONAL])
def test_a_value_is_finite_on_a_year_of_real_candles(name: str, year: dict[str, np.ndarray]) -> None:
    assert np.isfinite(year[name][WARM_UP[name] - 1 :]).all()


@pytest.fixture(scope="module")
def year() -> dict[str, np.ndarray]:
    return values_of(real("spot/SUIUSDT-1m-2025", 525_600))


@given(candles_of_any_kind, some.integers(-6, 6), some.integers(-6, 6))
@settings(max_examples=40, deadline=None)
def test_values_scale_with_price_and_volume_bit_for_bit(candles: CandleTable, price: int, volume: int) -> None:
    before, after = values_of(candles), values_of(times(candles, 2.0**price, 2.0**volume))
    for name in INDICATORS:
        factor = 2.0 ** (price * OF_PRICE.get(name, 0) + volume * OF_VOLUME.get(name, 0))
        np.testing.assert_array_equal(after[name], before[name] * factor, err_msg=name)


@given(candles_of_any_kind)
@settings(max_examples=40, deadline=None)
def test_values_keep_their_bounds(candles: CandleTable) -> None:
    values = values_of(candles)
    for name, (least, greatest) in BOUNDS.items():
        warm = values[name][WARM_UP[name] - 1 :]
        assert warm.min() >= least - 1e-9, name
        assert warm.max() <= greatest + 1e-9, name


@given(candles_of_any_kind)
@settings(max_examples=20, deadline=None)
def test_the_candles_are_left_as_they_were(candles: CandleTable) -> None:
    kept = Columns(*(column.copy() for column in columns(candles)))
    rows_of(candles)
    for before, after in zip(kept, columns(candles), strict=True):
        np.testing.assert_array_equal(before, after)
