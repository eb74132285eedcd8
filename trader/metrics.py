"""Figures of a run: pure functions of arrays. What is undefined is NaN, never 0.

Equity is a step function: `time` (int64 ms UTC, ascending) and a value that holds until the next row.
Sums are exact (`math.fsum`), so a figure has the same bits on every machine.
"""

from __future__ import annotations

import math
from itertools import groupby
from statistics import NormalDist

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.timeframe import DAY_MS

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

#: Crypto trades every day of the year, so a year has 365 returns.
DAYS_A_YEAR = 365
#: A shorter run has no yearly growth: a month to the power of 12 says more about the exponent than the run.
MIN_CAGR_DAYS = 30
#: Returns are ratios near 1 less 1, so each is right to about 2e-16: a deviation below this is rounding, not risk.
NO_DEVIATION = 1e-12
#: The limit of `1 + 1/2 + … + 1/n - ln(n)`, the mean of the standard Gumbel distribution.
EULER_GAMMA = 0.5772156649015329


def mean(values: Floats) -> float:
    """Return the arithmetic mean; NaN for no values.

    >>> mean(np.array([1.0, 2.0, 6.0]))
    3.0
    """
    return math.fsum(values) / len(values) if len(values) else math.nan


def ratio(numerator: float, denominator: float) -> float:
    """Return the quotient; NaN where the denominator is not above 0.

    >>> ratio(3.0, 2.0), ratio(3.0, 0.0)
    (1.5, nan)
    """
    return numerator / denominator if denominator > 0 else math.nan


def total_return(initial: float, final: float) -> float:
    """Return `final / initial - 1`, a fraction.

    >>> total_return(100.0, 125.0)
    0.25
    """
    return ratio(final, initial) - 1


def cagr(initial: float, final: float, span_ms: int) -> float:
    """Return the compound annual growth `(final / initial) ** (365 / days) - 1`.

    NaN below `MIN_CAGR_DAYS`, for a negative end, and where the power leaves the floats.
    Source: the definition of the compound annual growth rate, with a year of 365 days.

    >>> cagr(100.0, 121.0, 730 * DAY_MS)
    0.10000000000000009
    >>> cagr(100.0, 121.0, 29 * DAY_MS)
    nan
    """
    growth = ratio(final, initial)
    if span_ms < MIN_CAGR_DAYS * DAY_MS or not 0 <= growth < math.inf:
        return math.nan
    try:
        return math.pow(growth, DAYS_A_YEAR * DAY_MS / span_ms) - 1
    except OverflowError:
        return math.nan


