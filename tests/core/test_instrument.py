"""Rounding to ticks and steps (trading-rules, section 4)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trader.core.errors import ConfigError
from trader.core.instrument import Grid, Instrument

UNITS = st.sampled_from(["0.00000001", "0.0001", "0.001", "0.01", "0.05", "0.1", "0.25", "1", "10"])
VALUES = st.floats(min_value=1e-6, max_value=1e6)
FILTERS = {"tickSize": "0.01", "stepSize": "0.001", "minQty": "0.001", "minNotional": "5"}


@given(UNITS, VALUES)
def test_a_rounded_value_is_the_float_nearest_to_an_exact_multiple(unit: str, value: float) -> None:
    for rounded in (Grid(unit).floor(value), Grid(unit).ceil(value)):
        k = Decimal(rounded) / Decimal(unit)
        assert rounded == float(round(k) * Decimal(unit))


@given(UNITS, VALUES)
def test_floor_and_ceil_enclose_the_value_within_one_unit_but_for_float_noise(unit: str, value: float) -> None:
    floor, ceil, step = Grid(unit).floor(value), Grid(unit).ceil(value), float(unit)
    noise = max(1e-6, value / step * 1e-12) * step * 1.01
    assert floor <= value + noise
    assert ceil >= value - noise
    assert ceil - floor <= step * 1.001


@given(UNITS, st.integers(1, 10**9))
def test_a_multiple_stays_what_it_is_whatever_float_noise_it_carries(unit: str, k: int) -> None:
    exact = float(k * Decimal(unit))
    for noisy in (exact, exact * (1 + 2e-16), exact * (1 - 2e-16)):
        assert Grid(unit).floor(noisy) == exact == Grid(unit).ceil(noisy)


@given(UNITS, st.integers(1, 10**6))
def test_text_is_the_exact_plain_decimal(unit: str, k: int) -> None:
    text = Grid(unit).text(float(k * Decimal(unit)))
    assert Decimal(text) == k * Decimal(unit)
    assert "e" not in text.lower()


def test_a_unit_of_zero_is_no_grid() -> None:
    assert Grid("0").floor(1.23456789) == 1.23456789
    assert Grid("0").text(1e-05) == "0.00001"


@pytest.mark.parametrize("unit", ["-1", "NaN", "Infinity"])
def test_an_impossible_unit_is_refused(unit: str) -> None:
    with pytest.raises(ConfigError, match="allowed: a decimal >= 0"):
        Grid(unit)


def test_levels_round_towards_the_entry() -> None:
    instrument = Instrument.from_filters("BTCUSDT", FILTERS)
    assert instrument.level_towards(99.001, 100.0) == 99.01
    assert instrument.level_towards(102.019, 100.0) == 102.01


@pytest.mark.parametrize(
    ("quantity", "price", "tradable"),
    [(0.05, 100.0, True), (0.049, 100.0, False), (0.0, 1e9, False), (0.001, 5e3, True)],
)
def test_tradable_needs_quantity_and_notional(quantity: float, price: float, tradable: bool) -> None:
    assert Instrument.from_filters("BTCUSDT", FILTERS).tradable(quantity, price) is tradable
