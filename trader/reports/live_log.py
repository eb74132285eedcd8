"""The log of a daemon's trades: each closed part is a row on disk as soon as it is booked."""

from __future__ import annotations

import csv
import io
from itertools import islice
from pathlib import Path

from trader.engine.live.snapshot import put_aside
from trader.market.durable import write_atomic
from trader.reports.trades_log import COLUMNS, row
from trader.trading.notes import Note, PartClosed


class LiveTradesLog:
    """Appends rows as `trades_log.csv` has them.

    `rows` is how many the pool has so far: later ones, of a run that was killed before its snapshot, come again. None
    begins a new pool; what is there of the one before is kept aside.
    """

    def __init__(self, path: Path, rows: int | None) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = _lines(path)
        if rows is None and len(lines) > 1:
            put_aside(path)
        kept = [_line(COLUMNS), *islice(lines, 1, 1 + (rows or 0))]
        write_atomic(path, lambda file: file.write("".join(kept).encode()))

    def note(self, note: Note) -> None:
        """Write the row of a closed part."""
        if isinstance(note, PartClosed):
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(row(note.trade, note.part)))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return []


def _line(cells: tuple[int | str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
