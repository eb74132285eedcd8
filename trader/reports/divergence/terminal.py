"""A day's divergence on the terminal."""

from __future__ import annotations

import io

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from trader.reports.divergence.records import MEANINGS, Divergence
from trader.reports.divergence.sentences import delays_line, first_line, second_line, told, worst
from trader.reports.divergence.words import at
from trader.reports.divergence.write import DivergenceFiles

#: The dearest differences that are shown; the files have all.
MAX_ROWS = 10


def terminal_divergence(found: Divergence, files: DivergenceFiles) -> Group:
    """Return what to print: the result, what must be read, causes, the dearest trades, where the files are."""
    lines: list[RenderableType] = [Text(first_line(found), style="bold")]
    lines += [Text(f"! {note}", style="yellow") for note in found.notes]
    lines += [Text(line) for line in (second_line(found), delays_line(found)) if line]
    lines += [Text(f"given to the backtest too: {'; '.join(found.commands)}")] if found.commands else []
    files_line = f"Files in {files.directory}: {files.page.name}, {files.figures.name}."
    return Group(*lines, Text(files_line), Text(), *_causes(found), *_trades(found))


def plain_divergence(found: Divergence, files: DivergenceFiles, width: int = 130) -> str:
    """Return the same as plain text."""
    text = io.StringIO()
    console = Console(file=text, width=width, color_system=None, force_terminal=False, highlight=False, emoji=False)
    console.print(terminal_divergence(found, files), soft_wrap=False)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _causes(found: Divergence) -> list[RenderableType]:
    table = _table("cause", "trades", "cost", "followed", "R", "")
    for each in found.totals:
        cells = (each.cause, f"{each.trades}", f"{each.cost:+,.4f}", f"{each.followed:+,.4f}", f"{each.r:+,.3f}")
        table.add_row(*map(Text, cells), Text(MEANINGS[each.cause]))
    return [table, Text()] if found.totals else []


def _trades(found: Divergence) -> list[RenderableType]:
    rows = [each for each in worst(found) if told(each)]
    table = _table("trade", "decided", "cost", "R", "stream and causes")
    for each in rows[:MAX_ROWS]:
        words = f"{each.symbol} {each.timeframe}: {'; '.join(told(each))}"
        r = "–" if each.r is None else f"{each.r:+,.3f}"
        table.add_row(*map(Text, (f"{each.number}", at(each.decided)[:8], f"{each.cost:+,.4f}", r, words)))
    more = len(rows) - MAX_ROWS
    last = [Text(f"… and {more} more in the page.")] if more > 0 else []
    return [table, *last] if rows else [Text("No trade differs.")]


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, head in enumerate(heads):
        last = place == len(heads) - 1
        table.add_column(head, justify="left" if last or not place else "right", overflow="fold")
    return table
