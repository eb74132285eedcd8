"""How often each rule of size decided anything: what made the opened trades smaller, and which cap bound them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from trader.core.settings import Settings
from trader.core.trade import Factors, Trade
from trader.engine.result import RunResult
from trader.reports.steps import Rule, Step, steps_of


def _streaks(settings: Settings) -> bool:
    return settings.LOSING_STREAK_PROTECTION.enable


def _weighs(settings: Settings) -> bool:
    return settings.ML_CONFIDENCE_WEIGHTING.enable or settings.CONFIDENCE_TIERS.enable


def _on_futures(settings: Settings) -> bool:
    return settings.MARKET == "futures"


#: What each reduction means, by the names of `trader.trading.checks.REDUCTIONS`.
_REDUCTIONS = (
    Rule("streak", "smaller after losses in a row",
         ("LOSING_STREAK_PROTECTION.reduce_risk_after", "LOSING_STREAK_PROTECTION.risk_multiplier"), _streaks),
    Rule("drawdown", "smaller in drawdown", ("DRAWDOWN_PROTECTION.reduce_at", "DRAWDOWN_PROTECTION.risk_multiplier"),
         lambda settings: settings.DRAWDOWN_PROTECTION.enable),
    Rule("correlated", "smaller beside a trade that moves together with it", ("CORRELATION_MODE",),
         lambda settings: settings.CORRELATION_MODE == "halve"),
    Rule("re_entry", "smaller soon after a stop the same way",
         ("RE_ENTRY.enable", "RE_ENTRY.candles", "RE_ENTRY.risk_multiplier"),
         lambda settings: settings.RE_ENTRY.enable),
    Rule("pyramiding", "a smaller addition to a winning trade",
         ("PYRAMIDING.enable", "PYRAMIDING.min_profit_pct", "PYRAMIDING.risk_multiplier"),
         lambda settings: settings.PYRAMIDING.enable),
)  # fmt: skip
#: What changed risk or leverage: a weight of the risk counts where the risk bound the size.
_CHANGED = (
    Rule("confidence", "the risk bound the size, and confidence made it larger or smaller",
         ("ML_CONFIDENCE_WEIGHTING.enable", "CONFIDENCE_TIERS.enable"), _weighs),
    Rule("leverage", "a lower leverage than the coin's own, for less confidence", ("CONFIDENCE_TIERS.enable",),
         lambda settings: settings.CONFIDENCE_TIERS.enable and settings.MARKET == "futures"),
    Rule("brackets", "a lower leverage than was asked for: the exchange's brackets, where stored, allow no more",
         ("LEVERAGE",), _on_futures),
)  # fmt: skip
#: What each cap means, by the names of `trader.core.trade.Factors.bound`.
_BOUNDS = (
    Rule("risk", "the size was what may be lost at the stop", ("RISK_PER_TRADE",)),
    Rule("position", "the size was the most that one position may be", ("MAX_POSITION_SIZE_PCT",)),
    Rule(
        "kelly",
        "the size was what the last results justify",
        ("KELLY.enable", "KELLY.fraction", "KELLY.min_fraction"),
        lambda settings: settings.KELLY.enable,
    ),
    Rule("affordable", "the size was what free capital paid for"),
    Rule(
        "bracket",
        "the size was the most that the exchange allows at this leverage, where its brackets are stored",
        ("LEVERAGE",),
        _on_futures,
    ),
)


def sizes(result: RunResult) -> list[Step]:
    """Return how many trades of each stream every reduction made smaller, confidence changed, and each cap bound.

    A trade counts under every reduction that it had, and under one cap; one without factors, as a hedge, nowhere.
    """
    made: list[list[tuple[Trade, Factors]]] = [[] for _ in result.streams]
    place = {stream: at for at, stream in enumerate(result.streams)}
    for trade in result.trades:
        at = place.get((trade.symbol, trade.timeframe))
        if trade.factors is not None and at is not None:
            made[at].append((trade, trade.factors))
    settings = result.settings
    reduced = [Counter(name for _, factors in own for name in factors.reductions) for own in made]
    sized = [Counter(name for each in own for name in _changed(settings, *each)) for own in made]
    bound = [Counter(factors.bound for _, factors in own) for own in made]
    return [
        *steps_of("reduced", _REDUCTIONS, reduced, settings),
        *steps_of("sized", _CHANGED, sized, settings),
        *steps_of("bound", _BOUNDS, bound, settings),
    ]


def _changed(settings: Settings, trade: Trade, factors: Factors) -> Iterator[str]:
    if factors.confidence != 1 and factors.bound == "risk":
        yield "confidence"
    if (factors.lowered_from or trade.leverage) < settings.leverage_of(trade.symbol):
        yield "leverage"
    if factors.lowered_from is not None:
        yield "brackets"
