"""The kernel from Python: one stream, candle by candle."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import trader.indicators
from tests.builders import walk
from tests.indicators.samples import live_rows, rows_of
from trader.indicators.columns import INDICATORS, OPTIONAL, READY_CANDLES, WARM_UP, column
from trader.indicators.kernel import IndicatorKernel


def test_there_are_about_forty_values_and_their_names_differ() -> None:
    assert len(INDICATORS) == len(set(INDICATORS)) == 40
    assert set(OPTIONAL) < set(INDICATORS)


def test_a_stream_is_ready_with_its_sixtieth_candle_though_taker_volume_is_missing() -> None:
    kernel = IndicatorKernel()
    live_rows(walk(READY_CANDLES - 1), kernel)
    assert not kernel.ready
    live_rows(walk(1), kernel)
    assert kernel.ready
    assert kernel.count == 60


def test_a_stream_with_a_broken_value_is_not_ready() -> None:
    kernel = IndicatorKernel()
    live_rows(walk(100), kernel)
    kernel.update(0, 1.0, 1.0, 1.0, 1.0, float("nan"))
    assert not kernel.ready


def test_every_value_is_warm_before_a_stream_can_be_ready() -> None:
    assert max(WARM_UP.values()) <= READY_CANDLES


def test_the_row_is_reused() -> None:
    kernel = IndicatorKernel()
    assert kernel.update(0, 1.0, 1.0, 1.0, 1.0, 1.0) is kernel.update(1, 1.0, 1.0, 1.0, 1.0, 1.0)


def test_a_kernel_that_was_reset_is_a_new_one() -> None:
    kernel = IndicatorKernel()
    live_rows(walk(100, seed=1), kernel)
    kernel.reset()
    assert kernel.count == 0
    assert live_rows(walk(100, seed=2), kernel).tobytes() == rows_of(walk(100, seed=2)).tobytes()


def test_a_column_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        column("rsi15")


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(trader.indicators.__path__)])
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    tested = doctest.testmod(importlib.import_module(f"trader.indicators.{name}"))
    assert (tested.failed, tested.attempted > 0) == (0, True)
