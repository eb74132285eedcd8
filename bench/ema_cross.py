"""The strategy that performance.md compares systems with, as signals, and its rules as one plain loop over floats.

Long when EMA12 crosses above EMA26, the close above EMA50 and ATR14 at least `MIN_ATR` of it; entry at the next open,
stop 0.5 %, target 2 %, 33 % of equity, fee 0.1 % a side. On BTCUSDT of 2025: 1,138 trades.
"""

from __future__ import annotations

import msgspec
import numpy as np
import talib
from numpy.typing import NDArray

from trader.core.signal import Pattern
from trader.market.table import CandleTable
from trader.strategy.base import NO_PATTERN, PATTERNS, OpinionArrays
from trader.strategy.opinions import StreamOpinions

MIN_ATR = 0.0005
STOP, TARGET, SHARE, FEE = 0.005, 0.02, 0.33, 0.001
CAPITAL = 10_000.0
#: A pattern whose targets are those of the strategy.
CARRIER = PATTERNS.index(Pattern.ASCENDING_TRIANGLE)

#: What makes the program trade by the same rules: everything beyond them off.
SAME_RULES = {
    "BACKTEST_INITIAL_CAPITAL": CAPITAL,
    "SLIPPAGE_PCT": 0.0,
    "MIN_ATR_PCT": 0.0,
    "PARTIAL_TP": {"enable": False},
    "BREAKEVEN_STOP": {"enable": False},
    "TRAILING_STOP": {"enable": False},
    "LOSING_STREAK_PROTECTION": {"enable": False},
    "DRAWDOWN_PROTECTION": {"enable": False},
    "DAILY_LOSS_LIMIT": 0.0,
}
#: Every rule on; the drawdown is judged and never stops the run.
ALL_RULES = {"BACKTEST_INITIAL_CAPITAL": CAPITAL, "DRAWDOWN_PROTECTION": {"pause_at": 0.98, "close_at": 0.99}}


class Outcome(msgspec.Struct, frozen=True):
    """Trades opened, and the equity that is left."""

    trades: int
    equity: float


def signals(table: CandleTable) -> StreamOpinions:
    """Return the strategy's signals as opinions on every candle."""
    close = table.close
    fast, slow, trend = (talib.EMA(close, period) for period in (12, 26, 50))
    atr = talib.ATR(table.high, table.low, close, 14)
    crossed = np.r_[False, (fast[1:] > slow[1:]) & (fast[:-1] <= slow[:-1])]
    seen = crossed & (close > trend) & (atr >= MIN_ATR * close)
    sure = np.where(seen, 0.66, 0.0)
    pattern = np.where(seen, CARRIER, NO_PATTERN).astype(np.int8)
    times = table.open_time + table.timeframe.ms
    ready = ~np.isnan(trend)
    opinions = OpinionArrays.of(pattern, sure, sure)
    return StreamOpinions(table.symbol, table.timeframe, times, close, trend, atr, ready, *opinions)


def plain_loop(table: CandleTable, seen: NDArray[np.bool_]) -> Outcome:
    """Trade the signals by the bare rules, one position, in a loop over floats."""
    free, quantity, entry, stop, target, trades, waiting = CAPITAL, 0.0, 0.0, 0.0, 0.0, 0, 0.0
    columns = (table.open, table.high, table.low, table.close, seen)
    for open, high, low, close, signal in zip(*(column.tolist() for column in columns), strict=True):
        if waiting:
            quantity, entry, waiting = waiting, open, 0.0
            stop, target = entry * (1 - STOP), entry * (1 + TARGET)
            free -= quantity * entry * FEE
            trades += 1
        if quantity:
            price = open if open <= stop else target if open >= target else 0.0
            price = price or (stop if low <= stop else target if high >= target else 0.0)
            if price:
                free += quantity * (price - entry) - quantity * price * FEE
                quantity = 0.0
        if signal and not quantity:
            waiting = free * SHARE / close
    if quantity:
        free += quantity * (close - entry) - quantity * close * FEE
    return Outcome(trades, free)
