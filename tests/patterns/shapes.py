"""Candle series that a person would call by a pattern's name, drawn by hand with ATR14 = 1.

A series is a start and legs (price, candles): straight runs of closes. Bearish twins are mirrored about 100, exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trader.core.signal import Pattern

Floats = NDArray[np.float64]
Legs = tuple[tuple[float, int], ...]

MIRROR = 100.0
WICK = 0.125


def columns(start: float, legs: Legs) -> tuple[Floats, ...]:
    """Return open, high, low, close, volume, atr14 of the series; prices are multiples of 1/64."""
    closes = [np.array([start])]
    for price, candles in legs:
        closes.append(np.linspace(closes[-1][-1], price, candles + 1)[1:])
    close = np.round(np.concatenate(closes) * 64) / 64
    open = np.r_[close[0], close[:-1]]
    high, low = np.maximum(open, close) + WICK, np.minimum(open, close) - WICK
    return open, high, low, close, np.ones(len(close)), np.ones(len(close))


def mirrored(series: tuple[Floats, ...]) -> tuple[Floats, ...]:
    """Return the series upside down."""
    open, high, low, close, volume, atr14 = series
    return 2 * MIRROR - open, 2 * MIRROR - low, 2 * MIRROR - high, 2 * MIRROR - close, volume, atr14


def _cup(depth: float, candles: int) -> Legs:
    steps = np.linspace(-1.0, 1.0, 11)[1:]
    return tuple((100.0 - depth * (1.0 - x * x), candles // 10) for x in steps)


#: Upward breaks (and the one top without a twin among the patterns), each after the move that belongs before it.
_RISE: Legs = ((88, 5), (93, 6), (90, 4))
_FALL: Legs = ((104, 8), (107, 6), (99, 10), (102, 6))
DRAWN: dict[Pattern, tuple[float, Legs]] = {
    Pattern.ASCENDING_TRIANGLE: (
        92,
        (*_RISE, (100, 12), (95.5, 6), (100, 6), (97.2, 6), (100, 6), (98.4, 5), (103, 6)),
    ),
    Pattern.SYMMETRICAL_TRIANGLE: (
        92,
        (*_RISE, (110, 18), (103, 6), (108.8, 6), (104.2, 6), (107.6, 6), (105.4, 6), (111, 7)),
    ),
    Pattern.DOUBLE_BOTTOM: (110, (*_FALL, (92, 12), (97, 8), (92.2, 8), (99.5, 10))),
    Pattern.HEAD_AND_SHOULDERS: (
        92,
        (*_RISE, (100, 12), (96, 7), (104, 10), (96.2, 10), (100.2, 8), (92, 8)),
    ),
    Pattern.CUP_AND_HANDLE: (85, ((80, 5), (86, 6), (83, 5), (100, 18), *_cup(10, 40), (97.5, 6), (103, 7))),
    Pattern.WEDGE_FALLING: (
        132,
        ((118, 16), (122, 6), (105, 20), (110, 6), (103, 6), (107, 6), (101.6, 6), (104, 6), (100.2, 6), (106, 7)),
    ),
    Pattern.FLAG_BULLISH: (92, (*_RISE, (100, 10), (97.8, 4), (99.4, 4), (97.2, 4), (102, 5))),
}
TWINS = {
    Pattern.DESCENDING_TRIANGLE: Pattern.ASCENDING_TRIANGLE,
    Pattern.DOUBLE_TOP: Pattern.DOUBLE_BOTTOM,
    Pattern.WEDGE_RISING: Pattern.WEDGE_FALLING,
    Pattern.FLAG_BEARISH: Pattern.FLAG_BULLISH,
}


def drawn(pattern: Pattern) -> tuple[Floats, ...]:
    """Return the hand-made series of `pattern`."""
    if pattern in TWINS:
        return mirrored(columns(*DRAWN[TWINS[pattern]]))
    return columns(*DRAWN[pattern])
