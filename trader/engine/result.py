"""What a run leaves: everything that the reports are made from."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.core.trade import Trade
from trader.market.table import CandleTable
from trader.simulation.shadow import Shadow
from trader.trading.notes import GuardChanged


class EquityCurve(msgspec.Struct, frozen=True, eq=False):
    """The pool at the ends of instants: a step function, one row where something changed.

    `time` int64 ms; `equity`, `free`, `reserved` float64 in quote currency; all of one length.
    `equity = free + reserved + unrealised`. The first row is the start with the initial capital.
    """

    time: NDArray[np.int64]
    equity: NDArray[np.float64]
    free: NDArray[np.float64]
    reserved: NDArray[np.float64]


class Hold(msgspec.Struct, frozen=True):
    """Prices for buy-and-hold of one coin: the first open and the last close of the run."""

    symbol: str
    first: float
    last: float


class FollowedSignal(msgspec.Struct, frozen=True):
    """A signal that a rule refused at T (ms), followed as a shadow trade; `shadow` is None where it never filled."""

    symbol: str
    timeframe: Timeframe
    time: int
    rule: str
    shadow: Shadow | None


class RunResult(msgspec.Struct, frozen=True, eq=False):
    """One finished run over `[start, end]` (ms UTC, the first open and the last close).

    `funnel` counts, per stream, how many candles ended at each step, in the order of the checks:
    the refusal's rule, or `opened`; `candles` is their sum. Later losses of a pending entry
    (`expired`, `insufficient_capital`, `drawdown`, `kill_switch`) are in `dropped`, of `opened` ones.
    `notes` are sentences a person must read first (ended paused, no funding data, a stream was dropped).
    `overrides`: setting, value, where it came from.
    `followed`: the signals refused behind check 6, in order; None where nobody asked for it.
    `stop_moves`: by trade id, (T of the move in ms, the new stop), in order; a stop counts from the next candle on.
    `stops_raised` counts them per stream and rule. `guards`: what went on and off, in order.
    `undefined_correlations`: by pair of coins, how often r was asked for and not defined.
    `hedge_slippage`: the hedges' share of `slippage_paid`. `no_hedge`: why none was opened, in words; "" where one
    was, or hedging is off. `unhedged`: the same run without hedges; None where nobody asked for it, or none was opened.
    `bases`: each coin's candles of its exit stream, for pictures.
    """

    settings: Settings
    overrides: list[tuple[str, str, str]]
    streams: list[tuple[str, Timeframe]]
    exit_streams: dict[str, Timeframe]
    start: int
    end: int
    initial_capital: float
    final_equity: float
    trades: list[Trade]
    equity: EquityCurve
    funnel: dict[tuple[str, Timeframe], dict[str, int]]
    dropped: dict[tuple[str, Timeframe], dict[str, int]]
    holds: list[Hold]
    notes: list[str]
    instants: int
    candles: int
    slippage_paid: float
    turnover: float
    elapsed_s: float
    stop_moves: dict[int, list[tuple[int, float]]] = {}
    followed: list[FollowedSignal] | None = None
    stops_raised: dict[tuple[str, Timeframe], dict[str, int]] = {}
    guards: list[GuardChanged] = []
    undefined_correlations: dict[str, int] = {}
    hedge_slippage: float = 0.0
    no_hedge: str = ""
    unhedged: RunResult | None = None
    bases: dict[str, CandleTable] = {}
