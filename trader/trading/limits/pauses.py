"""What forbids entries for a while: a person, the kill switch, a lost day, a cooldown (trading-rules, section 7)."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.core.signal import Refusal
from trader.trading.book import Book
from trader.trading.limits.base import APPROVED, Approval, Proposal


class Pause:
    """A person or the drawdown has paused entries."""

    stage, rule = "guard", "paused"

    def __init__(self, settings: Settings) -> None:
        """Need nothing of `settings`."""

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse while a pause is on."""
        return Refusal(self.stage, self.rule) if book.guards.paused else APPROVED


class KillSwitch:
    """The kill switch is on until a person lifts it."""

    stage, rule = "guard", "kill_switch"

    def __init__(self, settings: Settings) -> None:
        """Need nothing of `settings`."""

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse while the switch is on."""
        return Refusal(self.stage, self.rule) if book.guards.killed else APPROVED


class DailyLoss:
    """The UTC day has lost its share of equity."""

    stage, rule = "guard", "daily_loss"

    def __init__(self, settings: Settings) -> None:
        """Need nothing of `settings`: the guard has judged the day."""

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse until the day ends."""
        return Refusal(self.stage, self.rule) if book.guards.day_lost else APPROVED


class Cooldown:
    """Too many losses in a row."""

    stage, rule = "guard", "cooldown"

    def __init__(self, settings: Settings) -> None:
        """Need nothing of `settings`: the guard has set the end."""

    def check(self, proposal: Proposal, book: Book) -> Approval | Refusal:
        """Refuse until the cooldown ends."""
        until = book.guards.cooldown_until
        return Refusal(self.stage, self.rule, {"until": until}) if until else APPROVED
