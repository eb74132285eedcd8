"""The groups of settings that protect: exits on the way, streaks, drawdown."""

from __future__ import annotations

from pydantic import ValidationInfo, field_validator

from trader.core.settings.groups import Group
from trader.core.settings.types import (
    Count,
    Fraction,
    OpenFraction,
    Positive,
    Share,
    above,
    ascending,
    contradiction,
    shares,
)


class PartialLevel(Group):
    """At this distance from the entry, this share of the original quantity closes."""

    pct: OpenFraction
    close_ratio: Share


class PartialTakeProfit(Group):
    """The shares that close on the way to the take profit, nearest first."""

    enable: bool
    levels: tuple[PartialLevel, ...]

    @field_validator("levels")
    @classmethod
    def _apart(cls, value: tuple[PartialLevel, ...]) -> tuple[PartialLevel, ...]:
        ascending([level.pct for level in value], "the levels overlap: each pct must be more than the one before")
        shares([level.close_ratio for level in value])
        return value


class BreakevenStop(Group):
    """The raise of the stop past the entry."""

    enable: bool
    activation_pct: OpenFraction
    buffer_pct: Fraction
    cover_costs: bool

    @field_validator("buffer_pct")
    @classmethod
    def _below_activation(cls, value: float, info: ValidationInfo) -> float:
        if value >= info.data.get("activation_pct", 1):
            raise contradiction("the raised stop would lie at or beyond the price that raises it", "activation_pct")
        return value


class TrailingStop(Group):
    """The stop that follows the best price at a distance."""

    enable: bool
    activation_pct: Fraction
    trail_pct: OpenFraction


class LosingStreak(Group):
    """Smaller trades, then a cooldown, after losses in a row."""

    enable: bool
    reduce_risk_after: Count
    risk_multiplier: Share
    stop_trading_after: Count
    cooldown_minutes: Positive

    @field_validator("stop_trading_after")
    @classmethod
    def _after_reduction(cls, value: int, info: ValidationInfo) -> int:
        text = "a cooldown ends with the count at reduce_risk_after, so stop_trading_after must be more"
        return int(above(value, info, "reduce_risk_after", text))


class DrawdownProtection(Group):
    """Smaller trades, a pause, then closing everything, by the drawdown from peak equity."""

    enable: bool
    reduce_at: Fraction
    risk_multiplier: Share
    pause_at: Fraction
    close_at: Fraction
    resume_after_hours: Positive | None

    @field_validator("pause_at")
    @classmethod
    def _beyond_reduction(cls, value: float, info: ValidationInfo) -> float:
        return above(value, info, "reduce_at", "the thresholds must ascend: reduce_at < pause_at < close_at")

    @field_validator("close_at")
    @classmethod
    def _beyond_pause(cls, value: float, info: ValidationInfo) -> float:
        return above(value, info, "pause_at", "the thresholds must ascend: reduce_at < pause_at < close_at")
