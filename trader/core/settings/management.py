"""The groups of settings that manage positions: Kelly, hedges, ladders, further entries, reversals."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from trader.core.settings.groups import Group
from trader.core.settings.types import (
    Coin,
    Count,
    Fraction,
    OpenFraction,
    Positive,
    Share,
    ascending,
    contradiction,
    shares,
)

#: Bounds of the factor by which volatility moves a hedge's threshold (trading-rules, section 8).
WILDEST, CALMEST = 0.7, 1.3


class Kelly(Group):
    """The cap on size from the results of the last trades."""

    enable: bool
    min_trades: Count
    window: Count
    fraction: Share
    min_fraction: Fraction


class HedgeOverride(Group):
    """One coin's own threshold."""

    hedge_threshold: OpenFraction


class Hedging(Group):
    """Hedges of coins at a loss, by the drawdown of the pool."""

    enable: bool
    hedge_threshold: OpenFraction
    hedge_recovery_threshold: Fraction
    hedge_ratio: Share
    dynamic_hedge: bool
    coin_overrides: dict[Coin, HedgeOverride]

    @field_validator("hedge_recovery_threshold")
    @classmethod
    def _below_threshold(cls, value: float, info: ValidationInfo) -> float:
        if value >= info.data.get("hedge_threshold", 2):
            raise contradiction("a hedge would close as soon as it opens", "hedge_threshold")
        return value

    @field_validator("coin_overrides")
    @classmethod
    def _above_recovery(cls, value: dict[str, HedgeOverride], info: ValidationInfo) -> dict[str, HedgeOverride]:
        recovery = info.data.get("hedge_recovery_threshold", 0)
        if early := [coin for coin, override in value.items() if override.hedge_threshold <= recovery]:
            text = f"a hedge of {', '.join(early)} would close as soon as it opens"
            raise contradiction(text, "hedge_recovery_threshold")
        return value


class TargetLadder(Group):
    """Targets at parts of the target distance, and the trailing stop from the first on."""

    enable: bool
    at: Annotated[tuple[Positive, ...], Field(min_length=1)]
    close_ratios: tuple[Positive, ...]
    trail_atr: Positive

    @field_validator("at")
    @classmethod
    def _apart(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        ascending(value, "the targets overlap: each must be farther than the one before")
        if value[-1] != 1:
            raise contradiction("the last target is the take profit, 1.0 of its distance")
        return value

    @field_validator("close_ratios")
    @classmethod
    def _one_each(cls, value: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        shares(value)
        if len(value) != len(info.data.get("at", value)):
            raise contradiction("each target needs one share", "at")
        return value


class ReEntry(Group):
    """Entries in the direction of a trade that was just stopped out."""

    enable: bool
    candles: Count
    risk_multiplier: Share


class Pyramiding(Group):
    """Further trades in the direction of one that is ahead."""

    enable: bool
    min_profit_pct: Fraction
    risk_multiplier: Share
    max_adds: Count


class Reversal(Group):
    """The close of a trade whose stream has turned against it."""

    enable: bool
    min_probability: Fraction
