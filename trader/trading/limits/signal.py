"""What the signal itself must be: inside the hours, probable, strong, and not too old."""

from __future__ import annotations

import math

from trader.core.settings import Settings
from trader.core.signal import Refusal
from trader.trading.book import Book
from trader.trading.hours import inside_hours
from trader.trading.limits.base import APPROVED, Approval, Proposal


class Hours:
    """Inside the trading hours (check 3)."""

    stage, rule = "stream", "outside_hours"

    def __init__(self, settings: Settings) -> None:
        self._hours = settings.TRADING_HOURS

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse outside the hours."""
        inside = not self._hours.enable or inside_hours(self._hours, proposal.time)
        return APPROVED if inside else Refusal(self.stage, self.rule)


class Probability:
    """Probable enough (check 5)."""

    stage, rule = "signal", "low_probability"

    def __init__(self, settings: Settings) -> None:
        self._least = settings.MIN_PROBABILITY

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with the probability and the least."""
        probability = proposal.signal.probability
        if self._least <= probability < math.inf:
            return APPROVED
        return Refusal(self.stage, self.rule, {"probability": probability, "least": self._least})


class Fresh:
    """Not older than `SIGNAL_TTL_S`: a signal that could not be acted on by then is `expired`."""

    stage, rule = "signal", "expired"

    def __init__(self, settings: Settings) -> None:
        self._ttl_ms = int(settings.SIGNAL_TTL_S * 1000)

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with the age in seconds."""
        made = proposal.signal.made
        age_ms = proposal.time - made if made else 0
        return APPROVED if age_ms <= self._ttl_ms else Refusal(self.stage, self.rule, {"age_s": age_ms / 1000})


class Strength:
    """Strong enough (check 6)."""

    stage, rule = "signal", "low_strength"

    def __init__(self, settings: Settings) -> None:
        self._least = settings.MIN_STRENGTH

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with the strength and the least."""
        strength = proposal.signal.strength
        if self._least <= strength < math.inf:
            return APPROVED
        return Refusal(self.stage, self.rule, {"strength": strength, "least": self._least})


class Expectation:
    """Worth its costs by what the success model expects (behind check 6); what nobody expects anything of is not."""

    stage, rule = "signal", "low_expectancy"

    def __init__(self, settings: Settings) -> None:
        self._least = settings.MIN_EXPECTED_RETURN

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse with the expected net return and the least."""
        expected, least = proposal.signal.expected, self._least
        if least is None or (expected is not None and least <= expected < math.inf):
            return APPROVED
        return Refusal(self.stage, self.rule, {"expected": "nothing" if expected is None else expected, "least": least})
