"""The candles of one trade in one compiled pass: what fills, and how its stop follows (trading-rules, section 6).

This is the loop of `SimulatedBroker` and `trading.exits` for a trade that is alone, on the columns of its exit stream.
Levels come from the functions that the core uses (`trader.simulation.shadow`). Tests hold the times, prices and reasons
of all fills to the core's and the broker's, bit for bit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trader.compiled import compiled
from trader.market.table import Floats, Times

#: What a fill is called, by its number in the compiled code.
REASONS = (
    "stop_loss", "breakeven", "trailing_stop", "partial_tp", "take_profit", "liquidation", "reversal", "end_of_data",
)  # fmt: skip
STOP_LOSS, BREAKEVEN, TRAILING_STOP, PARTIAL_TP, TAKE_PROFIT, LIQUIDATION, REVERSAL, END_OF_DATA = range(len(REASONS))

#: The columns of the fills. Shares are of the original quantity.
FILL_COLUMNS = ("time", "price", "share", "reason")

Matrix = NDArray[np.float64]


class Exits(NamedTuple):
    """What a trade stands with at its fill. Prices in quote currency; `direction` is 1 or -1.

    `taken` is the factor of slippage on a closing market order. `liquidation` is NaN on spot. The stop rises to
    `breakeven_stop` once `direction * peak` is at `breakeven_from`, and to `peak * trail_share` once it is at
    `trail_from`; inf is never. `laddered` (1 or 0): it trails from the first target on, then also by `ladder_gap`.
    `tick` is the grid's unit, `tick_over / tick_under` the same as a fraction of whole numbers; 0 is no grid.
    """

    direction: float
    entry: float
    stop: float
    taken: float
    liquidation: float
    bankruptcy: float
    breakeven_from: float
    breakeven_stop: float
    trail_from: float
    trail_share: float
    laddered: float
    ladder_gap: float
    tick: float
    tick_over: float
    tick_under: float


@compiled
def scan(
    open_time: Times,
    opens: Floats,
    highs: Floats,
    lows: Floats,
    closes: Floats,
    interval: int,
    first: int,
    close_at: int,
    exits: Exits,
    targets: Matrix,
    fills: Matrix,
) -> int:
    """Write what closes the trade that filled at the open of row `first` into `fills`; return how many rows that are.

    `close_at` (ms): a market order to close was decided then. `targets`: price, share and reason of each, nearest
    first; `fills` has one row more. What is left behind the last candle closes at its close.
    One loop, because each step of a candle sees what the one before it left.
    """
    sign = exits.direction
    left, stop, rule, peak = 1.0, exits.stop, STOP_LOSS, exits.entry
    filled = 0
    for row in range(first, len(open_time)):
        opened, closed, price = open_time[row], open_time[row] + interval, opens[row]
        worst, best = (lows[row], highs[row]) if sign > 0 else (highs[row], lows[row])
        if close_at <= opened:
            return _fill(fills, filled, opened, price * exits.taken, left, REVERSAL)
        if _liquidates(exits, stop, price, worst):
            at = opened if sign * price <= sign * exits.liquidation else closed
            return _fill(fills, filled, at, exits.bankruptcy, left, LIQUIDATION)
        if sign * price <= sign * stop:
            return _fill(fills, filled, opened, price * exits.taken, left, rule)
        filled, left = _reach(sign, targets, fills, filled, left, price, opened)
        if filled == len(targets):
            return filled
        if sign * worst <= sign * stop:
            return _fill(fills, filled, closed, stop * exits.taken, left, rule)
        filled, left = _reach(sign, targets, fills, filled, left, best, closed)
        if filled == len(targets):
            return filled
        if sign * best > sign * peak:
            peak = best
        stop, rule = _raised(exits, stop, rule, peak, filled > 0)
    return _fill(fills, filled, open_time[-1] + interval, closes[-1] * exits.taken, left, END_OF_DATA)


@compiled
def _fill(fills: Matrix, filled: int, time: int, price: float, share: float, reason: float) -> int:
    fills[filled, 0] = time
    fills[filled, 1] = price
    fills[filled, 2] = share
    fills[filled, 3] = reason
    return filled + 1


@compiled
def _liquidates(exits: Exits, stop: float, open_: float, worst: float) -> bool:
    sign, liquidation = exits.direction, exits.liquidation
    if math.isnan(liquidation):
        return False
    seen = open_ if sign * stop > sign * liquidation else worst
    return bool(sign * seen <= sign * liquidation or sign * open_ <= sign * liquidation)


@compiled
def _reach(
    sign: float, targets: Matrix, fills: Matrix, filled: int, left: float, price: float, time: int
) -> tuple[int, float]:
    while filled < len(targets) and sign * price >= sign * targets[filled, 0]:
        left -= targets[filled, 1]
        filled = _fill(fills, filled, time, targets[filled, 0], targets[filled, 1], targets[filled, 2])
    return filled, left


@compiled
def _raised(exits: Exits, stop: float, rule: int, peak: float, target_filled: bool) -> tuple[float, int]:
    sign = exits.direction
    if sign * peak >= exits.breakeven_from and sign * exits.breakeven_stop > sign * stop:
        stop, rule = exits.breakeven_stop, BREAKEVEN
    if exits.laddered > 0 and not target_filled:
        return stop, rule
    if exits.laddered > 0:
        level = _towards(exits, peak - exits.ladder_gap)
        if sign * level > sign * stop:
            stop, rule = level, TRAILING_STOP
    if sign * peak >= exits.trail_from:
        level = _towards(exits, peak * exits.trail_share)
        if sign * level > sign * stop:
            stop, rule = level, TRAILING_STOP
    return stop, rule


@compiled
def _towards(exits: Exits, price: float) -> float:
    """Round to the tick towards the entry as `Instrument.level_towards`; exact while price / tick is below 2 ** 53."""
    if exits.tick == 0 or not math.isfinite(price):
        return price
    k = price / exits.tick
    whole = np.rint(k)
    if abs(k - whole) > max(1e-6, abs(k) * 1e-12):
        whole = np.floor(k) if price > exits.entry else np.ceil(k)
    return float(whole * exits.tick_over / exits.tick_under)
