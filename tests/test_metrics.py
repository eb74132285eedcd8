"""The figures of a run, against hand-made cases and the laws they must keep."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trader import metrics
from trader.core.timeframe import DAY_MS, HOUR_MS

YEAR_MS = 365 * DAY_MS
money = st.floats(min_value=1.0, max_value=1e6)
curves = arrays(np.float64, st.integers(2, 60), elements=money)
results = arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e4, 1e4).map(lambda value: round(value, 2)))


def hours(count: int) -> metrics.Times:
    return np.arange(count, dtype=np.int64) * HOUR_MS


def days(count: int) -> metrics.Times:
    return np.arange(count, dtype=np.int64) * DAY_MS


def test_every_example_in_the_documentation_holds() -> None:
    found = doctest.testmod(metrics)
    assert found.attempted >= 20
    assert found.failed == 0


@given(curves, st.floats(min_value=1e-3, max_value=1e3))
def test_scaling_equity_changes_neither_sharpe_nor_sortino_nor_drawdown(equity: metrics.Floats, scale: float) -> None:
    end = len(equity) * DAY_MS
    one, other = (metrics.daily_returns(days(len(equity)), curve, 0, end) for curve in (equity, equity * scale))
    assume(np.ptp(one) > 1e-6 and (one < -1e-6).any())
    assert metrics.sharpe(one) == pytest.approx(metrics.sharpe(other), rel=1e-6, abs=1e-6)
    assert metrics.sortino(one) == pytest.approx(metrics.sortino(other), rel=1e-6, abs=1e-6)
    assert metrics.max_drawdown(equity) == pytest.approx(metrics.max_drawdown(equity * scale), abs=1e-12)


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1e9)))
def test_a_drawdown_lies_between_0_and_1(equity: metrics.Floats) -> None:
    assert ((metrics.drawdown(equity) >= 0) & (metrics.drawdown(equity) <= 1)).all()


@given(curves)
def test_drawdowns_are_the_times_below_the_peak_and_nothing_else(equity: metrics.Floats) -> None:
    time, end = hours(len(equity)), len(equity) * HOUR_MS
    found = metrics.drawdowns(time, equity, end)
    below = metrics.drawdown(equity) > 0
    inside = np.zeros(len(equity), bool)
    for first, last in zip(found.peak_time, found.end_time, strict=True):
        inside |= (time > first) & (time < last)
    assert (inside == below).all()
    assert max(found.depth, default=0.0) == metrics.max_drawdown(equity)
    assert (found.peak_time < found.trough_time).all()
    assert (found.trough_time < found.end_time).all()
    assert found.recovered[:-1].all()
    assert (found.peak_time[1:] >= found.end_time[:-1]).all()


@given(curves)
def test_daily_returns_compound_to_the_total_return(equity: metrics.Floats) -> None:
    end = (len(equity) - 1) * HOUR_MS + 1
    returns = metrics.daily_returns(hours(len(equity)), equity, 0, end)
    assert len(returns) == -(-end // DAY_MS)
    assert math.prod(1 + returns) == pytest.approx(equity[-1] / equity[0])


@given(results)
def test_rates_and_factors_stay_in_their_ranges(net: metrics.Floats) -> None:
    assert 0 <= metrics.win_rate(net) <= 1
    factor = metrics.profit_factor(net)
    assert math.isnan(factor) == (not (net < 0).any())
    assert math.isnan(factor) or factor >= 0
    assert metrics.longest_streak(net > 0) + metrics.longest_streak(net <= 0) <= len(net)


@given(results, st.floats(0.01, 100))
def test_the_unit_of_money_changes_no_ratio(net: metrics.Floats, unit: float) -> None:
    assume(np.abs(net[net != 0]).min(initial=1) * unit > 1e-6)
    risk = np.full(len(net), 7.0)
    assert metrics.profit_factor(net * unit) == pytest.approx(metrics.profit_factor(net), nan_ok=True)
    assert metrics.mean(metrics.multiples_of_risk(net * unit, risk * unit)) == pytest.approx(
        metrics.mean(metrics.multiples_of_risk(net, risk))
    )


@given(curves, curves)
def test_means_over_time_lie_between_the_least_and_the_most(equity: metrics.Floats, other: metrics.Floats) -> None:
    end = len(equity) * HOUR_MS
    assert equity.min() <= metrics.time_weighted_mean(hours(len(equity)), equity, end) * (1 + 1e-12)
    assert metrics.time_weighted_mean(hours(len(equity)), equity, end) <= equity.max() * (1 + 1e-12)
    assert 0 <= metrics.exposure(hours(len(equity)), equity - equity.min(), end) <= 1


@given(st.floats(-0.5, 2.0), st.integers(metrics.MIN_CAGR_DAYS, 2_000))
def test_cagr_turns_a_constant_growth_back_into_its_yearly_rate(rate: float, length: int) -> None:
    final = 1_000 * (1 + rate) ** (length / 365)
    assert metrics.cagr(1_000, final, length * DAY_MS) == pytest.approx(rate, abs=1e-9)


def test_a_year_of_whole_days_has_365_returns() -> None:
    assert len(metrics.daily_returns(days(366), np.linspace(100, 200, 366), 0, YEAR_MS)) == 365


def test_what_happens_at_midnight_belongs_to_the_day_that_ends() -> None:
    time, equity = np.array([0, DAY_MS, DAY_MS + 1]), np.array([100.0, 110.0, 121.0])
    assert metrics.daily_returns(time, equity, 0, 2 * DAY_MS) == pytest.approx([0.1, 0.1])


def test_a_run_that_begins_at_noon_has_a_first_day_of_half_a_day() -> None:
    time, equity = np.array([DAY_MS // 2, DAY_MS]), np.array([100.0, 120.0])
    assert metrics.daily_returns(time, equity, DAY_MS // 2, DAY_MS) == pytest.approx([0.2])


def test_drawdowns_name_peak_trough_and_recovery() -> None:
    equity = np.array([100.0, 100.0, 90.0, 80.0, 95.0, 100.0, 120.0, 60.0])
    found = metrics.drawdowns(hours(8), equity, 10 * HOUR_MS)
    assert (found.peak_time // HOUR_MS).tolist() == [1, 6]
    assert (found.trough_time // HOUR_MS).tolist() == [3, 7]
    assert (found.end_time // HOUR_MS).tolist() == [5, 10]
    assert found.depth == pytest.approx([0.2, 0.5])
    assert found.recovered.tolist() == [True, False]


def test_a_curve_that_never_falls_has_no_drawdown() -> None:
    assert len(metrics.drawdowns(hours(3), np.array([1.0, 1.0, 2.0]), HOUR_MS * 3)) == 0
    assert metrics.max_drawdown(np.array([1.0, 1.0, 2.0])) == 0


@pytest.mark.parametrize(
    "value",
    [
        metrics.sharpe(np.array([0.01])),
        metrics.sharpe(np.full(9, 0.01)),
        metrics.sortino(np.array([-0.01])),
        metrics.sortino(np.array([0.01, 0.02])),
        metrics.calmar(0.2, 0.0),
        metrics.calmar(math.nan, 0.1),
        metrics.cagr(100, 110, 29 * DAY_MS),
        metrics.cagr(100, -1, YEAR_MS),
        metrics.cagr(1e-300, 1e300, 30 * DAY_MS),
        metrics.cagr(1e-10, 1e20, 30 * DAY_MS),
        metrics.cagr(0, 1, YEAR_MS),
        metrics.win_rate(np.empty(0)),
        metrics.profit_factor(np.array([5.0])),
        metrics.profit_factor(np.empty(0)),
        metrics.mean(np.empty(0)),
        metrics.mean(metrics.multiples_of_risk(np.array([5.0]), np.array([0.0]))),
        metrics.max_drawdown(np.empty(0)),
        metrics.exposure(np.empty(0, np.int64), np.empty(0), 5),
        metrics.time_weighted_mean(np.array([5]), np.array([1.0]), 5),
        metrics.buy_and_hold(np.empty(0), np.empty(0)),
        metrics.buy_and_hold(np.array([0.0]), np.array([1.0])),
        metrics.total_return(0.0, 5.0),
    ],
)
def test_what_is_undefined_is_nan(value: float) -> None:
    assert math.isnan(value)


def test_growth_that_equal_floats_hide_has_no_sharpe() -> None:
    doubled = np.power(1.01, np.arange(50, dtype=np.float64))
    assert math.isnan(metrics.sharpe(metrics.daily_returns(days(50), doubled, 0, 49 * DAY_MS)))


def test_losing_everything_is_a_return_of_minus_1() -> None:
    assert metrics.total_return(100, 0) == -1
    assert metrics.cagr(100, 0, YEAR_MS) == -1


def test_without_wins_the_profit_factor_is_0() -> None:
    assert metrics.profit_factor(np.array([-3.0, -4.0])) == 0
