"""The streams of a training: read and sampled one after another, so that memory holds samples and not features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from trader.core.errors import ConfigError
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.engine.backtest import chosen_span, stored_span
from trader.engine.prepare import Progress, Span
from trader.engine.streams import StreamPlan, plan_streams
from trader.engine.train.fold import Stream
from trader.engine.train.samples import Samples, samples_of
from trader.market.history import closing, finest_stored, history, stream_from
from trader.market.instruments import instruments
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.patterns.labels import LabelRules


class Loaded(msgspec.Struct, frozen=True, eq=False):
    """All that is learned from: the streams, their span, what was left out and why."""

    streams: tuple[Stream, ...]
    span: Span
    notes: tuple[str, ...]


def load_streams(
    settings: Settings, store: Store, start_ms: int | None, end_ms: int | None, labels: LabelRules, progress: Progress
) -> Loaded:
    """Return the streams of the settings' coins and timeframes, as a backtest has them; None is all that is stored.

    Each warms up on `PRELOAD_CANDLES` candles before the span, as far as there are any; samples lie within it. Raise
    `ConfigError` where a coin has no candles: a model that silently knows fewer coins is not what was asked for.
    """
    plan = plan_of(settings, store)
    stored = stored_span(store, settings.MARKET, plan)
    span = chosen_span(stored, start_ms, end_ms)
    span = Span(max(span.start, stored.start), min(span.end, stored.end))
    if span.start >= span.end:
        chosen_span(stored, span.start, span.end)
    grids, _ = instruments(store, settings, list(plan.exits))
    streams: list[Stream] = []
    progress("reading candles", 0, len(plan.streams))
    for symbol in plan.exits:
        for stream in _of_coin(settings, store, plan, span, symbol, grids[symbol], labels):
            streams.append(stream)
            progress("reading candles", len(streams), len(plan.streams))
    streams.sort(key=lambda each: plan.streams.index((each.samples.symbol, each.samples.timeframe)))
    return Loaded(tuple(streams), span, tuple(plan.notes))


def plan_of(settings: Settings, store: Store) -> StreamPlan:
    """Return which streams there are; raise `ConfigError` where a coin has no candles."""
    finest = {symbol: finest_stored(store, settings.MARKET, symbol) for symbol in settings.COINS}
    if absent := [symbol for symbol, least in finest.items() if least is None]:
        have = ", ".join(store.symbols(settings.MARKET))
        raise ConfigError(
            f"the store {store.root}/{settings.MARKET} has no candles of {', '.join(absent)}: "
            f"{f'it has {have}' if have else 'it is empty'}. Name others with --coins, another store with --data, or "
            "bring some with `python start.py import PATH...` or `python start.py download`"
        )
    return plan_streams(settings, finest)


def _of_coin(
    settings: Settings,
    store: Store,
    plan: StreamPlan,
    span: Span,
    symbol: str,
    instrument: Instrument,
    labels: LabelRules,
) -> Iterator[Stream]:
    market, timeframes = settings.MARKET, [timeframe for name, timeframe in plan.streams if name == symbol]
    first = span.start - settings.PRELOAD_CANDLES * max(each.ms for each in timeframes)
    base = history(store, market, symbol, plan.exits[symbol], first, span.end)
    exits = closing(base, span.start, span.end)
    for timeframe in timeframes:
        start = span.start - settings.PRELOAD_CANDLES * timeframe.ms
        table = stream_from(store, market, base, timeframe, start, span.end)
        yield Stream(_within(samples_of(table, labels), span.start), exits, instrument)


def _within(samples: Samples, start: int) -> Samples:
    """Return the samples that are decided behind `start`: before, the stream warms up."""
    return _of(samples, int(np.searchsorted(samples.time, start, side="right")), len(samples))


def before(streams: Sequence[Stream], cut: int) -> list[Stream]:
    """Return what of the streams was known at `cut`, ms: samples whose label was, candles that had closed."""
    return [_before(each, cut) for each in streams]


def _before(stream: Stream, cut: int) -> Stream:
    count = int(np.searchsorted(stream.samples.label_end, cut, side="right"))
    return Stream(_of(stream.samples, 0, count), _closed(stream.exits, cut), stream.instrument)


def _closed(table: CandleTable, cut: int) -> CandleTable:
    return table.rows(0, int(np.searchsorted(table.open_time + table.timeframe.ms, cut, side="right")))


def _of(samples: Samples, first: int, last: int) -> Samples:
    columns = {name: getattr(samples, name) for name in Samples.__struct_fields__}
    parts = {name: each[first:last] for name, each in columns.items() if isinstance(each, np.ndarray)}
    return msgspec.structs.replace(samples, **parts)