def values_at(time: Times, values: Floats, moments: Times) -> Floats:
    """Return the step function at each of `moments`; before the first row, the first value.

    >>> values_at(np.array([0, 10]), np.array([1.0, 2.0]), np.array([-5, 9, 10, 50])).tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    return values[np.maximum(np.searchsorted(time, moments, side="right") - 1, 0)]


def daily_returns(time: Times, equity: Floats, start: int, end: int) -> Floats:
    """Return the return of each UTC day between `start` and `end`, ms; a day begun or cut short counts as one.

    Equity is taken at the start, at every midnight UTC and at the end. What happens at midnight belongs
    to the day that ends (trading-rules, section 7).

    >>> daily_returns(np.array([0, DAY_MS]), np.array([100.0, 110.0]), 0, 2 * DAY_MS).round(6).tolist()
    [0.1, 0.0]
    """
    if end <= start or not len(time):
        return np.empty(0)
    midnights = np.arange(start // DAY_MS + 1, -(-end // DAY_MS)) * DAY_MS
    levels = values_at(time, equity, np.concatenate(([start], midnights, [end])))
    return levels[1:] / levels[:-1] - 1 if (levels[:-1] > 0).all() else np.empty(0)


def sharpe(returns: Floats) -> float:
    """Return `mean / standard deviation * sqrt(365)` of daily returns, risk-free rate 0.

    The deviation is the sample's (n - 1). NaN with fewer than 2 days, or without deviation.
    Source: Sharpe, The Sharpe Ratio, Journal of Portfolio Management 21 (1994).

    >>> round(sharpe(np.array([0.01, -0.01, 0.02, 0.0])), 4)
    7.3993
    >>> sharpe(np.array([0.01, 0.01]))
    nan
    """
    if len(returns) < 2:
        return math.nan
    centre = mean(returns)
    deviation = math.sqrt(math.fsum((returns - centre) ** 2) / (len(returns) - 1))
    return centre / deviation * math.sqrt(DAYS_A_YEAR) if deviation > NO_DEVIATION else math.nan


def sortino(returns: Floats) -> float:
    """Return `mean / downside deviation * sqrt(365)` of daily returns, target 0.

    The downside deviation is `sqrt(mean(min(r, 0) ** 2))` over all days. NaN with fewer than 2 days, or
    without a losing one. Source: Sortino and Price, Performance Measurement in a Downside Risk Framework (1994).

    >>> round(sortino(np.array([0.01, -0.01, 0.02, 0.0])), 4)
    19.105
    >>> sortino(np.array([0.01, 0.02]))
    nan
    """
    if len(returns) < 2:
        return math.nan
    deviation = math.sqrt(mean(np.minimum(returns, 0.0) ** 2))
    return mean(returns) / deviation * math.sqrt(DAYS_A_YEAR) if deviation > NO_DEVIATION else math.nan


def moments(returns: Floats) -> tuple[float, float]:
    """Return skewness and kurtosis (3 for a normal distribution) of `returns`; NaN without deviation.

    Source: the definitions by central moments, of the population.

    >>> moments(np.array([-1.0, 1.0, -1.0, 1.0]))
    (0.0, 1.0)
    """
    centred = returns - mean(returns)
    variance = mean(centred**2)
    if not variance > NO_DEVIATION**2:
        return math.nan, math.nan
    return mean(centred**3) / variance**1.5, mean(centred**4) / variance**2


def probabilistic_sharpe(
    observed: float, benchmark: float, number: int, skewness: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Return the probability that the true Sharpe ratio is above `benchmark`, given the one observed.

    Both are per return, not per year, over `number` returns with that skewness and kurtosis. Fat tails and losses
    that are rare and large make it smaller. NaN below 2 returns.
    Source: Bailey and López de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk 15 (2012).

    >>> round(probabilistic_sharpe(0.1, 0.0, 250), 4)
    0.9423
    """
    spread = 1 - skewness * observed + (kurtosis - 1) / 4 * observed**2
    if number < 2 or not spread > 0 or math.isnan(observed - benchmark):
        return math.nan
    return NormalDist().cdf((observed - benchmark) * math.sqrt((number - 1) / spread))


def expected_best_sharpe(trials: int, variance: float) -> float:
    """Return the Sharpe ratio to expect of the best of `trials` without any skill, whose ratios have that variance.

    0 for a single trial: nothing was chosen. Source: as of `deflated_sharpe`.

    >>> expected_best_sharpe(1, 0.01), round(expected_best_sharpe(100, 0.01), 4)
    (0.0, 0.2531)
    """
    if trials <= 1:
        return 0.0
    quantile = NormalDist().inv_cdf
    return math.sqrt(variance) * (
        (1 - EULER_GAMMA) * quantile(1 - 1 / trials) + EULER_GAMMA * quantile(1 - 1 / (trials * math.e))
    )


def deflated_sharpe(returns: Floats, trials: int, variance: float) -> float:
    """Return the probability that the Sharpe ratio of the best of `trials` is more than luck and choice.

    `returns` are those of the chosen one; `variance` is that of the trials' Sharpe ratios, per return. Every trial
    counts, also one that was thrown away at once. NaN below 2 returns or without deviation.
    Source: Bailey and López de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40 (2014).
    """
    per_return = sharpe(returns) / math.sqrt(DAYS_A_YEAR)
    return probabilistic_sharpe(per_return, expected_best_sharpe(trials, variance), len(returns), *moments(returns))


def calmar(yearly: float, deepest: float) -> float:
    """Return CAGR over the deepest drawdown; NaN without a drawdown. Source: Young, Futures 20 (1991).

    >>> calmar(0.3, 0.1), calmar(0.3, 0.0)
    (2.9999999999999996, nan)
    """
    return ratio(yearly, deepest)


def drawdown(equity: Floats) -> Floats:
    """Return how far each value is below the highest before it: `(peak - equity) / peak`, in 0…1.

    >>> drawdown(np.array([100.0, 120.0, 90.0, 130.0])).tolist()
    [0.0, 0.0, 0.25, 0.0]
    """
    peak = np.maximum.accumulate(equity)
    return np.divide(peak - equity, peak, out=np.zeros(len(equity)), where=peak > 0)


def max_drawdown(equity: Floats) -> float:
    """Return the deepest drawdown; 0 when equity never fell, NaN for no values.

    >>> max_drawdown(np.array([100.0, 50.0, 75.0]))
    0.5
    """
    return float(drawdown(equity).max()) if len(equity) else math.nan


