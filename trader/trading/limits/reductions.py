"""Rules that do not refuse but shrink: streak, drawdown, re-entry, pyramiding."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.core.signal import Refusal
from trader.trading.book import Book
from trader.trading.limits.base import APPROVED, Approval, Proposal
from trader.trading.pyramiding import re_enters, trade_to_add_to


class LosingStreak:
    """From some losses in a row on, trades are smaller."""

    stage, rule = "size", "streak"

    def __init__(self, settings: Settings) -> None:
        self._rule = settings.LOSING_STREAK_PROTECTION

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Shrink while the streak goes on."""
        active = self._rule.enable and book.guards.streak >= self._rule.reduce_risk_after
        return Approval(self._rule.risk_multiplier) if active else APPROVED


class Drawdown:
    """In drawdown trades are smaller."""

    stage, rule = "size", "drawdown"

    def __init__(self, settings: Settings) -> None:
        """Need nothing of `settings`: the guard has set the factor."""

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Shrink by the factor that the guard has set."""
        return Approval(book.guards.drawdown_factor)


class ReEntry:
    """Soon after a stop the same way on the same stream, trades are smaller."""

    stage, rule = "size", "re_entry"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Shrink a re-entry."""
        again = re_enters(self._settings, book, proposal.reading, proposal.direction, proposal.time)
        return Approval(self._settings.RE_ENTRY.risk_multiplier) if again else APPROVED


class Pyramiding:
    """A further trade on a winning one is smaller."""

    stage, rule = "size", "pyramiding"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Shrink an add-on."""
        first = trade_to_add_to(self._settings, book, proposal.reading, proposal.direction)
        return APPROVED if first is None else Approval(self._settings.PYRAMIDING.risk_multiplier)
