"""`trades_log.csv`: one row per closed part, in the order of booking, the same bytes for the same run."""

from __future__ import annotations

import csv
import io
import math

from trader.core.trade import Part, Trade
from trader.engine.result import RunResult
from trader.reports.book import booked

COLUMNS = (
    "trade_id", "symbol", "timeframe", "strategy", "pattern", "direction", "probability", "strength", "signal_time",
    "entry_time", "entry_price", "quantity", "part_quantity", "stop_loss", "take_profit", "exit_time", "exit_price",
    "exit_reason", "fees", "funding", "net_pnl", "equity_after",
)  # fmt: skip


def trades_log(result: RunResult) -> str:
    """Return the log as CSV. Times in ms UTC; floats in their shortest exact form; what is undefined is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row(trade, part) for trade, part in booked(result))
    return text.getvalue()


def row(trade: Trade, part: Part) -> tuple[int | str, ...]:
    """Return the cells of one part in the order of `COLUMNS`."""
    return (
        trade.id,
        trade.symbol,
        str(trade.timeframe),
        trade.strategy,
        trade.pattern,
        trade.direction.name,
        exact(trade.probability),
        exact(trade.strength),
        trade.signal_time,
        trade.entry_time,
        exact(trade.entry_price),
        exact(trade.quantity),
        exact(part.quantity),
        exact(trade.first_stop),
        exact(trade.take_profit),
        part.time,
        exact(part.price),
        part.reason,
        exact(part.fees),
        exact(part.funding),
        exact(part.net),
        exact(part.equity_after),
    )


def exact(value: float) -> str:
    """Return the shortest text that reads back as `value`; empty for what is not finite.

    >>> exact(0.1), exact(100), exact(math.nan)
    ('0.1', '100.0', '')
    """
    return repr(float(value)) if math.isfinite(value) else ""
