"""The main figures of a run, each with what it means: the one list behind every file."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np

from trader import metrics
from trader.engine.result import RunResult
from trader.reports.book import Column, closed, defined

Kind = Literal["percent", "money", "ratio", "count", "duration"]
Value = float | int | None


class Figure(msgspec.Struct, frozen=True):
    """One figure: its key in `metrics.json`, what people read, how it is written, and its meaning."""

    key: str
    label: str
    kind: Kind
    meaning: str


FIGURES = (
    Figure("initial_capital", "Initial capital", "money", "the pool at the start"),
    Figure("final_equity", "Final equity", "money", "the pool at the end: free + reserved + unrealised"),
    Figure("net_profit", "Net profit", "money", "final equity - initial capital, after fees, slippage and funding"),
    Figure("return", "Return", "percent", "net profit / initial capital"),
    Figure("buy_and_hold_return", "Buy-and-hold", "percent",
           "equal amounts in every coin at the first open, held until the last close, no costs"),
    Figure("cagr", "CAGR", "percent", f"the return as yearly growth; undefined below {metrics.MIN_CAGR_DAYS} days"),
    Figure("sharpe", "Sharpe", "ratio",
           "mean / deviation of daily UTC returns × √365, risk-free 0; undefined below 2 days"),
    Figure("sortino", "Sortino", "ratio", "as Sharpe, counting only losing days; undefined without one"),
    Figure("calmar", "Calmar", "ratio", "CAGR / deepest drawdown; undefined without one"),
    Figure("max_drawdown", "Deepest drawdown", "percent", "the largest fall from a peak of equity, as a share of it"),
    Figure("max_drawdown_ms", "… its length", "duration", "from that peak until it was reached again, or the end"),
    Figure("longest_drawdown_ms", "Longest drawdown", "duration", "the longest time below a peak, however shallow"),
    Figure("trades", "Trades", "count", "positions opened and closed; parts of one are not counted apart"),
    Figure("won", "Won", "count", "trades whose net, entry fee included, is above 0"),
    Figure("lost", "Lost", "count", "the others"),
    Figure("win_rate", "Win rate", "percent", "won / trades"),
    Figure("profit_factor", "Profit factor", "ratio", "sum of wins / sum of losses; undefined without a loss"),
    Figure("expectancy", "Expectancy", "money", "mean net of a trade"),
    Figure("expectancy_r", "Expectancy in R", "ratio", "mean net / loss planned at the first stop"),
    Figure("average_win", "Average win", "money", "mean net of the trades won"),
    Figure("average_loss", "Average loss", "money", "mean net of the trades that lost"),
    Figure("best_trade", "Best trade", "money", "the largest net"),
    Figure("worst_trade", "Worst trade", "money", "the smallest net"),
    Figure("longest_win_streak", "Most wins in a row", "count", "in the order in which trades ended"),
    Figure("longest_loss_streak", "Most losses in a row", "count", "in the order in which trades ended"),
    Figure("average_holding_ms", "Average holding time", "duration", "from the entry fill to the last part"),
    Figure("exposure", "Exposure", "percent", "share of the time during which capital was reserved"),
    Figure("average_reserved", "Average reserved", "percent", "mean over time of reserved / equity"),
    Figure("traded", "Traded", "money", "notional of all fills"),
    Figure("turnover", "Turnover", "ratio", "traded / mean equity"),
    Figure("fees", "Fees", "money", "of entries and exits"),
    Figure("slippage", "Slippage", "money", "what fills were worse than their level, already in the prices"),
    Figure("funding", "Funding", "money", "paid on futures positions, got is negative"),
    Figure("costs", "All costs", "money", "fees + slippage + funding"),
)  # fmt: skip


def figures(result: RunResult) -> dict[str, Value]:
    """Return the value of every figure in the order of `FIGURES`; what is undefined is None."""
    values = {**_growth(result), **_risk(result), **_trades(result), **_use(result), **_costs(result)}
    return {figure.key: _clean(values[figure.key]) for figure in FIGURES}


def _clean(value: float | int) -> Value:
    return value if isinstance(value, int) else defined(value)


def _growth(result: RunResult) -> dict[str, float]:
    initial, final = result.initial_capital, result.final_equity
    first = np.array([hold.first for hold in result.holds], np.float64)
    last = np.array([hold.last for hold in result.holds], np.float64)
    return {
        "initial_capital": initial,
        "final_equity": final,
        "net_profit": final - initial,
        "return": metrics.total_return(initial, final),
        "buy_and_hold_return": metrics.buy_and_hold(first, last),
        "cagr": metrics.cagr(initial, final, result.end - result.start),
    }


def _risk(result: RunResult) -> dict[str, float | int]:
    curve = result.equity
    returns = metrics.daily_returns(curve.time, curve.equity, result.start, result.end)
    falls = metrics.drawdowns(curve.time, curve.equity, result.end)
    deepest = metrics.max_drawdown(curve.equity)
    yearly = metrics.cagr(result.initial_capital, result.final_equity, result.end - result.start)
    return {
        "sharpe": metrics.sharpe(returns),
        "sortino": metrics.sortino(returns),
        "calmar": metrics.calmar(yearly, deepest),
        "max_drawdown": deepest,
        "max_drawdown_ms": int(falls.length[falls.depth.argmax()]) if len(falls) else math.nan,
        "longest_drawdown_ms": int(falls.length.max()) if len(falls) else math.nan,
    }


def _trades(result: RunResult) -> dict[str, float | int]:
    table = Column.of(closed(result))
    net, won = table.net, table.net > 0
    return {
        "trades": len(net),
        "won": int(won.sum()),
        "lost": int((~won).sum()),
        "win_rate": metrics.win_rate(net),
        "profit_factor": metrics.profit_factor(net),
        "expectancy": metrics.mean(net),
        "expectancy_r": metrics.mean(metrics.multiples_of_risk(net, table.risk)),
        "average_win": metrics.mean(net[won]),
        "average_loss": metrics.mean(net[~won]),
        "best_trade": float(net.max()) if len(net) else math.nan,
        "worst_trade": float(net.min()) if len(net) else math.nan,
        "longest_win_streak": metrics.longest_streak(won),
        "longest_loss_streak": metrics.longest_streak(~won),
        "average_holding_ms": metrics.mean((table.exit_time - table.entry_time).astype(np.float64)),
    }


def _use(result: RunResult) -> dict[str, float]:
    curve = result.equity
    share = np.divide(curve.reserved, curve.equity, out=np.zeros(len(curve.equity)), where=curve.equity > 0)
    return {
        "exposure": metrics.exposure(curve.time, curve.reserved, result.end),
        "average_reserved": metrics.time_weighted_mean(curve.time, share, result.end),
        "traded": result.turnover,
        "turnover": metrics.turnover(result.turnover, curve.time, curve.equity, result.end),
    }


def _costs(result: RunResult) -> dict[str, float]:
    table = Column.of(closed(result))
    fees, funding = math.fsum(table.fees), math.fsum(table.funding)
    return {
        "fees": fees,
        "slippage": result.slippage_paid,
        "funding": funding,
        "costs": fees + result.slippage_paid + funding,
    }


def written(value: Value, kind: Kind) -> str:
    """Return a figure as people read it; what is undefined is a dash.

    >>> written(0.1234, "percent"), written(1234.5, "money"), written(None, "ratio"), written(90_000_000, "duration")
    ('12.34 %', '1,234.50', '–', '1 d 1 h')
    """
    if value is None or not math.isfinite(value):
        return "–"
    forms = {"percent": f"{value * 100:,.2f} %", "money": f"{value:,.2f}", "ratio": f"{value:,.2f}"}
    return duration(value) if kind == "duration" else forms.get(kind, f"{value:,.0f}")


def signed(value: Value, kind: Kind) -> str:
    """Return a figure with its sign, e.g. `+1.20 %`."""
    sign = "+" if value is not None and value > 0 else ""
    return sign + written(value, kind)


def duration(span_ms: float) -> str:
    """Return a span in its two largest units.

    >>> duration(40 * 86_400_000), duration(65_000), duration(0)
    ('40 d', '1 min 5 s', '0 s')
    """
    rest, texts = int(span_ms // 1000), []
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        amount, rest = divmod(rest, seconds)
        texts.append(f"{amount} {unit}" if amount else "")
    first = next((place for place, text in enumerate(texts) if text), len(texts))
    return " ".join(text for text in texts[first : first + 2] if text) or "0 s"
