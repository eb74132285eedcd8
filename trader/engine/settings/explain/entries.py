"""Entries that no signal can make: patterns and timeframes that a check refuses each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from trader.core.settings import Settings
from trader.core.signal import Direction
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.engine.settings.explain.finding import Finding, floored, percent, plain
from trader.engine.settings.explain.reach import Shape, leverage_span
from trader.trading.hours import inside_hours
from trader.trading.margin import liquidation_price
from trader.trading.targets import expected_profit

#: A year over which candles are held against the hours: 2026, in ms.
YEAR = range(1_767_225_600_000, 1_798_761_600_000, HOUR_MS)


def refused_shapes(settings: Settings, shapes: Sequence[Shape]) -> Iterator[tuple[Finding, list[Shape]]]:
    """Yield what refuses some of `shapes` each time, with those that are left."""
    for judge in (_beyond_liquidation, _low_profit):
        refused = [shape for shape in shapes if judge(settings, shape) is not None]
        if not refused:
            continue
        shapes = [shape for shape in shapes if shape not in refused]
        yield _said(settings, judge, refused, list(shapes)), list(shapes)


def dead_hours(settings: Settings) -> Iterator[Finding]:
    """Yield the timeframes whose candles never close inside the trading hours: only those above an hour can."""
    rule = settings.TRADING_HOURS
    closed = [each for each in settings.TIMEFRAMES if rule.enable and each.ms > HOUR_MS and _is_outside(settings, each)]
    if closed:
        hours = f"from {rule.start_hour} to before {rule.end_hour} o'clock, {rule.timezone}"
        text = f"candles of {', '.join(closed)} never close {hours}: they open no trade; leave them out"
        yield Finding(("TRADING_HOURS", "TIMEFRAMES"), text)


def _is_outside(settings: Settings, timeframe: Timeframe) -> bool:
    closes = YEAR[:: timeframe.ms // HOUR_MS]
    return not any(inside_hours(settings.TRADING_HOURS, close) for close in closes)


Judge = Callable[[Settings, Shape], float | None]


def _beyond_liquidation(settings: Settings, shape: Shape) -> float | None:
    """Return the distance of the liquidation price at the least leverage, where the stop is not nearer (check 15)."""
    if settings.MARKET != "futures":
        return None
    lowest = leverage_span(settings).low
    liquidation = 1 - liquidation_price(1.0, Direction.LONG, lowest, settings.MAINTENANCE_MARGIN_RATE)
    return liquidation if shape.distances.stop >= liquidation else None


def _low_profit(settings: Settings, shape: Shape) -> float | None:
    """Return the net profit at the targets where it is below the least (check 13); a wide enough ATR has enough."""
    profit = expected_profit(settings, 1.0, shape.distances)
    least = settings.MIN_NET_PROFIT_PCT
    return profit if settings.STOP_MODE == "pattern" and profit < least else None


def _said(settings: Settings, judge: Judge, refused: Sequence[Shape], left: Sequence[Shape]) -> Finding:
    who = f"every entry of {', '.join(shape.name for shape in refused)}" if left else "every entry"
    distances = "PATTERN_TARGETS" if settings.STOP_MODE == "pattern" else "ATR_STOP"
    best = max(judge(settings, shape) or 0.0 for shape in refused)
    if judge is _low_profit:
        text = f"refuse {who}: the targets net {percent(best)} at most; from MIN_NET_PROFIT_PCT {floored(best)} down"
        text = f"{text} some pass"
        return Finding(("MIN_NET_PROFIT_PCT", distances), text)
    lowest = leverage_span(settings).low
    nearest = min(shape.distances.stop for shape in refused)
    text = (
        f"refuse {who}: at leverage {plain(lowest)} the liquidation price is {percent(best)} away and the stop "
        f"{percent(nearest)}; at leverages below {floored(1 / (nearest + settings.MAINTENANCE_MARGIN_RATE))} some pass"
    )
    return Finding(("LEVERAGE", distances), text)
