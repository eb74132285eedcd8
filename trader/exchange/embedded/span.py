"""From when to when a play goes."""

from __future__ import annotations

from trader.core.errors import ConfigError
from trader.exchange.embedded.options import ExchangeOptions, time_text
from trader.exchange.embedded.source import MARKETS, Source
from trader.exchange.embedded.source_generated import DEFAULT_START_MS


def play_span(options: ExchangeOptions, source: Source) -> tuple[int, int | None, int]:
    """Return start, end (None: for ever) and the time at which the play goes on, ms UTC.

    Without times given, stored candles are played from the first to the last; a generated market has no end.
    Raise `ConfigError` when the times contradict each other, or nothing is held of them.
    """
    first, last = _held(source)
    begin = DEFAULT_START_MS if source.generated else first
    start = begin if options.start is None else options.start
    end = (None if source.generated else last) if options.end is None else options.end
    at = start if options.at is None else options.at
    told = f"{time_text(start)} to {time_text(end)}"
    if end is not None and end <= start:
        raise ConfigError(f"a play from {told} is impossible: its end must be after its start")
    if at < start or (end is not None and at > end):
        raise ConfigError(f"a play from {told} cannot go on at {time_text(at)}; allowed: a time within it")
    if start >= last or (end is not None and end <= first):
        raise ConfigError(f"nothing is held of {told}; allowed: {time_text(first)} to {time_text(last)}")
    return start, end, at


def _held(source: Source) -> tuple[int, int]:
    """Return the first open and the last close of the finest candles of all symbols."""
    spans = [
        source.span(market, symbol, source.timeframes(market, symbol)[0])
        for market in MARKETS
        for symbol in source.symbols(market)
    ]
    return min(start for start, _ in spans), max(end for _, end in spans)
