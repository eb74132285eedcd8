"""Rules of size that decide no size: outbid, never reached, or without a factor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from trader.core.settings import Settings
from trader.core.settings.groups import ConfidenceTier, SizeTier
from trader.engine.settings.explain.finding import Finding, floored, percent, plain, raised
from trader.engine.settings.explain.reach import TICK_ROOM, Reach


def dead_sizes(settings: Settings, reach: Reach) -> Iterator[Finding]:
    """Yield what of the rules of section 4, and of those that shrink sizes, can change no size."""
    yield from _caps(settings, reach)
    yield from _thresholds(settings)
    yield from _confidence(settings, reach)
    yield from _kelly(settings, reach)
    yield from _factors(settings)


def _caps(settings: Settings, reach: Reach) -> Iterator[Finding]:
    asked, allowed, stop = reach.asked, reach.allowed, reach.stop
    cap = f"MAX_POSITION_SIZE_PCT allows {_times(allowed.low, allowed.high)}"
    asks = f"{percent(settings.RISK_PER_TRADE)} risk at stops of {_percents(stop.low, stop.high)} asks for"
    if asked.low >= allowed.high:
        least = allowed.high * stop.high / reach.confidence.low
        leverage = asked.low / settings.MAX_POSITION_SIZE_PCT
        more = f" or LEVERAGE above {raised(leverage)}" if settings.MARKET == "futures" and leverage <= 125 else ""
        text = (
            f"decide no size: {asks} {_times(asked.low, asked.high)} the equity, {cap}; "
            f"RISK_PER_TRADE below {floored(least)}{more} changes that"
        )
        yield Finding(("RISK_PER_TRADE", *_weights(settings)), text)
    elif asked.high * TICK_ROOM <= allowed.low:
        text = f"decides no size: {asks} {_times(asked.low, asked.high)} the equity, and it allows"
        text = f"{text} {_times(allowed.low, allowed.high)}"
        yield Finding(("MAX_POSITION_SIZE_PCT",), text)


def _weights(settings: Settings) -> tuple[str, ...]:
    if settings.CONFIDENCE_TIERS.enable:
        return ("CONFIDENCE_TIERS",)
    return ("ML_CONFIDENCE_WEIGHTING",) if settings.ML_CONFIDENCE_WEIGHTING.enable else ()


def _thresholds(settings: Settings) -> Iterator[Finding]:
    probability, strength = settings.MIN_PROBABILITY, settings.MIN_STRENGTH
    if settings.STRATEGY != "geometry" or probability == strength:
        return
    lower, higher = sorted((("MIN_PROBABILITY", probability), ("MIN_STRENGTH", strength)), key=lambda each: each[1])
    text = f"refuses nothing at {plain(lower[1])}: geometry gives both the same value, and {higher[0]} asks for more"
    yield Finding((lower[0],), f"{text}, {plain(higher[1])}")


def _confidence(settings: Settings, reach: Reach) -> Iterator[Finding]:
    tiers, weighting = settings.CONFIDENCE_TIERS, settings.ML_CONFIDENCE_WEIGHTING
    if tiers.enable and weighting.enable:
        text = "weighs nothing, CONFIDENCE_TIERS take its place; set ML_CONFIDENCE_WEIGHTING.enable to false"
        yield Finding(("ML_CONFIDENCE_WEIGHTING", "CONFIDENCE_TIERS"), text)
    if tiers.enable:
        yield from _unreached("CONFIDENCE_TIERS", tiers.tiers, reach.probability)
        yield from _sizeless(settings, reach.probability)
        yield from _level(settings, reach)
    elif weighting.enable:
        yield from _unreached("ML_CONFIDENCE_WEIGHTING", weighting.tiers, reach.probability)
        if reach.confidence == (1, 1):
            text = f"changes nothing: every signal of probability {plain(reach.probability)} and more counts once"
            yield Finding(("ML_CONFIDENCE_WEIGHTING",), text)


def _unreached(name: str, tiers: Sequence[ConfidenceTier | SizeTier], least: float) -> Iterator[Finding]:
    below = [later.min_prob for better, later in pairwise(tiers) if better.min_prob <= least]
    if below:
        text = (
            f"nothing reaches the tier{'s' * (len(below) > 1)} of {', '.join(map(plain, below))}: signals begin at "
            f"{plain(least)}, which the one above has"
        )
        yield Finding((name, "MIN_PROBABILITY"), text)


def _sizeless(settings: Settings, least: float) -> Iterator[Finding]:
    lowest = settings.CONFIDENCE_TIERS.tiers[-1].min_prob
    if least < lowest:
        text = f"lets signals from {plain(least)} on pass, to which CONFIDENCE_TIERS give no size below {plain(lowest)}"
        yield Finding(("MIN_PROBABILITY", "CONFIDENCE_TIERS"), f"{text}; set it to {plain(lowest)}")


def _level(settings: Settings, reach: Reach) -> Iterator[Finding]:
    if settings.MARKET == "futures" and reach.leverage.low == reach.leverage.high:
        text = f"changes no leverage: lowest and highest are {plain(reach.leverage.low)}; raise LEVERAGE"
        yield Finding(("CONFIDENCE_TIERS", "LEVERAGE"), text)


def _kelly(settings: Settings, reach: Reach) -> Iterator[Finding]:
    rule = settings.KELLY
    if not rule.enable:
        return
    if rule.min_fraction * reach.leverage.low >= min(reach.asked.high * TICK_ROOM, reach.allowed.high):
        text = f"caps nothing: it never goes below {percent(rule.min_fraction)} of equity, which no size exceeds"
        yield Finding(("KELLY.min_fraction", "MAX_POSITION_SIZE_PCT"), text)
    elif rule.min_fraction >= rule.fraction:
        text = f"results do not matter: the cap is {percent(rule.min_fraction)} even for the best of them"
        yield Finding(("KELLY.fraction", "KELLY.min_fraction"), f"{text}; let fraction be more than min_fraction")
    elif rule.fraction <= settings.MAX_POSITION_SIZE_PCT:
        text = (
            f"decides no size once {rule.min_trades} trades are closed: KELLY.fraction allows {percent(rule.fraction)}"
        )
        yield Finding(("MAX_POSITION_SIZE_PCT", "KELLY.fraction"), f"{text} of equity at most")


def _factors(settings: Settings) -> Iterator[Finding]:
    """Yield the rules that shrink sizes by nothing."""
    names = ("RE_ENTRY", "LOSING_STREAK_PROTECTION", "DRAWDOWN_PROTECTION")
    idle = [name for name in names if getattr(settings, name).enable and getattr(settings, name).risk_multiplier == 1]
    for name in idle:
        rest = "; it does nothing else" if name == "RE_ENTRY" else ""
        yield Finding((f"{name}.risk_multiplier",), f"1 shrinks no size{rest}")


def _times(low: float, high: float) -> str:
    if math.isinf(high):
        return f"{plain(low)} times and more"
    return plain(low) if math.isclose(low, high) else f"{plain(low)} to {plain(high)} times"


def _percents(low: float, high: float) -> str:
    if math.isinf(high):
        return f"{percent(low)} and more"
    return percent(low) if math.isclose(low, high) else f"{plain(100 * low)} to {percent(high)}"
