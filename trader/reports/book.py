"""The trades of a run as arrays, and their figures by coin, timeframe, pattern, direction and reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from trader import metrics
from trader.core.signal import Pattern
from trader.core.timeframe import Timeframe
from trader.core.trade import Part, Trade
from trader.engine.result import RunResult
from trader.metrics import Floats, Times


def closed(result: RunResult) -> list[Trade]:
    """Return the trades of which at least a part has closed, in the order in which they ended."""
    return sorted((trade for trade in result.trades if trade.parts), key=lambda trade: trade.parts[-1].sequence)


def booked(result: RunResult) -> list[tuple[Trade, Part]]:
    """Return every closed part with its trade, in the order of booking."""
    parts = [(trade, part) for trade in result.trades for part in trade.parts]
    return sorted(parts, key=lambda pair: pair[1].sequence)


def risk_of(trade: Trade) -> float:
    """Return the loss planned at the first stop, in quote currency; NaN without a stop."""
    return trade.quantity * abs(trade.entry_price - trade.first_stop)


def fees_of(trade: Trade) -> float:
    """Return the fees of the closed parts, their shares of the entry fee included."""
    return math.fsum(part.fees for part in trade.parts)


def funding_of(trade: Trade) -> float:
    """Return the funding of the closed parts; paid is positive."""
    return math.fsum(part.funding for part in trade.parts)


#: The money of a trade besides its net, in the order of the columns.
_MONEY = (risk_of, fees_of, funding_of)


class Column(msgspec.Struct, frozen=True, eq=False):
    """Trades as arrays of one length: `net`, `risk`, `fees`, `funding` in quote currency, times in ms."""

    net: Floats
    risk: Floats
    fees: Floats
    funding: Floats
    entry_time: Times
    exit_time: Times

    @classmethod
    def of(cls, trades: Sequence[Trade]) -> Column:
        """Build from trades with closed parts."""
        floats = ([trade.net for trade in trades], *([of(trade) for trade in trades] for of in _MONEY))
        times = ([trade.entry_time for trade in trades], [trade.exit_time for trade in trades])
        net, risk, fees, funding = (np.array(values, np.float64) for values in floats)
        entry_time, exit_time = (np.array(values, np.int64) for values in times)
        return cls(net, risk, fees, funding, entry_time, exit_time)


class Group(msgspec.Struct, frozen=True):
    """The figures of some trades; what is undefined is None. Money in quote currency, time in ms."""

    name: str
    trades: int
    won: int
    win_rate: float | None
    net_pnl: float
    fees: float
    funding: float
    average: float | None
    average_r: float | None
    profit_factor: float | None
    best: float | None
    worst: float | None
    average_holding_ms: float | None


def defined(value: float) -> float | None:
    """Return `value`, or None for what is not a finite number."""
    return float(value) if math.isfinite(value) else None


def group(name: str, trades: Sequence[Trade]) -> Group:
    """Return the figures of `trades` under `name`."""
    table = Column.of(trades)
    return Group(
        name=name,
        trades=len(trades),
        won=int((table.net > 0).sum()),
        win_rate=defined(metrics.win_rate(table.net)),
        net_pnl=math.fsum(table.net),
        fees=math.fsum(table.fees),
        funding=math.fsum(table.funding),
        average=defined(metrics.mean(table.net)),
        average_r=defined(metrics.mean(metrics.multiples_of_risk(table.net, table.risk))),
        profit_factor=defined(metrics.profit_factor(table.net)),
        best=float(table.net.max()) if trades else None,
        worst=float(table.net.min()) if trades else None,
        average_holding_ms=defined(metrics.mean((table.exit_time - table.entry_time).astype(np.float64))),
    )


def _groups(trades: Iterable[Trade], key: Callable[[Trade], str], names: Iterable[str]) -> list[Group]:
    members: dict[str, list[Trade]] = {name: [] for name in names}
    others: dict[str, list[Trade]] = {}
    for trade in trades:
        home = members if key(trade) in members else others
        home.setdefault(key(trade), []).append(trade)
    return [group(name, chosen) for name, chosen in [*members.items(), *sorted(others.items())]]


def by_coin(result: RunResult) -> list[Group]:
    """Return a line for each coin of the run, traded or not."""
    coins = dict.fromkeys(symbol for symbol, _ in result.streams)
    return _groups(closed(result), lambda trade: trade.symbol, coins)


def by_timeframe(result: RunResult) -> list[Group]:
    """Return a line for each timeframe of the run, shortest first, traded or not."""
    used = {timeframe for _, timeframe in result.streams}
    return _groups(
        closed(result), lambda trade: str(trade.timeframe), [str(each) for each in Timeframe if each in used]
    )


def by_pattern(result: RunResult) -> list[Group]:
    """Return a line for each pattern that was traded, and one for hedges, which have none."""
    traded = {trade.pattern for trade in result.trades}
    return _groups(
        closed(result), lambda trade: trade.pattern or trade.strategy, [str(each) for each in Pattern if each in traded]
    )


def by_direction(result: RunResult) -> list[Group]:
    """Return a line for LONG and for SHORT."""
    return _groups(closed(result), lambda trade: trade.direction.name, ("LONG", "SHORT"))


class Reason(msgspec.Struct, frozen=True):
    """The closed parts with one exit reason. Money in quote currency."""

    name: str
    parts: int
    share: float
    traded: float
    net_pnl: float
    fees: float
    funding: float
    average: float


def by_exit_reason(result: RunResult) -> list[Reason]:
    """Return a line for each reason, the most frequent first."""
    members: dict[str, list[Part]] = {}
    for _, part in booked(result):
        members.setdefault(part.reason, []).append(part)
    total = sum(map(len, members.values()))
    ranked = sorted(members.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_reason(name, parts, total) for name, parts in ranked]


def _reason(name: str, parts: Sequence[Part], total: int) -> Reason:
    net = math.fsum(part.net for part in parts)
    return Reason(
        name=name,
        parts=len(parts),
        share=len(parts) / total,
        traded=math.fsum(part.quantity * part.price for part in parts),
        net_pnl=net,
        fees=math.fsum(part.fees for part in parts),
        funding=math.fsum(part.funding for part in parts),
        average=net / len(parts),
    )


def plain(line: Any) -> dict[str, Any]:
    """Return a line as a dictionary without its name."""
    return {field: getattr(line, field) for field in line.__struct_fields__ if field != "name"}