class Drawdowns(msgspec.Struct, frozen=True, eq=False):
    """Each fall from a peak until it is reached again: times in ms, in order; arrays of one length.

    `end_time` is the recovery, or the end of the run where `recovered` is False. `depth` is in 0…1.
    """

    peak_time: Times
    trough_time: Times
    end_time: Times
    depth: Floats
    recovered: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.depth)

    @property
    def length(self) -> Times:
        """From the peak to the recovery or the end, ms."""
        return self.end_time - self.peak_time


def drawdowns(time: Times, equity: Floats, end: int) -> Drawdowns:
    """Return every drawdown of the step function that ends at `end`, ms. The peak is its last row at the top.

    >>> found = drawdowns(np.array([0, 1, 2, 3, 4]), np.array([9.0, 6.0, 9.0, 10.0, 8.0]), end=7)
    >>> found.depth.round(3).tolist(), found.length.tolist(), found.recovered.tolist()
    ([0.333, 0.2], [2, 4], [True, False])
    """
    depth = drawdown(equity)
    edges = np.diff(np.concatenate(([0], (depth > 0).astype(np.int8), [0])))
    first, stop = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    deepest = np.maximum.reduceat(depth, first) if len(first) else np.empty(0)
    below = np.flatnonzero(depth > 0)
    period = np.repeat(np.arange(len(first)), stop - first)
    at_trough = depth[below] == deepest[period]
    troughs = below[at_trough][np.unique(period[at_trough], return_index=True)[1]]
    ends = np.append(time, np.int64(end))[stop]
    return Drawdowns(time[first - 1], time[troughs], ends, deepest, stop < len(time))


def profit_factor(net: Floats) -> float:
    """Return the sum of the wins over the sum of the losses; NaN without a loss.

    >>> profit_factor(np.array([30.0, -10.0])), profit_factor(np.array([30.0]))
    (3.0, nan)
    """
    return ratio(math.fsum(net[net > 0]), -math.fsum(net[net < 0]))


def win_rate(net: Floats) -> float:
    """Return the share of trades with a net above 0; NaN without trades.

    >>> win_rate(np.array([30.0, -10.0, 0.0, 5.0]))
    0.5
    """
    return ratio(int((net > 0).sum()), len(net))


def multiples_of_risk(net: Floats, risk: Floats) -> Floats:
    """Return each net in R, the loss planned at the first stop; trades without a stop are left out.

    Source: Tharp, Trade Your Way to Financial Freedom (1998).

    >>> multiples_of_risk(np.array([30.0, -10.0, 4.0]), np.array([10.0, 10.0, np.nan])).tolist()
    [3.0, -1.0]
    """
    known = risk > 0
    return net[known] / risk[known]


def longest_streak(flags: NDArray[np.bool_]) -> int:
    """Return the length of the longest run of True.

    >>> longest_streak(np.array([True, True, False, True]))
    2
    """
    return max((len(list(run)) for flag, run in groupby(flags.tolist()) if flag), default=0)


def time_weighted_mean(time: Times, values: Floats, end: int) -> float:
    """Return the mean of the step function over its time until `end`, ms; NaN when no time passes.

    >>> time_weighted_mean(np.array([0, 30]), np.array([1.0, 5.0]), end=40)
    2.0
    """
    if not len(time) or end <= time[0]:
        return math.nan
    held = np.diff(np.append(time, np.int64(end))).clip(min=0)
    return math.fsum(values * held) / int(held.sum())


def exposure(time: Times, reserved: Floats, end: int) -> float:
    """Return the share of time during which capital was reserved, in 0…1.

    >>> exposure(np.array([0, 30]), np.array([0.0, 500.0]), end=40)
    0.25
    """
    return time_weighted_mean(time, (reserved > 0).astype(np.float64), end)


def turnover(traded: float, time: Times, equity: Floats, end: int) -> float:
    """Return how often the average equity was traded: the notional of all fills over it.

    >>> turnover(500.0, np.array([0]), np.array([100.0]), end=9)
    5.0
    """
    return ratio(traded, time_weighted_mean(time, equity, end))


def buy_and_hold(first: Floats, last: Floats) -> float:
    """Return the return of equal amounts put into every coin at `first` and held until `last`, without costs.

    >>> buy_and_hold(np.array([100.0, 10.0]), np.array([110.0, 9.0])).__round__(6)
    0.0
    """
    return mean(last / first) - 1 if len(first) and (first > 0).all() else math.nan
