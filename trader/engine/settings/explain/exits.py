"""Exits that cannot happen: levels past the take profit, stops that are never the nearest."""

from __future__ import annotations

from collections.abc import Iterator

from trader.core.settings import Settings
from trader.core.settings.types import SHARE_NOISE
from trader.engine.settings.explain.finding import Finding, floored, percent
from trader.engine.settings.explain.reach import Reach, Shape


def dead_exits(settings: Settings, reach: Reach) -> Iterator[Finding]:
    """Yield what of the exits can never close a trade, nor move its stop."""
    yield from _partial(settings, reach)
    yield from _ladder(settings)
    yield from _breakeven(settings, reach)
    yield from _trailing(settings, reach)


def _partial(settings: Settings, reach: Reach) -> Iterator[Finding]:
    rule = settings.PARTIAL_TP
    if not rule.enable:
        return
    if settings.TARGET_LADDER.enable:
        text = "closes nothing, TARGET_LADDER takes its place; set PARTIAL_TP.enable to false"
        yield Finding(("PARTIAL_TP", "TARGET_LADDER"), text)
        return
    if not rule.levels:
        yield Finding(("PARTIAL_TP",), "closes nothing, it has no levels")
    past = [percent(level.pct) for level in rule.levels if level.pct >= reach.target.high]
    if past:
        text = f"the level{'s' * (len(past) > 1)} at {', '.join(past)} close{'s' * (len(past) == 1)} nothing"
        yield Finding(("PARTIAL_TP", "PATTERN_TARGETS"), f"{text}, {_farthest(settings, reach)}")


def _ladder(settings: Settings) -> Iterator[Finding]:
    rule = settings.TARGET_LADDER
    if not rule.enable:
        return
    if len(rule.at) == 1:
        text = "its stop never trails: that begins at the first target, and the only one closes the trade"
        yield Finding(("TARGET_LADDER.trail_atr",), text)
    rest = 1 - sum(rule.close_ratios[:-1])
    if rest > rule.close_ratios[-1] + SHARE_NOISE:
        text = f"the last target closes what is left, {percent(rest)}, and not its {percent(rule.close_ratios[-1])}"
        yield Finding(("TARGET_LADDER.close_ratios",), text)


def _breakeven(settings: Settings, reach: Reach) -> Iterator[Finding]:
    rule, trailing = settings.BREAKEVEN_STOP, settings.TRAILING_STOP
    if not rule.enable:
        return
    if rule.activation_pct >= reach.target.high:
        text = f"never moves a stop: it begins at {percent(rule.activation_pct)}, {_farthest(settings, reach)}"
        yield Finding(("BREAKEVEN_STOP", "PATTERN_TARGETS"), text)
    elif trailing.enable and not settings.TARGET_LADDER.enable and _outbid(settings, reach):
        text = (
            f"never sets a stop: where it begins, at {percent(rule.activation_pct)}, the trailing stop is nearer, "
            f"{percent(trailing.trail_pct)} behind; let that begin later or follow at a greater distance"
        )
        yield Finding(("BREAKEVEN_STOP", "TRAILING_STOP"), text)


def _outbid(settings: Settings, reach: Reach) -> bool:
    """Tell whether the trailing stop is nearer than the breakeven stop from the latter's first candle on."""
    rule, trailing = settings.BREAKEVEN_STOP, settings.TRAILING_STOP
    costs = 2 * settings.taker_fee + settings.SLIPPAGE_PCT if rule.cover_costs else 0.0
    if trailing.activation_pct > rule.activation_pct:
        return False
    sides = {side for shape in reach.shapes for side in shape.directions}
    return all(
        side * (1 + side * rule.activation_pct) * (1 - side * trailing.trail_pct)
        > side * (1 + side * (rule.buffer_pct + costs))
        for side in sides
    )


def _trailing(settings: Settings, reach: Reach) -> Iterator[Finding]:
    rule = settings.TRAILING_STOP
    if not rule.enable:
        return
    if rule.activation_pct >= reach.target.high:
        text = f"never moves a stop: it begins at {percent(rule.activation_pct)}, {_farthest(settings, reach)}"
        yield Finding(("TRAILING_STOP", "PATTERN_TARGETS"), text)
    elif settings.STOP_MODE == "pattern" and all(_stays_behind(shape, rule.trail_pct) for shape in reach.shapes):
        text = (
            f"never moves a stop: {percent(rule.trail_pct)} behind a price short of the target "
            f"({percent(reach.target.high)} at most) is no nearer than the first stop; lower TRAILING_STOP.trail_pct"
        )
        yield Finding(("TRAILING_STOP", "PATTERN_TARGETS"), text)


def _stays_behind(shape: Shape, trail: float) -> bool:
    """Tell whether a stop that trails so far behind the target itself is no nearer than the first stop."""
    target, stop = shape.distances.target, shape.distances.stop
    return all(side * (1 + side * target) * (1 - side * trail) <= side * (1 - side * stop) for side in shape.directions)


def _farthest(settings: Settings, reach: Reach) -> str:
    where = "spot's LONG patterns" if settings.MARKET == "spot" else "the patterns"
    most = reach.target.high
    return f"and {where} take their profit at {percent(most)} at most; set it below {floored(most)}"
