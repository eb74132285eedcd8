"""Figures as people read them, and the examples in the documentation of the small modules."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from tests.reports.results import M5, a_run, empty_run
from trader.core.timeframe import DAY_MS
from trader.engine import run_notes
from trader.reports import drawing, figures, headline, months, thin, trades_log
from trader.reports.digest import Digest


@pytest.mark.parametrize("module", [drawing, figures, months, run_notes, thin, trades_log])
def test_examples_in_the_documentation_hold(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted
    assert found.failed == 0


def test_what_a_run_must_say_comes_right_after_its_result() -> None:
    result = empty_run(notes=["ended paused", "a stream was dropped"])
    assert headline.headline(Digest.of(result))[1:3] == ["ended paused", "a stream was dropped"]


def test_many_coins_are_counted_not_named() -> None:
    result = empty_run(streams=[(f"COIN{at}", M5) for at in range(9)])
    assert "9 coins on 5min" in headline.span_line(result)


def test_a_gain_carries_its_sign() -> None:
    assert figures.signed(0.05, "percent") == "+5.00 %"
    assert figures.signed(-0.05, "percent") == "-5.00 %"
    assert figures.signed(None, "money") == "–"


def test_figures_agree_with_each_other() -> None:
    result, _ = a_run(80, days=90)
    values = Digest.of(result).values
    assert values["trades"] == values["won"] + values["lost"]  # type: ignore[operator]
    assert values["expectancy"] == pytest.approx(values["net_profit"] / values["trades"])  # type: ignore[operator]
    assert values["max_drawdown_ms"] <= values["longest_drawdown_ms"] <= 90 * DAY_MS  # type: ignore[operator]


def test_a_month_that_a_run_only_touches_is_there() -> None:
    result, _ = a_run(20, days=40)
    assert [month.name for month in months.by_month(result)] == ["2025-01", "2025-02"]
    assert len(months.by_month(a_run(4, days=31)[0])) == 1
