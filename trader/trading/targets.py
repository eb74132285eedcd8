"""Levels of a trade: stop, take profit, partial targets (trading-rules, sections 3, 4 and 6)."""

from __future__ import annotations

import math

import msgspec

from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.signal import PATTERN_DIRECTION, Direction, Reading, Signal


class Distances(msgspec.Struct, frozen=True):
    """Distances of stop and take profit from the entry: fractions of it, or prices where `absolute`."""

    stop: float
    target: float
    absolute: bool

    def level(self, entry: float, offset: float) -> float:
        """Return the price `offset` (signed) away from `entry`."""
        return entry + offset if self.absolute else entry * (1 + offset)


class Levels(msgspec.Struct, frozen=True):
    """Stop and take profit, rounded to the tick towards the entry."""

    stop: float
    take_profit: float


class PlannedTarget(msgspec.Struct, frozen=True):
    """One target: its level, the quantity that closes there, its reason."""

    price: float
    quantity: float
    reason: str


def direction_of(signal: Signal, reading: Reading) -> Direction | None:
    """Return the side a pattern trades; the symmetrical triangle goes with the trend, and without one has no side."""
    fixed = PATTERN_DIRECTION.get(signal.pattern)
    if fixed is not None:
        return fixed
    if not math.isfinite(reading.close) or not math.isfinite(reading.ema50):
        return None
    return Direction.LONG if reading.close > reading.ema50 else Direction.SHORT


def distances_of(settings: Settings, pattern: str, atr14: float) -> Distances:
    """Return the distances that `STOP_MODE` asks for; `atr14` in quote currency."""
    if settings.STOP_MODE == "atr":
        return Distances(settings.ATR_STOP.stop_atr * atr14, settings.ATR_STOP.target_atr * atr14, True)
    target = settings.PATTERN_TARGETS[pattern]  # type: ignore[index]
    return Distances(target.sl_pct, target.tp_pct, False)


def levels_at(entry: float, direction: Direction, distances: Distances, instrument: Instrument) -> Levels:
    """Return the levels of a position entered at `entry`."""
    stop = distances.level(entry, -direction * distances.stop)
    take_profit = distances.level(entry, direction * distances.target)
    return Levels(instrument.level_towards(stop, entry), instrument.level_towards(take_profit, entry))


def expected_profit(settings: Settings, price: float, distances: Distances) -> float:
    """Return the net profit at the targets as a fraction of the entry: `Σ ratio * distance - costs` (check 13)."""
    target = distances.target / price if distances.absolute else distances.target
    left, gross = 1.0, 0.0
    for distance, ratio in _distances(settings, target):
        gross += ratio * distance
        left -= ratio
    gross += left * target
    return gross - settings.taker_fee - settings.maker_fee - settings.SLIPPAGE_PCT


def plan_targets(
    settings: Settings,
    entry: float,
    quantity: float,
    direction: Direction,
    distances: Distances,
    instrument: Instrument,
) -> list[PlannedTarget]:
    """Split `quantity` over partial levels, or the ladder, and the take profit, nearest first (sections 6 and 9).

    A share under the minimum is added to the next target's; one that would leave less than the minimum takes all.
    """
    planned: list[PlannedTarget] = []
    left, carried = quantity, 0.0
    for price, ratio in _partial_levels(settings, entry, direction, distances, instrument):
        share = instrument.cut_quantity(quantity * ratio) + carried
        if not instrument.tradable(share, price):
            carried = share
            continue
        carried = 0.0
        rest = instrument.cut_quantity(left - share)
        if not instrument.tradable(rest, price):
            return [*planned, PlannedTarget(price, left, "partial_tp")]
        planned.append(PlannedTarget(price, share, "partial_tp"))
        left = rest
    take_profit = levels_at(entry, direction, distances, instrument).take_profit
    return [*planned, PlannedTarget(take_profit, left, "take_profit")]


def most_targets(settings: Settings) -> int:
    """Return how many targets a trade may have."""
    return len(_distances(settings, math.inf)) + 1


def _distances(settings: Settings, target: float) -> list[tuple[float, float]]:
    """Return (distance, share) of what closes before the take profit at `target`, nearest first; fractions or prices.

    `TARGET_LADDER` stands in parts of the target, `PARTIAL_TP` in fractions of the entry.
    """
    ladder = settings.TARGET_LADDER
    if ladder.enable:
        steps = zip(ladder.at, ladder.close_ratios, strict=True)
        return [(part * target, ratio) for part, ratio in sorted(steps) if part < 1]
    if not settings.PARTIAL_TP.enable:
        return []
    levels = sorted((level.pct, level.close_ratio) for level in settings.PARTIAL_TP.levels)
    return [(pct, ratio) for pct, ratio in levels if pct < target]


def _partial_levels(
    settings: Settings, entry: float, direction: Direction, distances: Distances, instrument: Instrument
) -> list[tuple[float, float]]:
    """Return (price, share) of the targets before the take profit, nearest first."""
    take_profit = levels_at(entry, direction, distances, instrument).take_profit
    ladder = settings.TARGET_LADDER.enable
    target = distances.target if ladder or not distances.absolute else distances.target / entry
    levels = []
    for distance, ratio in _distances(settings, target):
        offset = direction * distance
        raw = distances.level(entry, offset) if ladder else entry * (1 + offset)
        price = instrument.level_towards(raw, entry)
        if direction * price < direction * take_profit:
            levels.append((price, ratio))
    return levels
