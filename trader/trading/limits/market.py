"""What the market must allow: the side, the trend, enough range, targets that pay (checks 10 to 13)."""

from __future__ import annotations

import math

from trader.core.settings import Settings
from trader.core.signal import Direction, Pattern, Reading, Refusal
from trader.trading.book import Book
from trader.trading.limits.base import APPROVED, Approval, Proposal
from trader.trading.targets import distances_of, expected_profit


class ShortAllowed:
    """SHORT needs futures."""

    stage, rule = "market", "short_not_allowed"

    def __init__(self, settings: Settings) -> None:
        self._market = settings.MARKET

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse a SHORT on spot."""
        allowed = proposal.direction is Direction.LONG or self._market == "futures"
        return APPROVED if allowed else Refusal(self.stage, self.rule, {"market": self._market})


class Trend:
    """LONG above EMA50, SHORT below."""

    stage, rule = "market", "against_trend"

    def __init__(self, settings: Settings) -> None:
        self._aligned = settings.TREND_ALIGNMENT

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with close and EMA50."""
        reading, sign = proposal.reading, proposal.direction
        if not self._aligned or 0 < sign * (reading.close - reading.ema50) < math.inf:
            return APPROVED
        return Refusal(self.stage, self.rule, {"close": reading.close, "ema50": reading.ema50})


class Volatility:
    """ATR14 / close is at least `MIN_ATR_PCT`."""

    stage, rule = "market", "low_volatility"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with the range and the least."""
        reading = proposal.reading
        least, atr_pct = self._settings.min_atr_pct(reading.timeframe), reading.atr14 / reading.close
        if least <= atr_pct < math.inf:
            return APPROVED
        return Refusal(self.stage, self.rule, {"atr_pct": atr_pct, "least": least})


class NetProfit:
    """The targets pay for the costs."""

    stage, rule = "market", "low_profit"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, float] = {}

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with the expected profit and the least."""
        profit = self._profit(proposal.signal.pattern, proposal.reading)
        least = self._settings.MIN_NET_PROFIT_PCT
        if least <= profit < math.inf:
            return APPROVED
        return Refusal(self.stage, self.rule, {"profit": profit, "least": least})

    def _profit(self, pattern: Pattern, reading: Reading) -> float:
        """Return the expected profit as a fraction; where no ATR moves the targets, each pattern has one."""
        known = self._known.get(pattern)
        if known is not None:
            return known
        distances = distances_of(self._settings, pattern, reading.atr14)
        profit = expected_profit(self._settings, reading.close, distances)
        if not distances.absolute:
            self._known[pattern] = profit
        return profit
