"""How far the settings reach: between which bounds the levels and the size of any entry lie.

Sizes are full ones, which no rule reduces, not even Kelly's, and which free capital covers; in units of equity. The
formulas are those of trading-rules, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from trader.core.settings import Settings
from trader.core.signal import PATTERN_DIRECTION, Direction, Pattern
from trader.trading.leverage import leverage_by_confidence
from trader.trading.sizing import confidence_of
from trader.trading.targets import Distances

#: A stop is rounded to the tick towards the entry, so that risk may ask for this much more than its distance says; the
#: ticks of few coins are coarser.
TICK_ROOM = 1.02


class Span(NamedTuple):
    """The least and the most that a number can be."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Span:
        """Return the span of `values`."""
        found = list(values)
        return cls(min(found), max(found))


class Shape(msgspec.Struct, frozen=True):
    """Distances that a trade can have, as fractions of its entry; with `STOP_MODE` atr the least ones."""

    name: str
    directions: tuple[Direction, ...]
    distances: Distances


class Reach(msgspec.Struct, frozen=True):
    """The bounds of any entry that no limit has refused.

    `stop`, `target`: distances. `asked`, `allowed`, `notional`: what risk asks for, what the cap allows, the lesser.
    `reserve`: capital behind it. `risk`: loss at the stop. `probability`: the least that passes checks 5 and 6.
    """

    shapes: tuple[Shape, ...]
    stop: Span
    target: Span
    probability: float
    confidence: Span
    leverage: Span
    asked: Span
    allowed: Span
    notional: Span
    reserve: Span
    risk: Span


def shapes_of(settings: Settings) -> tuple[Shape, ...]:
    """Return the shapes of trades on this market: one per pattern, or per timeframe where ATR makes the distances."""
    sides = (Direction.LONG,) if settings.MARKET == "spot" else (Direction.LONG, Direction.SHORT)
    if settings.STOP_MODE == "atr":
        return tuple(_atr_shapes(settings, sides))
    shapes = []
    for pattern in Pattern:
        target, fixed = settings.PATTERN_TARGETS[pattern], PATTERN_DIRECTION.get(pattern)
        allowed = tuple(side for side in sides if fixed in (side, None))
        if allowed:
            shapes.append(Shape(pattern, allowed, Distances(target.sl_pct, target.tp_pct, False)))
    return tuple(shapes)


def reach_of(settings: Settings, shapes: tuple[Shape, ...]) -> Reach:
    """Return the bounds of entries with `shapes`, of which there must be one at least."""
    grows = settings.STOP_MODE == "atr"
    stop = _open_above(Span.of(shape.distances.stop for shape in shapes), grows)
    target = _open_above(Span.of(shape.distances.target for shape in shapes), grows)
    probability = least_probability(settings)
    confidence = Span.of(_confidences(settings, probability))
    leverage = leverage_span(settings)
    least_risk, most_risk = (settings.RISK_PER_TRADE * each for each in confidence)
    cap = settings.MAX_POSITION_SIZE_PCT
    asked = Span(least_risk / stop.high, most_risk / stop.low if stop.low > 0 else math.inf)
    allowed = Span(cap * leverage.low, cap * leverage.high)
    return Reach(
        shapes=shapes,
        stop=stop,
        target=target,
        probability=probability,
        confidence=confidence,
        leverage=leverage,
        asked=asked,
        allowed=allowed,
        notional=Span(min(asked.low, allowed.low), min(asked.high, allowed.high)),
        reserve=Span(min(asked.low / leverage.high, cap), min(asked.high / leverage.low, cap)),
        risk=Span(min(least_risk, allowed.low * stop.low), min(most_risk, allowed.high * stop.high)),
    )


def least_probability(settings: Settings) -> float:
    """Return the least probability of a signal that passes checks 5 and 6: geometry's strength is its probability."""
    if settings.STRATEGY == "geometry":
        return max(settings.MIN_PROBABILITY, settings.MIN_STRENGTH)
    return settings.MIN_PROBABILITY


def leverage_span(settings: Settings) -> Span:
    """Return the leverages that entries can have, over all coins."""
    highest = Span.of(settings.leverage_of(symbol) for symbol in settings.COINS)
    if not settings.CONFIDENCE_TIERS.enable or settings.MARKET != "futures":
        return highest
    least = least_probability(settings)
    return Span(
        leverage_by_confidence(settings, highest.low, least), leverage_by_confidence(settings, highest.high, 1.0)
    )


def most_trades(settings: Settings) -> tuple[int, int]:
    """Return how many trades can be open at once: in all, and on one coin."""
    each = 1 + (settings.PYRAMIDING.max_adds if settings.PYRAMIDING.enable else 0)
    coin = each * len(settings.TIMEFRAMES)
    most = settings.MAX_CONCURRENT_TRADES
    return min(most, coin * len(settings.COINS)), min(most, coin)


def _atr_shapes(settings: Settings, sides: tuple[Direction, ...]) -> Iterator[Shape]:
    rule = settings.ATR_STOP
    for timeframe in settings.TIMEFRAMES:
        least = settings.min_atr_pct(timeframe)
        yield Shape(timeframe, sides, Distances(rule.stop_atr * least, rule.target_atr * least, False))


def _open_above(span: Span, grows: bool) -> Span:
    return Span(span.low, math.inf) if grows else span


def _confidences(settings: Settings, least: float) -> Iterator[float]:
    """Yield the multipliers that signals of at least this probability can have; 0 makes no trade."""
    bounds = [tier.min_prob for tier in settings.ML_CONFIDENCE_WEIGHTING.tiers]
    bounds += [tier.min_prob for tier in settings.CONFIDENCE_TIERS.tiers]
    for probability in {least, 1.0, *(bound for bound in bounds if bound >= least)}:
        if confidence := confidence_of(settings, probability):
            yield confidence
