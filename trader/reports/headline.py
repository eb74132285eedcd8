"""What must be read first: the result after costs beside buy-and-hold, and what paused or ran out."""

from __future__ import annotations

from datetime import UTC, datetime

from trader.engine.result import RunResult
from trader.reports.digest import Digest
from trader.reports.figures import signed, written
from trader.reports.funnel import in_words


def headline(digest: Digest) -> list[str]:
    """Return the first lines of every report; the run's own notes come right after the result."""
    notes = digest.result.notes
    return [result_line(digest), *notes, risk_line(digest), in_words(digest.steps), span_line(digest.result)]


def result_line(digest: Digest) -> str:
    """Return the result after costs beside buy-and-hold."""
    values, quote = digest.values, digest.result.settings.QUOTE
    own = f"{signed(values['return'], 'percent')} ({signed(values['net_profit'], 'money')} {quote})"
    held = signed(values["buy_and_hold_return"], "percent")
    coins = ", ".join(hold.symbol for hold in digest.result.holds) or "no coin"
    costs = written(values["costs"], "money")
    return f"Result after costs: {own}. Buy-and-hold of {coins}: {held}. Costs: {costs} {quote}."


def risk_line(digest: Digest) -> str:
    """Return trades, win rate and drawdown in a sentence."""
    values = digest.values
    if not values["trades"]:
        return "No trade was closed."
    rate, factor = written(values["win_rate"], "percent"), written(values["profit_factor"], "ratio")
    fall, length = written(values["max_drawdown"], "percent"), written(values["max_drawdown_ms"], "duration")
    deepest = f"deepest drawdown {fall}" + (f" over {length}" if values["max_drawdown_ms"] is not None else "")
    sharpe = written(values["sharpe"], "ratio")
    return f"{values['trades']:,} trades, {rate} won, profit factor {factor}, Sharpe {sharpe}, {deepest}."


def span_line(result: RunResult) -> str:
    """Return the market, the span and the streams."""
    span = f"{clock(result.start)} to {clock(result.end)} UTC"
    timeframes = ", ".join(dict.fromkeys(str(timeframe) for _, timeframe in result.streams))
    coins = dict.fromkeys(symbol for symbol, _ in result.streams)
    named = ", ".join(coins) if len(coins) <= 8 else f"{len(coins)} coins"
    return f"{result.settings.MARKET}, {named} on {timeframes}, {span}, {result.candles:,} candles."


def clock(time_ms: int) -> str:
    """Return a moment as `2025-01-01 00:00`, UTC.

    >>> clock(1_735_689_600_000)
    '2025-01-01 00:00'
    """
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
