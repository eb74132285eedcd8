"""What a model is given of a candle: `INPUTS`, each a simple function of one row of features.

All of them are causal and free of scale: prices or volumes in another unit give the same numbers. They need open, high,
low, close and volume of candles, so that every source of candles gives them all: none is ever NaN. The share of volume
that takers bought is a feature and no input: files of candles often lack it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trader.core.signal import Pattern
from trader.ml.features import FEATURES
from trader.ml.formulas import Floats, Integers, fill


class Input(NamedTuple):
    """One input: `feature`, less `minus`, divided by `over`; the last two are left out where empty.

    The three are names of `FEATURES`. Where `over` is not positive the input is 0.
    """

    name: str
    about: str
    feature: str
    minus: str = ""
    over: str = ""


def _same(name: str, about: str) -> Input:
    return Input(name, about, name)


def _words(pattern: Pattern) -> str:
    return pattern.value.replace("_", " ")


#: The inputs, in the order of a model's columns.
INPUTS: tuple[Input, ...] = (
    # the formations
    *(
        _same(f"near_{each}", f"{_words(each)}: 1 at the line that completes it, 0 at 4 ATR before or none pending")
        for each in Pattern
    ),
    *(
        _same(f"quality_{each}", f"{_words(each)}: shape of the pending or just broken one, 0 without")
        for each in Pattern
    ),
    # the best candidate, 0 without one
    _same("candidate_side", "best candidate: +1 breaks upward, -1 downward, 0 there is none"),
    _same("candidate_score", "its score once broken, 0 while pending"),
    _same("candidate_points", "swings that it uses"),
    _same("candidate_height_atr", "its height, in ATR14 of its swings"),
    _same("candidate_width", "candles from its first swing to its last"),
    _same("candidate_age", "candles since its last swing"),
    _same("candidate_left", "candles until its apex or until it is out of time"),
    _same("candidate_distance_atr", "the close beyond its line to break, in ATR14; negative inside"),
    _same("candidate_gap_atr", "from that line to the other, in ATR14"),
    _same("candidate_front_slope_atr", "slope of that line towards the break, ATR14 a candle"),
    _same("candidate_back_slope_atr", "slope of the other line towards the break, ATR14 a candle"),
    _same("candidate_calm", "ATR14 against its mean at the swings: below 1 the market has calmed down"),
    _same("candidate_volume", "mean volume at its swings, against the mean volume of their time"),
    # swings
    _same("swing_age", "candles since the last small swing"),
    _same("swing_distance_atr", "the close above the last small swing, in ATR14"),
    _same("swing_leg_atr", "the last small swing above the one before, in ATR14"),
    _same("extreme_distance_atr", "the close above the farthest price of the leg since, in ATR14"),
    _same("swing_volume", "volume at the last small swing, against its mean"),
    _same("middle_swing_distance_atr", "the close above the last middle swing, in ATR14"),
    _same("large_swing_distance_atr", "the close above the last large swing, in ATR14"),
    # trend and momentum
    Input("ema12_distance_atr", "the close above EMA12, in ATR14", "close", "ema12", "atr14"),
    Input("ema50_distance_atr", "the close above EMA50, in ATR14", "close", "ema50", "atr14"),
    Input(
        "macd_histogram_atr",
        "MACD above its signal, in ATR14: how the trend's slope changes",
        "macd_histogram",
        "",
        "atr14",
    ),
    _same("adx14", "strength of the trend, 0 to 100"),
    _same("rsi14", "strength of rises against falls, 0 to 100"),
    Input("change5_atr", "change of the close over 5 candles, in ATR14", "roc5", "", "atr_pct"),
    # volatility, volume, the candle
    _same("atr_pct", "ATR14 as a fraction of the close"),
    Input("bb_width_atr", "width of the Bollinger bands, in ATR14", "bb_upper", "bb_lower", "atr14"),
    Input(
        "vwap_distance_atr", "the close above the day's mean price by volume, in ATR14", "close", "vwap_day", "atr14"
    ),
    _same("volume_ratio", "volume against the mean of 20 candles"),
    _same("body", "body of the candle as a share of its range, -1 to 1"),
    # longer candles, as known now
    _same("block15_trend", "net change over the last 8 closed blocks of 15 candles as a share of its way, -1 to 1"),
    _same("block15_distance", "the close above the mean of those blocks' closes, in mean ranges of a block"),
    _same("block60_trend", "net change over the last 8 closed blocks of 60 candles as a share of its way"),
    _same("block60_distance", "the same of blocks of 60 candles: the close above their mean, in their ranges"),
    _same("block60_range_atr", "mean range of those blocks, in ATR14: how calm it is now against the last hours"),
    # time
    _same("day_fraction", "when the candle opened, in days from 00:00 UTC"),
    _same("week_fraction", "when the candle opened, in weeks from Monday 00:00 UTC"),
)


def _columns(names: list[str]) -> Integers:
    return np.array([FEATURES.index(name) if name else -1 for name in names])


_FEATURE = _columns([each.feature for each in INPUTS])
_MINUS = _columns([each.minus for each in INPUTS])
_OVER = _columns([each.over for each in INPUTS])


def inputs_of(rows: Floats) -> NDArray[np.float32]:
    """Return what a model is given of rows of features, float64[n, len(FEATURES)]: float32[n, len(INPUTS)].

    Row by row: the answer for one does not depend on the others. `rows` are those of candles that are ready.

    >>> inputs_of(np.zeros((2, len(FEATURES)))).shape == (2, len(INPUTS))
    True
    """
    out = np.empty((len(rows), len(INPUTS)), np.float32)
    fill(np.ascontiguousarray(rows, np.float64), _FEATURE, _MINUS, _OVER, out)
    return out


def qualities_of(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the quality of each pattern, in the order of `Pattern`: float32[n, 11], a view of `inputs`."""
    first = [each.name for each in INPUTS].index(f"quality_{next(iter(Pattern))}")
    return inputs[:, first : first + len(Pattern)]
