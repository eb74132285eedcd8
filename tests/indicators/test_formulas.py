"""The values that TA-Lib does not have, by their formulas written another way; and sums that do not drift."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tests.builders import table, walk
from tests.indicators.samples import rough, values_of
from trader.core.timeframe import DAY_MS, MINUTE_MS
from trader.market.table import CandleTable


def frame(candles: CandleTable) -> pd.DataFrame:
    names = ("open_time", "open", "high", "low", "close", "volume", "taker_buy_volume")
    return pd.DataFrame({name: getattr(candles, name) for name in names})


def test_bollinger_width_and_place_follow_from_the_exact_deviation() -> None:
    candles = walk(2_000, seed=1, price=60_000, sigma=1e-6)
    values, window = values_of(candles), frame(candles).close.rolling(20)
    deviation = window.apply(lambda part: math.sqrt(math.fsum((part - math.fsum(part) / 20) ** 2) / 20), raw=True)
    np.testing.assert_allclose(values["bb_width"], 4 * deviation / values["sma20"], rtol=1e-9)
    place = (candles.close - values["sma20"] + 2 * deviation) / (4 * deviation)
    np.testing.assert_allclose(values["bb_percent_b"], place, rtol=1e-9, atol=1e-9)


def test_the_vwap_begins_anew_with_each_utc_day() -> None:
    candles = walk(4_000, seed=2, start_ms=17 * DAY_MS + 600 * MINUTE_MS)
    data = frame(candles)
    typical = (data.high + data.low + data.close) / 3
    day = data.open_time // DAY_MS
    expected = (typical * data.volume).groupby(day).cumsum() / data.volume.groupby(day).cumsum()
    np.testing.assert_allclose(values_of(candles)["vwap_day"], expected, rtol=1e-12)


def test_the_vwap_is_the_typical_price_until_something_is_traded() -> None:
    values = values_of(table([10.0, 20.0, 30.0], volume=[0.0, 0.0, 5.0]))["vwap_day"]
    assert values.tolist() == [10.0, (20.0 + 10.0 + 20.0) / 3, (30.0 + 20.0 + 30.0) / 3]


def test_volume_is_compared_with_the_average_of_20_that_it_is_part_of() -> None:
    values = values_of(table([1.0] * 20, volume=[1.0] * 19 + [21.0]))
    assert values["volume_sma20"][-1] == 2.0
    assert values["volume_ratio"][-1] == 10.5


def test_without_any_trade_the_ratios_of_volume_are_neutral() -> None:
    values = values_of(table([1.0] * 30, volume=0.0, taker_buy_volume=0.0))
    assert (values["volume_ratio"][-1], values["taker_buy_ratio"][-1]) == (1.0, 0.5)


def test_the_share_of_takers_is_nan_where_the_source_does_not_tell() -> None:
    assert np.isnan(values_of(walk(100))["taker_buy_ratio"]).all()
    assert values_of(table([1.0], volume=4.0, taker_buy_volume=3.0))["taker_buy_ratio"][0] == 0.75


def test_body_and_shadows_fill_the_candle() -> None:
    values = values_of(rough(500, 3))
    whole = np.abs(values["body"]) + values["upper_shadow"] + values["lower_shadow"]
    assert set(np.round(whole, 9)) == {0.0, 1.0}


def test_the_place_in_the_range_of_20_is_that_of_rolling_extremes() -> None:
    candles = rough(1_000, 4, quiet=0.0)
    data = frame(candles)
    low, high = data.low.rolling(20).min(), data.high.rolling(20).max()
    np.testing.assert_allclose(values_of(candles)["position20"], (data.close - low) / (high - low), rtol=1e-12)


def test_a_market_that_stands_still_has_neutral_values() -> None:
    values = {name: column[-1] for name, column in values_of(table([5.0] * 100)).items()}
    assert values["rsi14"] == values["stoch_k"] == values["stoch_d"] == 50.0
    assert values["bb_percent_b"] == values["position20"] == 0.5
    still = ("cci20", "macd", "macd_histogram", "roc10", "adx14", "plus_di14", "atr14", "atr_pct", "bb_width", "body")
    assert [values[name] for name in still] == [0.0] * len(still)


@pytest.mark.parametrize(("name", "column", "n"), [("volume_sma20", "volume", 20), ("sma50", "close", 50)])
def test_a_window_does_not_drift_and_forgets_what_has_left_it(name: str, column: str, n: int) -> None:
    candles = walk(500_000, seed=6, volume=np.tile([1e-3] * 99 + [1e12], 5_000))
    data, values = getattr(candles, column), values_of(candles)[name]
    for end in range(499_000, 500_000):
        exact = math.fsum(data[end + 1 - n : end + 1]) / n
        assert values[end] == pytest.approx(exact, rel=n * 2.3e-16)
