"""TA-Lib agrees with every value that it has, from its first one or from where a different start has faded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import talib

from tests.builders import walk
from tests.indicators.samples import Floats, real, rough, values_of
from trader.indicators.columns import WARM_UP
from trader.market.table import CandleTable

Answer = Callable[[CandleTable], Floats]

#: Each value as TA-Lib has it.
ORACLE: dict[str, Answer] = {
    "sma10": lambda t: talib.SMA(t.close, 10),
    "sma20": lambda t: talib.SMA(t.close, 20),
    "sma50": lambda t: talib.SMA(t.close, 50),
    "ema12": lambda t: talib.EMA(t.close, 12),
    "ema26": lambda t: talib.EMA(t.close, 26),
    "ema50": lambda t: talib.EMA(t.close, 50),
    "ema50_distance": lambda t: t.close / talib.EMA(t.close, 50) - 1,
    "rsi14": lambda t: talib.RSI(t.close, 14),
    "stoch_k": lambda t: talib.STOCH(t.high, t.low, t.close, 14, 3, 0, 3, 0)[0],
    "stoch_d": lambda t: talib.STOCH(t.high, t.low, t.close, 14, 3, 0, 3, 0)[1],
    "cci20": lambda t: talib.CCI(t.high, t.low, t.close, 20),
    "macd": lambda t: talib.MACD(t.close, 12, 26, 9)[0],
    "macd_signal": lambda t: talib.MACD(t.close, 12, 26, 9)[1],
    "macd_histogram": lambda t: talib.MACD(t.close, 12, 26, 9)[2],
    "roc1": lambda t: talib.ROCP(t.close, 1),
    "roc5": lambda t: talib.ROCP(t.close, 5),
    "roc10": lambda t: talib.ROCP(t.close, 10),
    "adx14": lambda t: talib.ADX(t.high, t.low, t.close, 14),
    "plus_di14": lambda t: talib.PLUS_DI(t.high, t.low, t.close, 14),
    "minus_di14": lambda t: talib.MINUS_DI(t.high, t.low, t.close, 14),
    "psar": lambda t: talib.SAR(t.high, t.low, 0.02, 0.2),
    "bb_upper": lambda t: talib.BBANDS(t.close, 20, 2, 2, 0)[0],
    "bb_lower": lambda t: talib.BBANDS(t.close, 20, 2, 2, 0)[2],
    "atr14": lambda t: talib.ATR(t.high, t.low, t.close, 14),
    "atr_pct": lambda t: talib.ATR(t.high, t.low, t.close, 14) / t.close,
    "keltner_upper": lambda t: talib.EMA(t.close, 20) + 2 * talib.ATR(t.high, t.low, t.close, 10),
    "keltner_lower": lambda t: talib.EMA(t.close, 20) - 2 * talib.ATR(t.high, t.low, t.close, 10),
    "obv": lambda t: talib.OBV(t.close, t.volume),
    "volume_sma20": lambda t: talib.SMA(t.volume, 20),
    "high20": lambda t: talib.MAX(t.high, 20),
    "low20": lambda t: talib.MIN(t.low, 20),
}

#: Values that TA-Lib does not have; `test_formulas.py` has them.
OURS = {
    "bb_width",
    "bb_percent_b",
    "vwap_day",
    "volume_ratio",
    "taker_buy_ratio",
    "body",
    "upper_shadow",
    "lower_shadow",
    "position20",
}

#: TA-Lib begins these later than we do, or from another first value.
LATER_THERE = {"stoch_k": 18, "macd": 34}
OTHER_START = {"macd": 250, "macd_signal": 300, "macd_histogram": 300}

#: Where a difference of prices decides, TA-Lib itself is exact only so far: CCI about 0, and its running sums.
ROUNDING = {"cci20": 1e-6, "stoch_k": 1e-9, "stoch_d": 1e-9, "ema50_distance": 1e-15, "volume_sma20": 1e-9}

SAMPLES: dict[str, Callable[[], CandleTable]] = {
    "BTC on spot": lambda: real("spot/BTCUSDT-1m-2025", 100_000),
    "SUI on spot": lambda: real("spot/SUIUSDT-1m-2025", 100_000),
    "ALGO on futures": lambda: real("usdm/ALGOUSDT-um-1m-2026-02", 40_000),
    "a random walk": lambda: walk(50_000, seed=3),
    "a coarse grid with jumps": lambda: rough(50_000, 5, quiet=0.05),
}


def test_every_value_is_compared_or_ours() -> None:
    assert set(ORACLE) | OURS == set(WARM_UP)


@pytest.mark.parametrize("sample", SAMPLES)
def test_talib_agrees(sample: str) -> None:
    candles = SAMPLES[sample]()
    ours = values_of(candles)
    price = candles.close.max()
    for name, oracle in ORACLE.items():
        first = OTHER_START.get(name, LATER_THERE.get(name, WARM_UP[name])) - 1
        theirs = oracle(candles)[first:]
        rounding = 1e-13 * price if name in OTHER_START else ROUNDING.get(name, 0.0)
        np.testing.assert_allclose(ours[name][first:], theirs, rtol=1e-9, atol=rounding, err_msg=f"{name}, {sample}")


@pytest.mark.parametrize("name", ORACLE)
def test_values_begin_where_those_of_talib_do(name: str) -> None:
    first = int(np.argmax(np.isfinite(ORACLE[name](walk(100))))) + 1
    assert first == LATER_THERE.get(name, WARM_UP[name])


def test_macd_goes_over_into_that_of_talib() -> None:
    candles = walk(400, seed=8, price=50_000)
    apart = np.abs(values_of(candles)["macd"] - ORACLE["macd"](candles))
    assert apart[40] > 1e-3
    assert np.all(apart[250:] < 1e-9)
    assert apart[60] / apart[50] == pytest.approx((11 / 13) ** 10, rel=1e-6)


def test_without_any_range_the_stochastic_is_in_the_middle_and_talib_says_zero() -> None:
    candles = walk(100, sigma=0.0)
    assert set(values_of(candles)["stoch_k"][20:]) == {50.0}
    assert set(ORACLE["stoch_k"](candles)[20:]) == {0.0}


def test_without_any_movement_the_rsi_is_in_the_middle_and_talib_says_zero() -> None:
    candles = walk(100, sigma=0.0)
    assert set(values_of(candles)["rsi14"][20:]) == {50.0}
    assert set(ORACLE["rsi14"](candles)[20:]) == {0.0}
