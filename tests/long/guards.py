"""Section 7 of the rules a second time: what forbids and shrinks entries, from commands, results and equity."""

from __future__ import annotations

import math

from trader.core.events import Action
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS
from trader.trading.book import Guards


class SecondGuards:
    """Pauses, streak, cooldown, the day's loss, drawdown."""

    def __init__(self, capital: float) -> None:
        self.equity = self.peak = self.day_first = capital
        self.day = -1
        self.day_lost = self.paused = self.killed = False
        self.losses = 0
        self.cooldown_end = 0
        self.drawdown_pause = ""
        self.paused_since = 0
        self.factor = 1.0

    @property
    def drawdown(self) -> float:
        """How far equity is below its peak, as a share of the peak."""
        return (self.peak - self.equity) / self.peak

    def result(self, net: float) -> None:
        """Count a trade that ended."""
        self.losses = 0 if net > 0 else self.losses + 1

    def account(self, time: int, equity: float) -> None:
        """Step 3: the day of T is that of T - 1 ms, and its first equity the last of the day before."""
        day = (time - 1) // DAY_MS
        if day != self.day:
            self.day, self.day_first, self.day_lost = day, self.equity, False
        self.equity = equity
        self.peak = max(self.peak, equity)

    def obey(self, action: Action) -> None:
        """Take a person's command."""
        if action is Action.PAUSE:
            self.paused = True
        elif action is Action.RESUME:
            self.paused = False
            self._end_pause()
        elif action in (Action.KILL, Action.LIFT):
            self.killed = action is Action.KILL

    def judge(self, settings: Settings, time: int) -> None:
        """Cooldown, daily limit, drawdown, in this order."""
        self._judge_cooldown(settings, time)
        limit = settings.DAILY_LOSS_LIMIT
        self.day_lost |= bool(limit) and self.equity <= self.day_first * (1 - limit)
        self._judge_drawdown(settings, time)

    def _judge_cooldown(self, settings: Settings, time: int) -> None:
        rule = settings.LOSING_STREAK_PROTECTION
        if self.cooldown_end and time >= self.cooldown_end:
            self.cooldown_end = 0
            self.losses = min(self.losses, rule.reduce_risk_after)
        if rule.enable and not self.cooldown_end and self.losses >= rule.stop_trading_after:
            self.cooldown_end = time + int(rule.cooldown_minutes * MINUTE_MS)

    def _judge_drawdown(self, settings: Settings, time: int) -> None:
        rule = settings.DRAWDOWN_PROTECTION
        self.factor = 1.0
        if not rule.enable:
            return
        hours = rule.resume_after_hours
        if self.drawdown_pause and hours is not None and time >= self.paused_since + int(hours * HOUR_MS):
            self._end_pause()
        if self.drawdown > rule.reduce_at:
            self.factor = rule.risk_multiplier
        if self.drawdown > rule.pause_at and not self.drawdown_pause:
            self.drawdown_pause, self.paused_since = "pause", time
        if self.drawdown > rule.close_at:
            self.drawdown_pause = "close"

    def _end_pause(self) -> None:
        if self.drawdown_pause:
            self.drawdown_pause, self.paused_since, self.peak = "", 0, self.equity

    def closes_everything(self, settings: Settings) -> str:
        """Return why everything closes now, or ""."""
        rule = settings.DRAWDOWN_PROTECTION
        falls = rule.enable and self.drawdown > rule.close_at
        return "kill_switch" if self.killed else "drawdown" if falls else ""

    def forbids(self) -> str:
        """Return the first rule of check 7 that is on, or ""."""
        on = {
            "paused": self.paused or bool(self.drawdown_pause),
            "kill_switch": self.killed,
            "daily_loss": self.day_lost,
            "cooldown": self.cooldown_end > 0,
        }
        return next((rule for rule, forbids in on.items() if forbids), "")

    def compare(self, guards: Guards) -> None:
        """Compare with the core's."""
        assert guards.paused_by_person == self.paused
        assert guards.drawdown_pause == self.drawdown_pause
        assert guards.paused_at == self.paused_since
        assert guards.killed == self.killed
        assert guards.day_lost == self.day_lost
        assert (guards.day, guards.day_first_equity) == (self.day, self.day_first)
        assert guards.streak == self.losses
        assert guards.cooldown_until == self.cooldown_end
        assert guards.drawdown_factor == self.factor
        assert math.isclose(guards.peak, self.peak, rel_tol=1e-12)
