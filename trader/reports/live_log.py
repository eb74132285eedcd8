"""The log of a daemon's trades: each closed part is a row on disk as soon as it is booked."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from trader.reports.trades_log import COLUMNS, row
from trader.trading.notes import Note, PartClosed


class LiveTradesLog:
    """Appends rows as `trades_log.csv` has them; `goes_on` keeps those of the same pool before."""

    def __init__(self, path: Path, goes_on: bool) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not goes_on or not path.exists():
            path.write_text(_line(COLUMNS), encoding="utf-8")

    def note(self, note: Note) -> None:
        """Write the row of a closed part."""
        if isinstance(note, PartClosed):
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(row(note.trade, note.part)))


def _line(cells: tuple[int | str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
