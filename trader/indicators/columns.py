"""The values of a row, their order, and how many candles each needs."""

from __future__ import annotations

#: Candles until a value is first finite, the candle itself included; the order is that of every row.
WARM_UP: dict[str, int] = {
    "sma10": 10,
    "sma20": 20,
    "sma50": 50,
    "ema12": 12,
    "ema26": 26,
    "ema50": 50,
    "ema50_distance": 50,
    "rsi14": 15,
    "stoch_k": 16,
    "stoch_d": 18,
    "cci20": 20,
    "macd": 26,
    "macd_signal": 34,
    "macd_histogram": 34,
    "roc1": 2,
    "roc5": 6,
    "roc10": 11,
    "adx14": 28,
    "plus_di14": 15,
    "minus_di14": 15,
    "psar": 2,
    "bb_upper": 20,
    "bb_lower": 20,
    "bb_width": 20,
    "bb_percent_b": 20,
    "atr14": 15,
    "atr_pct": 15,
    "keltner_upper": 20,
    "keltner_lower": 20,
    "obv": 1,
    "vwap_day": 1,
    "volume_sma20": 20,
    "volume_ratio": 20,
    "taker_buy_ratio": 1,
    "body": 1,
    "upper_shadow": 1,
    "lower_shadow": 1,
    "high20": 20,
    "low20": 20,
    "position20": 20,
}

#: The names of the values of a row, in order.
INDICATORS: tuple[str, ...] = tuple(WARM_UP)

#: Values that are NaN where the source of the candles does not have what they need: here taker volume.
OPTIONAL: tuple[str, ...] = ("taker_buy_ratio",)

#: Candles that a stream needs before its row counts as ready (trading-rules, check 1).
READY_CANDLES = 60


def column(name: str) -> int:
    """Return the index of the value `name` in a row.

    >>> INDICATORS[column("rsi14")]
    'rsi14'
    """
    return INDICATORS.index(name)
