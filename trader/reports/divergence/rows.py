"""The trades of both sides beside each other, with their costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from trader.core.trade import Trade
from trader.reports.divergence.attribute import Attributed
from trader.reports.divergence.books import DayBooks, Key, key_of, worth
from trader.reports.divergence.evidence import Evidence
from trader.reports.divergence.records import Cause, Cost, Row, Side, Total


def rows_of(first: DayBooks, found: Attributed, evidence: Evidence, marks: Mapping[str, float]) -> tuple[Row, ...]:
    """Return a row for each trade of the day; `first` are the books at its begin, `marks` the last prices by symbol."""
    live, backtest = _by_key(found.live), _by_key(found.backtest)
    begun = {key: worth(trade, _mark(trade, first.book.last_close)) for key, trade in _by_key(first).items()}
    keys = sorted({*live, *backtest, *found.costs}, key=lambda key: (key.decided, key))
    numbers = {key: number for number, key in enumerate(keys, 1)}
    rows = []
    for key in keys:
        ours, theirs = live.get(key), backtest.get(key)
        costs = _summed(found.costs.get(key, ()), numbers)
        trade = ours or theirs
        total = sum(each.cost for each in costs)
        rows.append(
            Row(
                numbers[key],
                key.symbol,
                key.timeframe,
                key.decided,
                int(trade.direction) if trade else 0,
                key.hedge,
                _side(ours, marks, begun.get(key, 0.0)),
                _side(theirs, marks, begun.get(key, 0.0)),
                total,
                _in_r(total, theirs or ours),
                costs,
                evidence.delay(ours.position_id) if ours else None,
            )
        )
    return tuple(rows)


def _by_key(books: DayBooks) -> dict[Key, Trade]:
    return {key_of(trade): trade for trade in books.trades()}


def _mark(trade: Trade, prices: Mapping[str, float]) -> float:
    return prices.get(trade.symbol, trade.entry_price)


def _side(trade: Trade | None, marks: Mapping[str, float], begun: float) -> Side | None:
    if trade is None:
        return None
    closed = sum(part.quantity for part in trade.parts)
    value = sum(part.quantity * part.price for part in trade.parts)
    return Side(
        trade.id,
        trade.entry_time,
        trade.entry_price,
        trade.quantity,
        trade.exit_time,
        value / closed if closed else None,
        ", ".join(dict.fromkeys(part.reason for part in trade.parts)),
        trade.quantity_left if trade.quantity_left > 0 else 0.0,
        trade.fees,
        trade.funding,
        worth(trade, _mark(trade, marks)) - begun,
    )


def _in_r(cost: float, trade: Trade | None) -> float | None:
    risk = abs(trade.entry_price - trade.first_stop) * trade.quantity if trade is not None else math.nan
    return cost / risk if risk > 0 else None


def _summed(costs: Iterable[tuple[Cost, Key | None]], numbers: Mapping[Key, int]) -> tuple[Cost, ...]:
    """Return the costs of a trade, one for each cause and root, dearest first; what is nothing is left out."""
    sums: dict[tuple[Cause, int], Cost] = {}
    for cost, root in costs:
        follows = numbers[root] if root is not None else 0
        before = sums.get((cost.cause, follows))
        words = [before.words] if before and before.words else []
        words += [cost.words] if cost.words and cost.words not in "; ".join(words) else []
        spent = cost.cost + (before.cost if before else 0.0)
        since = before.time if before else cost.time
        sums[cost.cause, follows] = Cost(cost.cause, spent, since, "; ".join(words), follows)
    return tuple(sorted(sums.values(), key=lambda each: -abs(each.cost)))


def totals_of(rows: Iterable[Row], pool_costs: Iterable[Cost]) -> tuple[Total, ...]:
    """Return the sums by cause, dearest first."""
    own: dict[Cause, float] = {}
    followed: dict[Cause, float] = {}
    in_r: dict[Cause, float] = {}
    touched: dict[Cause, set[int]] = {}
    for row in rows:
        scale = row.r / row.cost if row.r is not None and row.cost else 0.0
        for cost in row.costs:
            sums = followed if cost.follows else own
            sums[cost.cause] = sums.get(cost.cause, 0.0) + cost.cost
            in_r[cost.cause] = in_r.get(cost.cause, 0.0) + cost.cost * scale
            if not cost.follows:
                touched.setdefault(cost.cause, set()).add(row.number)
    for cost in pool_costs:
        own[cost.cause] = own.get(cost.cause, 0.0) + cost.cost
    causes = sorted({*own, *followed}, key=lambda cause: -abs(own.get(cause, 0.0) + followed.get(cause, 0.0)))
    return tuple(
        Total(
            cause,
            len(touched.get(cause, ())),
            own.get(cause, 0.0),
            followed.get(cause, 0.0),
            in_r.get(cause, 0.0),
        )
        for cause in causes
    )
