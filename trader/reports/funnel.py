"""Why was (nothing) traded: from candles over patterns and each check to trades, in one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from trader.core.settings import Settings
from trader.engine.result import RunResult
from trader.reports.steps import Rule, Step, Stream, never, steps_of
from trader.trading.checks import QUIET_RULES, RULES

Counts = Mapping[Stream, Mapping[str, int]]


def _protected(settings: Settings) -> bool:
    return settings.DRAWDOWN_PROTECTION.enable


#: What each reason of trading-rules, section 3, means; the order of the rows is the core's.
_RULES = (
    Rule("warming_up", "fewer than 60 closed candles, or indicators not warmed up yet", ("PRELOAD_CANDLES",)),
    Rule("gap", "a candle that the indicators need is missing"),
    Rule("outside_hours", "outside the trading hours",
         ("TRADING_HOURS.enable", "TRADING_HOURS.start_hour", "TRADING_HOURS.end_hour"),
         on=lambda s: s.TRADING_HOURS.enable),
    Rule("no_pattern", "the strategy saw nothing in this candle", ("STRATEGY",)),
    Rule("low_probability", "the pattern is not probable enough", ("MIN_PROBABILITY",),
         on=lambda s: s.MIN_PROBABILITY > 0),
    Rule("low_strength", "the pattern is not strong enough", ("MIN_STRENGTH",),
         on=lambda s: s.MIN_STRENGTH > 0),
    Rule("low_expectancy", "the model does not expect it to be worth its costs", ("MIN_EXPECTED_RETURN",),
         on=lambda s: s.MIN_EXPECTED_RETURN is not None),
    Rule("expired", "the signal was too old to act on", ("SIGNAL_TTL_S",)),
    Rule("paused", "entries were paused, by a person or by the drawdown", ("DRAWDOWN_PROTECTION.pause_at",),
         on=_protected),
    Rule("kill_switch", "the kill switch was on", on=never),
    Rule("daily_loss", "the day had lost its limit; no entries until midnight UTC", ("DAILY_LOSS_LIMIT",),
         on=lambda s: s.DAILY_LOSS_LIMIT > 0),
    Rule("cooldown", "too many losses in a row; entries rest for a while",
         ("LOSING_STREAK_PROTECTION.stop_trading_after", "LOSING_STREAK_PROTECTION.cooldown_minutes"),
         on=lambda s: s.LOSING_STREAK_PROTECTION.enable),
    Rule("max_trades", "as many trades were open or pending as are allowed", ("MAX_CONCURRENT_TRADES",)),
    Rule("already_open", "this stream already had a trade or a pending entry"),
    Rule("short_not_allowed", "the pattern asks for SHORT, which needs futures", ("MARKET",),
         on=lambda s: s.MARKET == "spot"),
    Rule("against_trend", "LONG below EMA50, or SHORT above it", ("TREND_ALIGNMENT",),
         on=lambda s: s.TREND_ALIGNMENT),
    Rule("low_volatility", "ATR14 / close is too small for the targets to be reached", ("MIN_ATR_PCT",)),
    Rule("low_profit", "the targets leave too little after fees and slippage", ("MIN_NET_PROFIT_PCT",)),
    Rule("portfolio_risk", "all stops together would lose too much", ("MAX_PORTFOLIO_RISK",)),
    Rule("symbol_exposure", "too much capital would be in this coin", ("MAX_SYMBOL_EXPOSURE",)),
    Rule("direction_exposure", "too much capital would be in this direction", ("MAX_DIRECTION_EXPOSURE",)),
    Rule("correlated", "an open trade moves together with it", ("CORRELATION_MODE",),
         on=lambda s: s.CORRELATION_MODE == "skip"),
    Rule("beyond_liquidation", "the position would be liquidated before its stop",
         ("LEVERAGE", "MAINTENANCE_MARGIN_RATE"), on=lambda s: s.MARKET == "futures"),
    Rule("insufficient_capital", "free capital pays for too small a share of the wanted size", ("MIN_SIZE_RATIO",)),
    Rule("below_min_size", "the size is below the exchange's minimum", ("RISK_PER_TRADE", "DEFAULT_FILTERS")),
)  # fmt: skip
_DROPPED = (
    Rule("expired", "no candle opened in time to fill the entry"),
    Rule("insufficient_capital", "at the fill price the capital did not suffice"),
    Rule("drawdown", "everything was closed for the drawdown", ("DRAWDOWN_PROTECTION.close_at",), on=_protected),
    Rule("kill_switch", "everything was closed by the kill switch", on=never),
    Rule("manual", "a person closed everything, or this coin", on=never),
    Rule("end_of_data", "still waiting when the run ended"),
)
_MEANINGS = {rule.name: rule for rule in _RULES}
OPENED = "opened"


def funnel(result: RunResult) -> list[Step]:
    """Return the rows from candles to trades; rules that never applied are there with zeros.

    Entries that neither filled nor were dropped were waiting at the end.
    Rules which the core's list lacks come after those it has, by name.
    """
    seen = _at(result.funnel, result.streams)
    filled = Counter((trade.symbol, trade.timeframe) for trade in result.trades if not trade.hedge)
    trades = tuple(filled[stream] for stream in result.streams)
    early = [rule_named(name) for name in QUIET_RULES]
    known = [rule_named(name) for name in RULES if name not in QUIET_RULES]
    late = [*known, *_others(result.funnel, {*RULES, OPENED})]
    after = [*_DROPPED, *_others(result.dropped, {rule.name for rule in _DROPPED})]

    candles = tuple(sum(counts.values()) for counts in seen)
    patterns = tuple(sum(n for name, n in counts.items() if name not in QUIET_RULES) for counts in seen)
    entries = tuple(counts.get(OPENED, 0) for counts in seen)
    lost = [_with_waiting(*each) for each in zip(_at(result.dropped, result.streams), entries, trades, strict=True)]
    return [
        Step("candles", "left", "closed candles on which a decision was due", "", candles),
        *steps_of("ended", early, seen, result.settings),
        Step("patterns", "left", "candles in which the strategy saw something", "", patterns),
        *steps_of("ended", late, seen, result.settings),
        Step("entries", "left", "orders to open a trade", "", entries),
        *steps_of("dropped", after, lost, result.settings),
        Step("trades", "left", "entries that filled", "", trades),
    ]


def _at(counts: Counts, streams: Sequence[Stream]) -> list[Mapping[str, int]]:
    return [counts.get(stream, {}) for stream in streams]


def _with_waiting(dropped: Mapping[str, int], entries: int, trades: int) -> Mapping[str, int]:
    waiting = entries - trades - sum(dropped.values())
    return {**dropped, "end_of_data": dropped.get("end_of_data", 0) + waiting}


def rule_named(name: str) -> Rule:
    """Return what the reason `name` means; one without an explanation gets its own words."""
    return _MEANINGS.get(name) or Rule(name, name.replace("_", " "))


def _others(counts: Counts, known: set[str]) -> list[Rule]:
    found = {name for stream in counts.values() for name in stream}
    return [rule_named(name) for name in sorted(found - known)]


def main_reasons(steps: Sequence[Step], count: int = 3) -> list[Step]:
    """Return the checks at which most candles with a pattern ended, the most frequent first."""
    names = [step.name for step in steps]
    after_pattern = steps[names.index("patterns") : names.index("entries")]
    ended = [step for step in after_pattern if step.kind == "ended" and step.total]
    return sorted(ended, key=lambda step: -step.total)[:count]


def in_words(steps: Sequence[Step]) -> str:
    """Return the funnel in a sentence."""
    total = {step.name: step.total for step in steps if step.kind == "left"}
    way = " → ".join(f"{total[name]:,} {name}" for name in ("candles", "patterns", "entries", "trades"))
    reasons = ", ".join(f"{step.name} ({step.total:,})" for step in main_reasons(steps))
    return f"{way}. Most patterns ended at: {reasons}." if reasons else f"{way}."
