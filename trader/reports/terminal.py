"""What a run says on the terminal when it is done."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from trader.engine.result import RunResult
from trader.reports import book
from trader.reports.acts import idle_in_words
from trader.reports.digest import Digest
from trader.reports.figures import signed, written
from trader.reports.headline import first_lines, headline
from trader.reports.hedging import Hedging
from trader.reports.hedging_words import compared, of_hedges
from trader.reports.refused import Consequences, in_lines
from trader.reports.steps import Step
from trader.reports.write import ReportFiles

#: A report that took longer than this share of its run is said to be.
REPORT_SHARE = 0.1
_MAX_COINS = 20


def terminal_summary(result: RunResult, files: ReportFiles) -> Group:
    """Return what to print: the result, what a person must know, where the files are, the funnel, the coins."""
    digest = Digest.of(result)
    first = first_lines(digest)
    rest = headline(digest)[len(first) :]
    lines = [Text(line, style="bold") for line in first]
    lines += [_line(line, at < len(result.notes)) for at, line in enumerate(rest)]
    answers = [
        *_hedging(digest.hedging),
        _funnel(digest),
        Text(idle_in_words(digest.rules)),
        Text(),
        *_refused(digest.consequences),
        *_coins(result),
    ]
    return Group(*lines, *_files(result, files), Text(), *answers)


def plain_summary(result: RunResult, files: ReportFiles, width: int = 110) -> str:
    """Return the summary as plain text without colours, for whatever is no terminal."""
    text = io.StringIO()
    console = Console(file=text, width=width, color_system=None, force_terminal=False, highlight=False, emoji=False)
    console.print(terminal_summary(result, files), soft_wrap=False)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _line(line: str, must_be_read: bool) -> Text:
    return Text(f"! {line}", style="yellow") if must_be_read else Text(line)


def _files(result: RunResult, files: ReportFiles) -> list[RenderableType]:
    names = ", ".join(path.name for path in (files.page, files.workbook, files.trades_log, files.metrics))
    share = files.elapsed_s / result.elapsed_s if result.elapsed_s > 0 else 0.0
    slow = f" The report took {files.elapsed_s:.1f} s, {share:.0%} of the run's time." if share > REPORT_SHARE else ""
    return [Text(f"Files in {files.directory}: {names}.{slow}")]


def _funnel(digest: Digest) -> Table:
    table = _table("Why was it (not) traded?", "candles", "")
    for step in digest.rules:
        if step.kind == "left":
            _add(table, step.name, f"{step.total:,}", step.meaning, style="bold")
        elif step.total:
            _add(table, f"  {step.label}", f"{step.total:,}", f"{step.meaning}{_setting(step)}")
    return table


def _hedging(found: Hedging | None) -> list[RenderableType]:
    """Return the run with hedges beside the same run without; entries lost where either lost some."""
    if found is None or found.without is None:
        return []
    table = _table("hedging compared", "with", "without", "difference", numbers=True)
    for row in compared(found):
        if row.hedged or row.without or not row.key.startswith("lost_"):
            values = (written(row.hedged, row.kind), written(row.without, row.kind), signed(row.difference, row.kind))
            _add(table, row.label, *values)
    for row in of_hedges(found):
        _add(table, row.label, written(row.hedged, row.kind), "", "")
    return [table, Text()]


def _refused(found: Consequences | None) -> list[Text]:
    """Return which rule earned its place and which cost money, where refused signals were followed."""
    if found is None:
        return []
    first, *rest = in_lines(found)
    return [Text(first), *(Text(f"  {line}") for line in rest), Text()]


def _setting(step: Step) -> str:
    """Return what governs a check; of other rules the page and the workbook say it."""
    return f" ({step.setting})" if step.setting and step.kind in ("ended", "dropped") else ""


def _add(table: Table, *cells: str, style: str = "") -> None:
    # Text takes brackets as they are, where a string would be read as markup.
    table.add_row(*(Text(cell) for cell in cells), style=style)


def _coins(result: RunResult) -> Sequence[RenderableType]:
    lines = sorted(book.by_coin(result), key=lambda line: -line.trades)
    table = _table("coin", "trades", "won", "net", "average R", "profit factor", numbers=True)
    for line in lines[:_MAX_COINS]:
        rate, factor = written(line.win_rate, "percent"), written(line.profit_factor, "ratio")
        net, average = signed(line.net_pnl, "money"), signed(line.average_r, "ratio")
        _add(table, line.name, f"{line.trades:,}", rate, net, average, factor)
    more = len(lines) - _MAX_COINS
    return [table, Text(f"… and {more} more coins in the workbook.")] if more > 0 else [table]


def _table(*heads: str, numbers: bool = False) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, head in enumerate(heads):
        right = place == 1 or (numbers and place > 0)
        table.add_column(head, justify="right" if right else "left", overflow="fold")
    return table
