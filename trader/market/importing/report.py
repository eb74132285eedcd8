"""What an import did, as records and as lines to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
import numpy as np

from trader.core.settings import Market
from trader.core.timeframe import Timeframe
from trader.market.importing.raw import NAMED, Refusals
from trader.market.manifest import Manifest
from trader.market.overlay import MergeResult

#: How many gaps of a stream are named; all are counted.
NAMED_GAPS = 5
#: How many files that were passed over are named.
NAMED_FILES = 5

Refused = list[tuple[str, Refusals]]


class StreamReport(msgspec.Struct):
    """What the files said of one stream. `manifest` is of all that the store holds of it afterwards."""

    market: Market
    symbol: str
    timeframe: Timeframe
    rows: int = 0
    repeated: int = 0
    result: MergeResult = MergeResult()
    refused: Refused = []
    notes: list[str] = []
    manifest: Manifest | None = None

    def take(self, rows: int, repeated: int) -> None:
        """Count the rows of one more file."""
        self.rows += rows
        self.repeated += repeated

    @property
    def refused_rows(self) -> int:
        """How many rows were refused in all files."""
        return sum(refusals.total for _, refusals in self.refused)


class FundingReport(msgspec.Struct):
    """What the files said of one coin's funding."""

    symbol: str
    rows: int = 0
    result: MergeResult = MergeResult()
    refused: Refused = []


class ImportReport(msgspec.Struct):
    """What became of every file: streams, funding, exchangeInfo and brackets, files passed over, files broken."""

    streams: dict[tuple[Market, str, Timeframe], StreamReport] = {}
    funding: dict[str, FundingReport] = {}
    exchange_info: list[str] = []
    skipped: list[tuple[str, str]] = []
    broken: list[tuple[str, str]] = []

    @property
    def failed(self) -> bool:
        """Tell whether a file was broken, or nothing at all was found to import."""
        usable = any(report.rows > report.refused_rows for report in self.streams.values())
        return bool(self.broken) or not (usable or self.funding or self.exchange_info)

    def lines(self) -> Iterator[str]:
        """Yield the report, a line at a time."""
        for stream in self.streams.values():
            yield from _stream_lines(stream)
        for funding in self.funding.values():
            yield from _funding_lines(funding)
        yield from self.exchange_info
        yield from _file_lines("passed over", self.skipped, NAMED_FILES)
        yield from _file_lines("FAILED", self.broken, len(self.broken))
        if self.failed and not self.broken:
            yield "FAILED: nothing was found to import"


def _stream_lines(report: StreamReport) -> Iterator[str]:
    result = report.result
    counts = {
        "new": result.added,
        "already there": result.same + report.repeated,
        "gave columns": result.enriched,
        "replaced": result.replaced,
        "contradicting": result.conflicts,
        "refused": report.refused_rows,
    }
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count or name == "new")
    yield f"{report.market} {report.symbol} {report.timeframe}: {report.rows:,} rows: {told}"
    if report.manifest and report.manifest.rows:
        yield from _manifest_lines(report.manifest, report.timeframe)
    if result.conflicts:
        first = ", ".join(map(utc, result.conflict_times[:3]))
        yield f"  contradicting candles were dropped, the stored ones stay (--replace takes the new): {first} …"
    yield from _refusal_lines(report.refused)
    yield from (f"  {note}" for note in report.notes[:NAMED])


def _manifest_lines(manifest: Manifest, timeframe: Timeframe) -> Iterator[str]:
    missing = manifest.missing(timeframe)
    number = len(manifest.gaps)
    holes = f"{number:,} gap{'s' * (number > 1)} of {missing:,} candles" if number else "no gaps"
    span = f"{utc(manifest.spans[0][0])} to {utc(manifest.spans[-1][1])}"
    extras = [*manifest.columns[5:], *(f"{name} in part" for name in manifest.partial)]
    also = f", with {', '.join(extras)}" if extras else ""
    yield f"  stored: {manifest.rows:,} candles from {span}, {holes}{also}"
    for start, end in manifest.gaps[:NAMED_GAPS]:
        yield f"  gap: {utc(start)} to {utc(end)}, {(end - start) // timeframe.ms:,} candles"
    if len(manifest.gaps) > NAMED_GAPS:
        yield f"  … and {len(manifest.gaps) - NAMED_GAPS:,} gaps more"


def _funding_lines(report: FundingReport) -> Iterator[str]:
    result = report.result
    against = f", {result.conflicts:,} contradicting dropped" if result.conflicts else ""
    yield f"futures {report.symbol} funding: {report.rows:,} rows: {result.added:,} new, {result.same:,} there{against}"
    yield from _refusal_lines(report.refused)


def _refusal_lines(refused: Refused) -> Iterator[str]:
    """Name the first refused rows; count all by their fault."""
    named = [f"{file}, {refusals.unit} {at}: {why}" for file, refusals in refused for at, why in refusals.named]
    yield from (f"  refused: {text}" for text in named[:NAMED])
    kinds: Counter[str] = sum((refusals.kinds for _, refusals in refused), Counter())
    if kinds.total() > min(len(named), NAMED):
        yield "  refused in all: " + ", ".join(f"{count:,} × {kind}" for kind, count in kinds.most_common())


def _file_lines(what: str, files: list[tuple[str, str]], named: int) -> Iterator[str]:
    for path, why in files[:named]:
        yield f"{what}: {path}: {why}"
    if len(files) > named:
        yield f"{what}: {len(files) - named:,} files more"


def utc(time_ms: int) -> str:
    """Return a time as people read it, in UTC.

    >>> utc(1_735_689_600_000), utc(1_735_689_601_000)
    ('2025-01-01 00:00', '2025-01-01 00:00:01')
    """
    text = str(np.datetime64(time_ms, "ms").astype("datetime64[s]")).replace("T", " ")
    return text.removesuffix(":00") if text.endswith(":00") else text
