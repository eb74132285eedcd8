"""The sheets of trades: each trade, each closed part, and their groups."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl import Workbook

from trader.core.trade import Trade
from trader.engine.result import RunResult
from trader.reports import book
from trader.reports.months import by_month as months_of
from trader.reports.sheet import Column, Sheet

#: A sheet of Excel ends at 1,048,576 rows.
MAX_ROWS = 1_000_000

_TRADES = (
    Column("trade", "id", 8), Column("symbol", width=12), Column("timeframe", width=11),
    Column("strategy", width=11), Column("pattern", width=22), Column("direction", width=11),
    Column("probability", "ratio"), Column("strength", "ratio"), Column("signal (UTC)", "time"),
    Column("entry (UTC)", "time"), Column("exit (UTC)", "time"), Column("held", "duration"),
    Column("entry price", "price"),
    Column("quantity", "quantity"), Column("first stop", "price"), Column("last stop", "price"),
    Column("take profit", "price"), Column("parts", "count", 8), Column("last reason", width=15),
    Column("fees", "money", total=True), Column("funding", "money", total=True), Column("net", "money", total=True),
    Column("net in R", "ratio", total=True),
    Column("equity after", "money"),
    Column("leverage", "ratio"), Column("leverage asked", "ratio", 16), Column("risk", "money"),
    Column("confidence", "ratio", 12), Column("cap by risk", "quantity"), Column("cap by position", "quantity", 17),
    Column("cap by Kelly", "quantity"), Column("cap by bracket", "quantity", 17), Column("reductions", width=40),
    Column("wanted", "quantity"), Column("affordable", "quantity"), Column("bound by", width=12),
)  # fmt: skip
_PARTS = (
    Column("trade", "id", 8), Column("symbol", width=12), Column("direction", width=11),
    Column("exit (UTC)", "time"), Column("reason", width=15), Column("quantity", "quantity"),
    Column("entry price", "price"), Column("exit price", "price"), Column("fees", "money", total=True),
    Column("funding", "money", total=True), Column("net", "money", total=True), Column("equity after", "money"),
)  # fmt: skip
_GROUP = (
    Column("trades", "count"), Column("won", "count"), Column("win rate", "percent"), Column("net", "money"),
    Column("fees", "money"), Column("funding", "money"), Column("average net", "money", 14),
    Column("average in R", "ratio", 14), Column("profit factor", "ratio", 15), Column("best", "money"),
    Column("worst", "money"), Column("average held", "duration", 15),
)  # fmt: skip
_MONTHS = (
    Column("month", width=11), Column("trades ended", "count", 14), Column("won", "count"), Column("net", "money"),
    Column("fees", "money"), Column("funding", "money"), Column("equity at end", "money", 15),
    Column("change", "percent"), Column("deepest drawdown", "percent", 18),
)  # fmt: skip
_REASONS = (
    Column("reason", width=18), Column("parts", "count"), Column("share", "percent"), Column("traded", "money", 16),
    Column("net", "money"), Column("fees", "money"), Column("funding", "money"), Column("average net", "money", 14),
)  # fmt: skip


def trades(workbook: Workbook, result: RunResult) -> None:
    """Write a row for each trade, in the order in which they ended."""
    closed = book.closed(result)
    shown = closed[:MAX_ROWS]
    note = f"{_note('One row for each trade', closed)} The columns from leverage on say what made the quantity."
    sheet = Sheet(workbook, "trades", note, _TRADES, frozen=2, rows=len(shown))
    for trade in shown:
        sheet.add(_trade(trade))
    sheet.filter()


def _trade(trade: Trade) -> Sequence[object]:
    net, risk, last = trade.net, book.risk_of(trade), trade.parts[-1]
    return (
        trade.id, trade.symbol, str(trade.timeframe), trade.strategy, trade.pattern, trade.direction.name,
        trade.probability, trade.strength, trade.signal_time, trade.entry_time, last.time,
        last.time - trade.entry_time, trade.entry_price, trade.quantity, trade.first_stop, trade.stop,
        trade.take_profit, len(trade.parts), last.reason, book.fees_of(trade), book.funding_of(trade), net,
        net / risk if risk > 0 else None, last.equity_after, trade.leverage, *_size(trade),
    )  # fmt: skip


def _size(trade: Trade) -> Sequence[object]:
    """Return what made the quantity; nothing of a hedge, which is a share of what it hedges."""
    factors = trade.factors
    if factors is None:
        return (None,) * 11
    caps = (factors.caps.get(name) for name in ("risk", "position", "kelly", "bracket"))
    reductions = " × ".join(f"{name} {factor:g}" for name, factor in factors.reductions.items())
    return (
        trade.leverage if factors.lowered_from is None else factors.lowered_from, factors.risk, factors.confidence,
        *caps, reductions, factors.wanted, factors.affordable, factors.bound,
    )  # fmt: skip


def parts(workbook: Workbook, result: RunResult) -> None:
    """Write a row for each closed part, in the order of booking."""
    booked = book.booked(result)
    shown = booked[:MAX_ROWS]
    sheet = Sheet(workbook, "parts", _note("One row for each closed part", booked), _PARTS, frozen=2, rows=len(shown))
    for trade, part in shown:
        sheet.add((
            trade.id, trade.symbol, trade.direction.name, part.time, part.reason, part.quantity, trade.entry_price,
            part.price, part.fees, part.funding, part.net, part.equity_after,
        ))  # fmt: skip
    sheet.filter()


def _note(what: str, rows: Sequence[object]) -> str:
    cut = f" The first {MAX_ROWS:,} of {len(rows):,}: all are in trades_log.csv." if len(rows) > MAX_ROWS else ""
    return f"{what}, in the order in which they ended. Times are UTC; money is in quote currency, after costs.{cut}"


def groups(workbook: Workbook, title: str, note: str, lines: Sequence[book.Group]) -> None:
    """Write a row for each group of trades."""
    sheet = Sheet(workbook, title, note, (Column(title.removeprefix("by "), width=22), *_GROUP), frozen=1)
    for line in lines:
        sheet.add((line.name, *book.plain(line).values()))
    sheet.filter()


def by_month(workbook: Workbook, result: RunResult) -> None:
    """Write a row for each month of the run."""
    note = "Months in UTC. Net is what parts booked in the month; change is that of equity, open trades included."
    sheet = Sheet(workbook, "by month", note, _MONTHS, frozen=1)
    for line in months_of(result):
        sheet.add((line.name, *book.plain(line).values()))
    sheet.filter()


def by_exit_reason(workbook: Workbook, result: RunResult) -> None:
    """Write a row for each exit reason."""
    sheet = Sheet(workbook, "by exit reason", "Closed parts by the reason of their exit.", _REASONS, frozen=1)
    for line in book.by_exit_reason(result):
        sheet.add((line.name, *book.plain(line).values()))
    sheet.filter()
