"""The months of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np

from trader import metrics
from trader.core.trade import Part, Trade
from trader.engine.result import RunResult
from trader.reports.book import booked, closed, defined


class Month(msgspec.Struct, frozen=True):
    """One calendar month, UTC. `change` is the return of the pool, `net_pnl` what its closed parts booked."""

    name: str
    trades: int
    won: int
    net_pnl: float
    fees: float
    funding: float
    equity_end: float
    change: float | None
    max_drawdown: float | None


def by_month(result: RunResult) -> list[Month]:
    """Return a line for each month of the run; what happens at midnight belongs to the day that ends."""
    names = _months(result.start, result.end)
    ended: dict[str, list[Trade]] = {name: [] for name in names}
    parts: dict[str, list[Part]] = {name: [] for name in names}
    for trade in closed(result):
        ended[_within(names, trade.exit_time)].append(trade)
    for _, part in booked(result):
        parts[_within(names, part.time)].append(part)
    return [_month(result, name, ended[name], parts[name]) for name in names]


def month_of(time_ms: int) -> str:
    """Return the UTC month of a moment, as `2025-03`; the first instant of a month closes the one before.

    >>> month_of(1_740_787_200_000), month_of(1_740_787_200_001)
    ('2025-02', '2025-03')
    """
    return datetime.fromtimestamp((time_ms - 1) / 1000, UTC).strftime("%Y-%m")


def _within(names: Sequence[str], time_ms: int) -> str:
    return min(max(month_of(time_ms), names[0]), names[-1])


def _months(start: int, end: int) -> list[str]:
    names = [month_of(start + 1)]
    while names[-1] < month_of(end):
        names.append(month_of(_month_end(names[-1]) + 1))
    return names


def _month_end(name: str) -> int:
    year, month = map(int, name.split("-"))
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return int(following.timestamp()) * 1000


def _month(result: RunResult, name: str, trades: Sequence[Trade], parts: Sequence[Part]) -> Month:
    end = min(_month_end(name), result.end)
    begin = max(result.start, _month_begin(name))
    curve = result.equity
    first, last = metrics.values_at(curve.time, curve.equity, np.array([begin, end])).tolist()
    inside = (curve.time > begin) & (curve.time <= end)
    return Month(
        name=name,
        trades=len(trades),
        won=sum(trade.net > 0 for trade in trades),
        net_pnl=math.fsum(part.net for part in parts),
        fees=math.fsum(part.fees for part in parts),
        funding=math.fsum(part.funding for part in parts),
        equity_end=last,
        change=defined(metrics.total_return(first, last)),
        max_drawdown=defined(metrics.max_drawdown(np.append(first, curve.equity[inside]))),
    )


def _month_begin(name: str) -> int:
    return int(datetime.strptime(name, "%Y-%m").replace(tzinfo=UTC).timestamp()) * 1000
