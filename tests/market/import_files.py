"""Files for the tests of importing, written by hand in the forms that people have."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

from tests.builders import START_MS
from trader.core.timeframe import MINUTE_MS
from trader.market.importing.report import ImportReport, StreamReport
from trader.market.importing.run import ImportOptions, import_paths
from trader.market.store import Store

HEADINGS = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


def archive_row(minute: int, close: float = 100.0, *, scale: int = 1, open: float = 100.0) -> str:
    """Return a row of Binance's archives, times in ms times `scale` (1,000: microseconds)."""
    start = START_MS + minute * MINUTE_MS
    last = (start + MINUTE_MS) * scale - 1
    return f"{start * scale},{open},{max(open, close)},{min(open, close)},{close},2.5,{last},250.0,7,1.25,125.0,0"


def archive(rows: Iterable[int] = range(5), *, scale: int = 1, headings: bool = False) -> str:
    """Return the text of an archive with the candles of these minutes."""
    lines = [HEADINGS] * headings + [archive_row(minute, scale=scale) for minute in rows]
    return "\n".join(lines) + "\n"


def written(path: Path, content: str | bytes) -> Path:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zipped(path: Path, **members: str) -> Path:
    """Write a zip of CSVs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(f"{name.replace('_', '-')}.csv", text)
    return path


def imported(store: Store, *paths: Path, **options: object) -> ImportReport:
    """Import, and return the report."""
    return import_paths(store, paths, ImportOptions(**options))  # type: ignore[arg-type]


def only_stream(report: ImportReport) -> StreamReport:
    """Return the one stream of a report in which nothing failed."""
    assert not report.failed, list(report.lines())
    (stream,) = report.streams.values()
    return stream
