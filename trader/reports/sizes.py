"""How often each rule of size decided anything: what made the opened trades smaller, and which cap bound them."""

from __future__ import annotations

from collections import Counter

from trader.core.trade import Factors
from trader.engine.result import RunResult
from trader.reports.funnel import Rule, Step, steps_of

#: What each reduction means, by the names of `trader.trading.checks.REDUCTIONS`.
_REDUCTIONS = (
    Rule("streak", "smaller after losses in a row",
         ("LOSING_STREAK_PROTECTION.reduce_risk_after", "LOSING_STREAK_PROTECTION.risk_multiplier")),
    Rule("drawdown", "smaller in drawdown", ("DRAWDOWN_PROTECTION.reduce_at", "DRAWDOWN_PROTECTION.risk_multiplier")),
    Rule("correlated", "smaller beside a trade that moves together with it", ("CORRELATION_MODE",)),
    Rule("re_entry", "smaller soon after a stop the same way", ("RE_ENTRY.candles", "RE_ENTRY.risk_multiplier")),
    Rule("pyramiding", "a smaller addition to a winning trade",
         ("PYRAMIDING.min_profit_pct", "PYRAMIDING.risk_multiplier")),
)  # fmt: skip
#: What each cap means, by the names of `trader.core.trade.Factors.bound`.
_BOUNDS = (
    Rule("risk", "the size was what may be lost at the stop", ("RISK_PER_TRADE",)),
    Rule("position", "the size was the most that one position may be", ("MAX_POSITION_SIZE_PCT",)),
    Rule("kelly", "the size was what the last results justify", ("KELLY.fraction", "KELLY.min_fraction")),
    Rule("affordable", "the size was what free capital paid for"),
)


def sizes(result: RunResult) -> list[Step]:
    """Return how many trades of each stream every reduction made smaller, then how many each cap bound.

    A trade counts under every reduction that it had, and under one cap; one without factors, as a hedge, nowhere.
    """
    made: list[list[Factors]] = [[] for _ in result.streams]
    place = {stream: at for at, stream in enumerate(result.streams)}
    for trade in result.trades:
        at = place.get((trade.symbol, trade.timeframe))
        if trade.factors is not None and at is not None:
            made[at].append(trade.factors)
    reduced = [Counter(name for factors in own for name in factors.reductions) for own in made]
    bound = [Counter(factors.bound for factors in own) for own in made]
    return [
        *steps_of("reduced", _REDUCTIONS, reduced, result.settings),
        *steps_of("bound", _BOUNDS, bound, result.settings),
    ]
