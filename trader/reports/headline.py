"""What must be read first: the result after costs beside buy-and-hold, and what paused or ran out."""

from __future__ import annotations

from collections.abc import Sequence

from trader.engine.result import RunResult
from trader.engine.run_notes import day_text
from trader.reports.digest import Digest
from trader.reports.figures import signed, written
from trader.reports.funnel import in_words
from trader.reports.hedging_words import verdict

#: More coins than this are counted, not named.
_MAX_NAMED = 8


def headline(digest: Digest) -> list[str]:
    """Return the first lines of every report; the run's own notes come right after `first_lines`."""
    notes = digest.result.notes
    rest = (risk_line(digest), in_words(digest.steps), span_line(digest.result))
    return [*first_lines(digest), *notes, *rest]


def first_lines(digest: Digest) -> list[str]:
    """Return the result, and what hedging was worth where it is on."""
    quote = digest.result.settings.QUOTE
    return [result_line(digest), *(verdict(digest.hedging, quote) if digest.hedging is not None else ())]


def result_line(digest: Digest) -> str:
    """Return the result after costs beside buy-and-hold."""
    values, quote = digest.values, digest.result.settings.QUOTE
    own = f"{signed(values['return'], 'percent')} ({signed(values['net_profit'], 'money')} {quote})"
    held = signed(values["buy_and_hold_return"], "percent")
    coins = _named([hold.symbol for hold in digest.result.holds]) or "no coin"
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
    hedges = sum(trade.hedge for trade in digest.result.trades)
    trades = f"{values['trades']:,} trades" + (f" ({hedges:,} of them hedges)" if hedges else "")
    return f"{trades}, {rate} won, profit factor {factor}, Sharpe {sharpe}, {deepest}."


def span_line(result: RunResult) -> str:
    """Return the market, the span and the streams."""
    span = f"{day_text(result.start)} to {day_text(result.end)} UTC"
    timeframes = ", ".join(dict.fromkeys(str(timeframe) for _, timeframe in result.streams))
    named = _named(list(dict.fromkeys(symbol for symbol, _ in result.streams)))
    return f"{result.settings.MARKET}, {named} on {timeframes}, {span}, {result.candles:,} candles."


def _named(coins: Sequence[str]) -> str:
    return ", ".join(coins) if len(coins) <= _MAX_NAMED else f"{len(coins)} coins"
