"""The groups of settings about entries, size, costs and the exchange on this machine.

Rules between two settings stand on the later one and read the earlier from `info.data`, so that every fault is
found in one validation, not only the first. Values come from `config.py`; see it for what each setting means.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from trader.core.settings.types import (
    Count,
    Day,
    DecimalText,
    Fraction,
    Hour,
    Index,
    Leverage,
    OpenFraction,
    Positive,
    Share,
    Speed,
    Zone,
    above,
    ascending,
    contradiction,
)


class Group(BaseModel):
    """A group of settings: frozen, without unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TradingHours(Group):
    """The hours of the day, of one time zone, in which entries are allowed; they may wrap past midnight."""

    enable: bool
    start_hour: Hour
    end_hour: Hour
    timezone: Zone

    @field_validator("end_hour")
    @classmethod
    def _differs(cls, value: int, info: ValidationInfo) -> int:
        if value == info.data.get("start_hour"):
            raise contradiction("equal hours leave open whether it means all day or never", "start_hour")
        return value


class PatternTarget(Group):
    """Distances of stop and target from the entry, as fractions of it."""

    sl_pct: OpenFraction
    tp_pct: OpenFraction

    @field_validator("tp_pct")
    @classmethod
    def _beyond_stop(cls, value: float, info: ValidationInfo) -> float:
        return above(value, info, "sl_pct", "the target must be farther from the entry than the stop")


class AtrStop(Group):
    """Distances of stop and target from the entry, in multiples of ATR14."""

    stop_atr: Positive
    target_atr: Positive

    @field_validator("target_atr")
    @classmethod
    def _beyond_stop(cls, value: float, info: ValidationInfo) -> float:
        return above(value, info, "stop_atr", "the target must be farther from the entry than the stop")


class ConfidenceTier(Group):
    """From this probability on, the risk is multiplied by this."""

    min_prob: Fraction
    multiplier: Positive


class ConfidenceWeighting(Group):
    """The tiers by which probability scales risk; the first that is reached counts."""

    enable: bool
    tiers: tuple[ConfidenceTier, ...]

    @field_validator("tiers")
    @classmethod
    def _descending(cls, value: tuple[ConfidenceTier, ...]) -> tuple[ConfidenceTier, ...]:
        text = "the first tier that is reached counts, so each min_prob must be less than the one before"
        ascending([-tier.min_prob for tier in value], text)
        return value


class SizeTier(Group):
    """From this probability on, this share of the full size."""

    min_prob: Fraction
    size: Share


class ConfidenceTiers(Group):
    """Size and leverage by probability, in place of the confidence weighting; the first tier that is reached counts."""

    enable: bool
    lowest_leverage: Leverage
    tiers: Annotated[tuple[SizeTier, ...], Field(min_length=1)]

    @field_validator("tiers")
    @classmethod
    def _descending(cls, value: tuple[SizeTier, ...]) -> tuple[SizeTier, ...]:
        text = "the first tier that is reached counts, so each min_prob must be less than the one before"
        ascending([-tier.min_prob for tier in value], text)
        return value


class Filters(Group):
    """An instrument's grid and minima, as the exchange's decimal strings and under its names."""

    tickSize: DecimalText
    stepSize: DecimalText
    minQty: DecimalText
    minNotional: DecimalText


class FeeByMarket(Group):
    """A fee as a fraction of the notional, by market."""

    spot: Fraction
    futures: Fraction


class WaitByMarket(Group):
    """A wait in ms, by market."""

    spot: Index
    futures: Index


class Embedded(Group):
    """The exchange on this machine and its generated market."""

    port: Annotated[int, Field(strict=True, ge=0, le=65535)]
    speed: Speed
    seed: Index
    start: Day


class Retrain(Group):
    """Training beside the trading: when it begins, on what, and how much of the processor it has."""

    enable: bool
    every_days: Count | None
    on_drift: bool
    drift_days: Annotated[int, Field(strict=True, ge=3, le=90)]
    at_most_once_days: Count
    span_days: Count
    judge_days: Count
    threads: Count

    @field_validator("on_drift")
    @classmethod
    def _ever_begins(cls, value: bool, info: ValidationInfo) -> bool:
        if info.data.get("enable") and not value and info.data.get("every_days") is None:
            raise contradiction("nothing would ever begin a training: allowed is true, or every_days", "every_days")
        return value

    @field_validator("judge_days")
    @classmethod
    def _leaves_days_to_learn_from(cls, value: int, info: ValidationInfo) -> int:
        if value >= info.data.get("span_days", value + 1):
            raise contradiction("no days would be left to learn from: allowed are fewer than span_days", "span_days")
        return value
