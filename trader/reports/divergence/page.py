"""`report.html` of a day's divergence: one page that opens offline."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from trader.reports.divergence.records import MEANINGS, Cause, Divergence, Row, Side
from trader.reports.divergence.sentences import delays_line, first_line, second_line, told, worst
from trader.reports.divergence.words import at, moment, price_text
from trader.reports.figures import signed
from trader.reports.html import document, row, table

#: At most so many trades are in the table, the dearest of them; the JSON has all.
MAX_ROWS = 1_000
#: Basis points in one.
_BPS = 10_000


def page(found: Divergence, when: datetime) -> str:
    """Return the page as HTML; `when` is the time of the report."""
    title = f"Divergence of {found.day}"
    body = "\n".join([*_head(found, title, when), *_causes(found), *_charts(found), *_trades(found)])
    return document(title, body, drawn(found), Path(__file__).with_name("page.js"))


def _head(found: Divergence, title: str, when: datetime) -> list[str]:
    warned = [f"{found.unexplained} differences have no explanation"] if found.unexplained else []
    said = [line for line in (second_line(found), delays_line(found)) if line]
    commands = (
        [f"Commands of people, given to the backtest too: {'; '.join(found.commands)}."] if found.commands else []
    )
    return [
        f"<h1>{escape(title)}</h1>",
        f'<p class="result">{escape(first_line(found))}</p>',
        *(f'<p class="note">{escape(line)}</p>' for line in [*warned, *found.notes]),
        *(f"<p>{escape(line)}</p>" for line in [*said, *commands]),
        '<p class="soft">The day was simulated again on final candles, from the books as they stood at its begin. A '
        "cost above 0 made life worse than the backtest. Times are UTC. "
        f"Made {when.astimezone(UTC):%Y-%m-%d %H:%M}.</p>",
    ]


def _causes(found: Divergence) -> list[str]:
    heads = ("cause", "trades", f"cost in {found.quote}", "of that in trades that followed", "R", "what it means")
    numbers = range(1, 5)
    rows = [
        row(
            [each.cause, f"{each.trades}", f"{each.cost:+,.4f}", f"{each.followed:+,.4f}", f"{each.r:+,.3f}",
             MEANINGS[each.cause]],
            numbers,
            "left" if each.cause is Cause.UNEXPLAINED else "",
        )
        for each in found.totals
    ]  # fmt: skip
    total = sum(each.cost for each in found.totals)
    rows.append(row(["all", "", f"{total:+,.4f}", "", "", "what life was worse by"], numbers, "left"))
    return ["<h2>Causes</h2>", table(heads, rows, numbers)]


def _charts(found: Divergence) -> list[str]:
    if not found.rows:
        return ["<p>No trade was made on either side.</p>"]
    return [
        '<h2>What it cost, as the day went on</h2><div id="costs" class="chart"></div>',
        '<h2>Prices of entries and exits against the backtest</h2><p class="soft">In hundredths of a percent of the '
        'price; to the right is worse.</p><div id="prices" class="chart"></div>',
        '<h2>How long entries took, and what it did to their price</h2><div id="delays" class="chart"></div>',
    ]


def _trades(found: Divergence) -> list[str]:
    heads = ("trade", f"cost in {found.quote}", "R", "what", "why", "life", "backtest")
    numbers = range(1, 3)
    rows = [
        row(
            [f"{each.number}", f"{each.cost:+,.4f}", "–" if each.r is None else f"{each.r:+,.3f}", _what(each),
             "; ".join(told(each)) or "the same", _side(each.live), _side(each.backtest)],
            numbers,
            "" if told(each) else "off",
        )
        for each in worst(found)[:MAX_ROWS]
    ]  # fmt: skip
    title = "All trades, the dearest differences first"
    more = f"The {MAX_ROWS:,} dearest of {len(found.rows):,} trades" if len(found.rows) > MAX_ROWS else title
    return [f"<h2>{more}</h2>", table(heads, rows, numbers)] if rows else []


def _what(each: Row) -> str:
    return f"{each.symbol} {each.timeframe} {_direction(each)} {at(each.decided)[:8]}"


def _direction(each: Row) -> str:
    side = {1: "LONG", -1: "SHORT"}.get(each.direction, "")
    return f"{side} hedge" if each.hedge else side


def _side(side: Side | None) -> str:
    if side is None:
        return "–"
    entered = f"{side.quantity:.10g} at {price_text(side.entry_price)}"
    left = " and open" if side.left else ""
    closed = f", {side.reason} at {price_text(side.exit_price)}{left}" if side.exit_price is not None else ", open"
    return f"{entered}{closed}: {signed(side.gain, 'money')}"


def drawn(found: Divergence) -> dict[str, Any]:
    """Return what the charts draw."""
    return {"quote": found.quote, "costs": _curves(found), "prices": _prices(found), "delays": _delays(found)}


def _curves(found: Divergence) -> list[dict[str, Any]]:
    """Return the sum of costs over time of each cause that costs anything, and of all."""
    steps = [(cost.time, cost.cause, cost.cost) for each in found.rows for cost in each.costs]
    steps += [(cost.time, cost.cause, cost.cost) for cost in found.pool_costs]
    steps.sort(key=lambda step: step[0])
    curves = [_curve(found, "all", [(time, cost) for time, _, cost in steps])]
    for name in (each.cause for each in found.totals if each.cause is not Cause.ROUNDING):
        curves += [_curve(found, name, [(time, cost) for time, cause, cost in steps if cause is name])]
    return curves


def _curve(found: Divergence, name: str, steps: list[tuple[int, float]]) -> dict[str, Any]:
    times, values, total = [moment(found.start)], [0.0], 0.0
    for time, group in groupby(steps, key=lambda step: step[0]):
        total += sum(cost for _, cost in group)
        times.append(moment(time))
        values.append(total)
    return {"name": str(name), "time": [*times, moment(found.end)], "cost": [*values, total]}


def _prices(found: Divergence) -> dict[str, list[float]]:
    """Return how much worse prices were, in basis points: of entries, and of exits that ended alike."""
    entries, exits = [], []
    for each in found.rows:
        ours, theirs = each.live, each.backtest
        if ours is None or theirs is None:
            continue
        if ours.entry_time > found.start:
            entries.append(each.direction * (ours.entry_price / theirs.entry_price - 1) * _BPS)
        if ours.exit_price and theirs.exit_price and ours.reason == theirs.reason:
            exits.append(-each.direction * (ours.exit_price / theirs.exit_price - 1) * _BPS)
    return {"entries": entries, "exits": exits}


def _delays(found: Divergence) -> list[list[Any]]:
    """Return for each entry its delay in seconds, how much worse its price was (basis points), and its name."""
    return [
        [each.delay.market_ms / 1000, each.direction * (each.live.entry_price / each.backtest.entry_price - 1) * _BPS,
         f"trade {each.number} {each.symbol} {each.timeframe}"]
        for each in found.rows
        if each.delay is not None and each.live is not None and each.backtest is not None
    ]  # fmt: skip
