"""What every form of the report says first."""

from __future__ import annotations

import statistics

from trader.reports.divergence.records import Cause, Cost, Divergence, Row
from trader.reports.divergence.words import moment
from trader.reports.figures import signed

#: What costs less than this share of a trade's dearest cause is not said one by one; no cause is said in more letters.
SMALL, MOST_WORDS = 0.01, 240


def first_line(found: Divergence) -> str:
    """Return what the day was worse by than its backtest, and whether all of it is explained."""
    gained = (found.equity_live - found.equity_start, found.equity_backtest - found.equity_start)
    made = f"life made {signed(gained[0], 'money')} {found.quote}, the backtest {signed(gained[1], 'money')}"
    counts = f"{found.unexplained} unexplained"
    worse = "worse" if found.cost >= 0 else "better"
    return f"{found.day}: {made}; life was {worse} by {abs(found.cost):,.4f} {found.quote}. {counts}."


def second_line(found: Divergence) -> str:
    """Return how many trades there were on either side, and how many differ."""
    both = sum(1 for row in found.rows if row.live and row.backtest)
    live = sum(1 for row in found.rows if row.live and not row.backtest)
    past = sum(1 for row in found.rows if row.backtest and not row.live)
    same = sum(1 for row in found.rows if not told(row))
    counts = f"{both} trades on both sides ({same} the same), {live} in life only, {past} in the backtest only"
    span = f"{moment(found.start)} to {moment(found.end)} UTC, {found.instants:,} instants"
    return f"{counts}. {found.market} on {found.venue}; {span}."


def delays_line(found: Divergence) -> str:
    """Return how long entries took, as medians; "" where none was sent."""
    delays = [row.delay for row in found.rows if row.delay is not None]
    if not delays:
        return ""
    market = statistics.median(each.market_ms for each in delays)
    own = [each.own_ms for each in delays if each.own_ms is not None]
    answers = [each.answer_ms for each in delays if each.answer_ms is not None]
    words = f"Entries filled {market:,.0f} ms (median) after their decision on the market's clock"
    words += f"; {statistics.median(own):,.0f} ms from judging to sending" if own else ""
    return words + (f", {statistics.median(answers):,.0f} ms from sending to the first answer." if answers else ".")


def told(row: Row) -> list[str]:
    """Return the causes of a row in words, dearest first; what is small beside them is only summed up."""
    costs = [cost for cost in row.costs if cost.cause is not Cause.ROUNDING]
    least = SMALL * max((abs(cost.cost) for cost in costs), default=0.0)
    shown = [cost for cost in costs if abs(cost.cost) >= least or cost.cause is Cause.UNEXPLAINED]
    lines = [_line(cost) for cost in shown]
    rest = len(costs) - len(shown)
    left = sum(cost.cost for cost in costs) - sum(cost.cost for cost in shown)
    return [*lines, f"{rest} smaller, {left:+,.4f} together"] if rest else lines


def _line(cost: Cost) -> str:
    follows = f", follows from trade {cost.follows}" if cost.follows else ""
    words = cost.words if len(cost.words) <= MOST_WORDS else f"{cost.words[:MOST_WORDS]}…"
    return f"{cost.cause} {cost.cost:+,.4f}{follows}{f': {words}' if words else ''}"


def worst(found: Divergence) -> list[Row]:
    """Return the rows, those that cost most first."""
    return sorted(found.rows, key=lambda row: (-row.cost, row.number))
