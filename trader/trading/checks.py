"""The checks before an entry, in the order in which they are made (trading-rules, section 3).

`RULE_BOOK` reads like the table there; the first "no" ends a decision with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable

from trader.core.settings import Settings
from trader.core.settings.groups import TradingHours
from trader.core.signal import Reading, Refusal
from trader.trading.book import Book
from trader.trading.hours import inside_hours
from trader.trading.limits.base import Limit, Proposal
from trader.trading.limits.correlation import Correlation
from trader.trading.limits.exposure import DirectionExposure, SymbolExposure
from trader.trading.limits.liquidation import BeyondLiquidation
from trader.trading.limits.market import NetProfit, ShortAllowed, Trend, Volatility
from trader.trading.limits.pauses import Cooldown, DailyLoss, KillSwitch, Pause
from trader.trading.limits.portfolio_risk import PortfolioRisk
from trader.trading.limits.reductions import Drawdown, LosingStreak, Pyramiding, ReEntry
from trader.trading.limits.signal import Expectation, Fresh, Hours, Probability, Strength
from trader.trading.limits.trades import AlreadyOpen, MaxTrades

# Checks 1, 2 and 4 look at the stream alone and are made in `quiet_refusal`, with the hours in their place.
WARMING_UP = Refusal("stream", "warming_up")
GAP = Refusal("stream", "gap")
OUTSIDE_HOURS = Refusal(Hours.stage, Hours.rule)
NO_PATTERN = Refusal("signal", "no_pattern")
#: Rules of checks 1 to 4: a decision that ends with one of them is not worth a line in the log.
QUIET_RULES = ("warming_up", "gap", "outside_hours", "no_pattern")

#: Checks 3 and 5 to 13, before the size is known.
BEFORE_SIZE: tuple[type[Limit], ...] = (
    Hours,
    Probability,
    Strength,
    Expectation,
    Fresh,
    *(Pause, KillSwitch, DailyLoss, Cooldown),
    MaxTrades,
    AlreadyOpen,
    ShortAllowed,
    Trend,
    Volatility,
    NetProfit,
)
#: The factors of section 4.2; the names of their rules stand in the report beside each trade.
REDUCTIONS: tuple[type[Limit], ...] = (LosingStreak, Drawdown, Correlation, ReEntry, Pyramiding)
#: Checks 14 and 15, for the quantity of section 4. Check 16 is the size's own.
AFTER_SIZE: tuple[type[Limit], ...] = (
    *(PortfolioRisk, SymbolExposure, DirectionExposure, Correlation),
    BeyondLiquidation,
)

#: Every rule that can end a decision, in the order of the checks; reports show their funnel in it.
RULES = (
    *QUIET_RULES,
    *(limit.rule for limit in BEFORE_SIZE if limit.rule not in QUIET_RULES),
    *(limit.rule for limit in AFTER_SIZE),
    "insufficient_capital",
    "below_min_size",
)


class RuleBook:
    """The limits of a run, made once from its settings."""

    def __init__(self, settings: Settings) -> None:
        mode = settings.CORRELATION_MODE
        self._correlation = Correlation(settings)
        self._before = self._asked(settings, BEFORE_SIZE, correlated=False)
        self._reductions = self._asked(settings, REDUCTIONS, correlated=mode == "halve")
        self._after = self._asked(settings, AFTER_SIZE, correlated=mode == "skip")

    def _asked(self, settings: Settings, limits: Iterable[type[Limit]], correlated: bool) -> tuple[Limit, ...]:
        """Return those of `limits` that could say something; of correlation there is one, which remembers an hour."""
        silent = _silent(settings) | (set() if correlated else {Correlation})
        asked = (limit for limit in limits if limit not in silent)
        return tuple(self._correlation if limit is Correlation else limit(settings) for limit in asked)

    def before_size(self, proposal: Proposal, book: Book) -> Refusal | None:
        """Make checks 5 to 13; return the first "no", or None."""
        return _first(self._before, proposal, book)

    def factors(self, proposal: Proposal, book: Book) -> dict[str, float]:
        """Return the reductions that rules set, by rule; those that say nothing are left out."""
        factors = {}
        for limit in self._reductions:
            answer = limit.check(proposal, book)
            if not isinstance(answer, Refusal) and answer.factor != 1.0:
                factors[limit.rule] = answer.factor
        return factors

    def undefined_correlations(self, proposal: Proposal, book: Book) -> list[str]:
        """Return the pairs of coins that the rule of correlation cannot judge."""
        return self._correlation.undefined(proposal, book)

    def after_size(self, proposal: Proposal, book: Book) -> Refusal | None:
        """Make checks 14 and 15; return the first "no", or None."""
        return _first(self._after, proposal, book)


def _silent(settings: Settings) -> set[type[Limit]]:
    """Return the limits that approve everything under these settings, and need not be asked; the hours have been."""
    futures = settings.MARKET == "futures"
    silent: dict[type[Limit], bool] = {
        Hours: True,
        Expectation: settings.MIN_EXPECTED_RETURN is None,
        ShortAllowed: futures,
        Trend: not settings.TREND_ALIGNMENT,
        LosingStreak: not settings.LOSING_STREAK_PROTECTION.enable,
        ReEntry: not settings.RE_ENTRY.enable,
        Pyramiding: not settings.PYRAMIDING.enable,
        BeyondLiquidation: not futures,
    }
    return {limit for limit, is_silent in silent.items() if is_silent}


def quiet_refusal(reading: Reading, time: int, hours: TradingHours) -> Refusal | None:
    """Make checks 1 to 4, which know nothing of money: most candles end here."""
    if not reading.ready:
        return WARMING_UP
    if reading.gap:
        return GAP
    if hours.enable and not inside_hours(hours, time):
        return OUTSIDE_HOURS
    return None if reading.signal is not None else NO_PATTERN


def _first(limits: Iterable[Limit], proposal: Proposal, book: Book) -> Refusal | None:
    for limit in limits:
        answer = limit.check(proposal, book)
        if isinstance(answer, Refusal):
            return answer
    return None
