"""A trade closes when its own stream changes its mind (trading-rules, section 9)."""

from __future__ import annotations

from trader.core.settings import Settings
from trader.core.signal import Direction, Reading
from trader.core.trade import Trade
from trader.trading.targets import direction_of


def is_reversed(settings: Settings, trade: Trade, reading: Reading) -> bool:
    """Tell whether `reading`, of the trade's own stream, closes the trade; a hedge has no stream."""
    return not trade.hedge and turns_against(settings, trade.direction, reading)


def turns_against(settings: Settings, direction: Direction, reading: Reading) -> bool:
    """Tell whether `reading` speaks against a trade of its stream in `direction`.

    A signal the same way does when its probability is below `REVERSAL.min_probability`; one the other way when it
    passes checks 4 to 6. The hours do not matter.
    """
    signal = reading.signal
    if signal is None:
        return False
    side = direction_of(signal, reading)
    if side is None:
        return False
    if side == direction:
        return signal.probability < settings.REVERSAL.min_probability
    return signal.probability >= settings.MIN_PROBABILITY and signal.strength >= settings.MIN_STRENGTH
