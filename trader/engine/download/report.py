"""What a download did, for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from trader.core.settings import Market
from trader.core.timeframe import Timeframe
from trader.market.manifest import Manifest
from trader.market.overlay import MergeResult

HEADINGS = ("stream", "added", "stored", "from", "to", "gaps")


class StreamReport(msgspec.Struct, frozen=True):
    """One stream: what was added, and all that the store holds of it now. `absent` candles the venue does not have."""

    symbol: str
    timeframe: Timeframe
    result: MergeResult
    manifest: Manifest
    absent: int


class DownloadReport(msgspec.Struct, frozen=True):
    """A whole download: its streams, the funding payments added by coin, and what a person should know."""

    market: Market
    streams: list[StreamReport]
    funding: dict[str, int]
    notes: list[str]

    @property
    def added(self) -> int:
        """How many candles are new."""
        return sum(stream.result.added for stream in self.streams)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield the cells of the summary, under `HEADINGS`."""
        for each in self.streams:
            held = each.manifest
            yield (
                f"{each.symbol} {each.timeframe}",
                f"{each.result.added:,}",
                f"{held.rows:,}",
                moment(held.first),
                moment(None if held.last is None else held.last + each.timeframe.ms),
                f"{len(held.gaps)} ({held.missing(each.timeframe):,} candles)" if held.gaps else "none",
            )

    def lines(self) -> Iterator[str]:
        """Yield what the table does not say."""
        for symbol, added in self.funding.items():
            yield f"{symbol}: {added:,} funding payments added"
        for each in self.streams:
            if each.absent:
                yield f"{each.symbol} {each.timeframe}: {each.absent:,} candles that the exchange does not have"
            if each.result.conflicts:
                yield (
                    f"{each.symbol} {each.timeframe}: {each.result.conflicts:,} candles contradict stored ones, "
                    "which stay"
                )
        yield from self.notes


def moment(time_ms: int | None) -> str:
    """Return a time as UTC: the day, with what it has of the day.

    >>> moment(1735689600000), moment(1735689660000), moment(1735689661000)
    ('2025-01-01', '2025-01-01 00:01', '2025-01-01 00:01:01')
    """
    if time_ms is None:
        return "-"
    text = datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return text.removesuffix(" 00:00:00").removesuffix(":00")
