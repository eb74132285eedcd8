"""What hedging was worth: the run with hedges beside the same run without."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from trader import metrics
from trader.core.timeframe import HOUR_MS
from trader.core.trade import Trade
from trader.engine.result import RunResult
from trader.reports import acts, book
from trader.reports.figures import Value, figures
from trader.reports.steps import Stream

#: Checks at which a pool with less free capital, or one that lost more, loses entries.
LOST_ENTRIES = (
    "paused", "daily_loss", "cooldown", "max_trades", "portfolio_risk", "symbol_exposure", "direction_exposure",
    "insufficient_capital", "below_min_size",
)  # fmt: skip


class Hedges(msgspec.Struct, frozen=True):
    """What the hedges of a run did by themselves; money in quote currency.

    `gross` is what prices made of them before all costs, `net` = `gross` - `fees` - `funding` - `slippage`. `funding`
    and costs paid are positive. `reserve_hours` is capital times the hours for which it was tied up, `reserved` its
    mean over the run.
    """

    opened: int
    won: int
    gross: float
    fees: float
    funding: float
    slippage: float
    net: float
    reserve_hours: float
    reserved: float


class Side(msgspec.Struct, frozen=True):
    """One of the two runs: figures as in the report of it; `trades`, `won` without hedges, `liquidations` with.

    `lost_entries` counts signals by the check that refused them, and entries dropped for want of capital.
    `paused_at` is T of the first pause by drawdown, ms; None without one.
    """

    net_profit: float
    change: float
    max_drawdown: float
    sharpe: Value
    trades: int
    won: int
    own_net: float
    liquidations: int
    lost_entries: dict[str, int]
    paused_at: int | None


class Hedging(msgspec.Struct, frozen=True):
    """What a report says of hedges: `why_none` where none was opened; `without` None where it was not compared.

    `shared` is how many trades both runs opened at the same signal. `capital` is what both began with.
    """

    why_none: str
    hedges: Hedges
    hedged: Side
    without: Side | None
    shared: int
    capital: float


def hedging(result: RunResult) -> Hedging | None:
    """Return what is to be said of hedges; None where the settings open none."""
    if not acts.hedges(result.settings):
        return None
    other = result.unhedged
    shared = len(_signals(result.trades) & _signals(other.trades)) if other is not None else 0
    return Hedging(
        why_none=result.no_hedge,
        hedges=_hedges(result),
        hedged=_side(result),
        without=_side(other) if other is not None else None,
        shared=shared,
        capital=result.initial_capital,
    )


def _signals(trades: Iterable[Trade]) -> set[tuple[str, str, int]]:
    return {(trade.symbol, trade.timeframe, trade.signal_time) for trade in trades if not trade.hedge}


def _hedges(result: RunResult) -> Hedges:
    own = [trade for trade in result.trades if trade.hedge]
    fees, funding = math.fsum(map(book.fees_of, own)), math.fsum(map(book.funding_of, own))
    net = math.fsum(trade.net for trade in own)
    hours = math.fsum(map(_reserve_hours, own))
    return Hedges(
        opened=len(own),
        won=sum(trade.net > 0 for trade in own),
        gross=net + fees + funding + result.hedge_slippage,
        fees=fees,
        funding=funding,
        slippage=result.hedge_slippage,
        net=net,
        reserve_hours=hours,
        reserved=hours * HOUR_MS / (result.end - result.start),
    )


def _reserve_hours(trade: Trade) -> float:
    """Return the capital behind a trade times the hours it was tied up; each part gives its share back."""
    held = ((part.quantity, (part.time - trade.entry_time) / HOUR_MS) for part in trade.parts)
    return math.fsum(quantity * trade.entry_price / trade.leverage * hours for quantity, hours in held)


def _side(result: RunResult) -> Side:
    values = figures(result)
    own = [trade for trade in book.closed(result) if not trade.hedge]
    parts = [part for trade in result.trades for part in trade.parts]
    pauses = [change.time for change in result.guards if change.guard == "drawdown" and change.on]
    return Side(
        net_profit=result.final_equity - result.initial_capital,
        change=metrics.total_return(result.initial_capital, result.final_equity),
        max_drawdown=metrics.max_drawdown(result.equity.equity),
        sharpe=values["sharpe"],
        trades=len(own),
        won=sum(trade.net > 0 for trade in own),
        own_net=math.fsum(trade.net for trade in own),
        liquidations=sum(part.reason == "liquidation" for part in parts),
        lost_entries=_lost_entries(result),
        paused_at=pauses[0] if pauses else None,
    )


def _lost_entries(result: RunResult) -> dict[str, int]:
    lost = {rule: _sum(result.funnel, rule) for rule in LOST_ENTRIES}
    lost["insufficient_capital"] += _sum(result.dropped, "insufficient_capital")
    return lost


def _sum(counts: Mapping[Stream, Mapping[str, int]], rule: str) -> int:
    return sum(stream.get(rule, 0) for stream in counts.values())
