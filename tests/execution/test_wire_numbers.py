"""What goes to the wire is the instrument's own decimal, digit by digit."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trader.core.errors import InvariantError
from trader.core.instrument import Instrument
from trader.execution.wire_numbers import cut, price_text, quantity_text

UNITS = ["1", "0.5", "0.1", "0.05", "0.01", "0.025", "0.001", "0.00001", "0.00000001", "10", "1000"]


def instrument(tick: str = "0.01", step: str = "0.001") -> Instrument:
    return Instrument.from_filters("BTCUSDT", {"tickSize": tick, "stepSize": step, "minQty": "0", "minNotional": "0"})


@given(st.sampled_from(UNITS), st.integers(1, 10**9))
def test_the_text_is_the_exact_multiple_of_the_unit(unit: str, count: int) -> None:
    filters = instrument(tick=unit, step=unit)
    exact = count * Decimal(unit)

    for text in (quantity_text(filters, float(exact)), price_text(filters, float(exact))):
        assert Decimal(text) == exact
        assert re.fullmatch(r"\d+(\.\d+)?", text)
        assert Decimal(text) % Decimal(unit) == 0
        assert float(text) == float(exact)


@given(st.sampled_from(UNITS), st.floats(1e-8, 1e6))
def test_what_the_instrument_has_cut_can_always_be_sent(unit: str, wanted: float) -> None:
    filters = instrument(step=unit)
    quantity = filters.cut_quantity(wanted)

    if quantity > 0:
        assert Decimal(quantity_text(filters, quantity)) == cut(filters, Decimal(repr(quantity)) + Decimal(unit) / 1000)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), 0.0015])
def test_what_cannot_be_an_order_is_not_written(value: float) -> None:
    with pytest.raises(InvariantError, match="BTCUSDT: a quantity of"):
        quantity_text(instrument(), value)


def test_a_small_number_is_written_without_an_exponent() -> None:
    assert quantity_text(instrument(step="0.00000001"), 1e-05) == "0.00001000"
    assert price_text(instrument(tick="0"), 1e-05) == "0.00001"


def test_a_quantity_is_cut_exactly() -> None:
    assert cut(instrument(), Decimal("0.29999999")) == Decimal("0.299")
    assert cut(instrument(step="0"), Decimal("0.29999999")) == Decimal("0.29999999")
