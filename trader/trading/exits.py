"""The end of a candle for one trade: best price, breakeven, trailing (trading-rules, 6.6)."""

from __future__ import annotations

from trader.core.candle import Candle
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.trade import Trade


def advance_peak(trade: Trade, candle: Candle) -> bool:
    """Move the trade's best price to the candle's extreme; tell whether it moved."""
    if trade.direction > 0:
        if candle.high <= trade.peak:
            return False
        trade.peak = candle.high
        return True
    if candle.low >= trade.peak:
        return False
    trade.peak = candle.low
    return True


def raised_stop(settings: Settings, trade: Trade, instrument: Instrument) -> tuple[float, str]:
    """Return the stop that the best price so far calls for and the rule that set it; it never moves away."""
    stop, reason = trade.stop, trade.stop_reason
    for price, rule in _candidates(settings, trade):
        level = instrument.level_towards(price, trade.entry_price)
        if trade.direction * level > trade.direction * stop:
            stop, reason = level, rule
    return stop, reason


def _candidates(settings: Settings, trade: Trade) -> list[tuple[float, str]]:
    entry, direction, peak = trade.entry_price, trade.direction, trade.peak
    breakeven, trailing, ladder = settings.BREAKEVEN_STOP, settings.TRAILING_STOP, settings.TARGET_LADDER
    climbs = not ladder.enable or bool(trade.parts)
    candidates = []
    if breakeven.enable and direction * peak >= direction * entry * (1 + direction * breakeven.activation_pct):
        costs = 2 * settings.taker_fee + settings.SLIPPAGE_PCT if breakeven.cover_costs else 0.0
        candidates.append((entry * (1 + direction * (breakeven.buffer_pct + costs)), "breakeven"))
    if ladder.enable and trade.parts:
        candidates.append((peak - direction * ladder.trail_atr * trade.atr14, "trailing_stop"))
    if trailing.enable and climbs and direction * peak >= direction * entry * (1 + direction * trailing.activation_pct):
        candidates.append((peak * (1 - direction * trailing.trail_pct), "trailing_stop"))
    return candidates
