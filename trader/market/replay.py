"""History as it happened: the instants of a run, one after the other.

This is the hot path of a backtest that steps through every candle. So columns become Python floats a block at a time,
and candles and instants are made by `map` over them: no line of Python runs per candle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat

import numpy as np

from trader.core.candle import PRICE_COLUMNS, VALUE_COLUMNS, Candle
from trader.core.events import FundingRate, Instant
from trader.core.timeframe import Timeframe
from trader.market.resample import resample
from trader.market.table import CandleTable, Times

#: Candles of the finest stream that are Python objects at one time, so that memory does not grow with the history.
BLOCK = 8_192

#: Funding rates by symbol: (time in ms, rate), ascending.
Funding = Mapping[str, Sequence[tuple[int, float]]]


def replay(
    tables: Sequence[CandleTable], start_ms: int, end_ms: int, funding: Funding | None = None
) -> Iterator[Instant]:
    """Yield every instant T, `start_ms < T <= end_ms`, at which a candle of `tables` closes, ascending.

    `tables`: one per stream, in the order of `COINS`. An instant holds its candles with the shorter timeframes first,
    then in the order of `tables`. A funding rate of time F, `start_ms < F`, is in the first instant with T >= F.
    """
    streams = sorted((table for table in tables if len(table)), key=lambda table: table.timeframe.ms)
    if not streams:
        return iter(())
    rank = {table.symbol: index for index, table in reversed(list(enumerate(tables)))}
    rates = [
        FundingRate(symbol, time, rate)
        for symbol, rows in (funding or {}).items()
        for time, rate in rows
        if symbol in rank and time > start_ms
    ]
    rates.sort(key=lambda rate: (rate.time, rank[rate.symbol]))
    first = min(int(table.open_time[0]) for table in streams)
    last = max(int(table.open_time[-1]) + table.timeframe.ms for table in streams)
    return chain.from_iterable(_blocks(streams, max(start_ms, first), min(end_ms, last), deque(rates)))


def replay_streams(
    bases: Sequence[CandleTable],
    timeframes: Iterable[Timeframe],
    start_ms: int,
    end_ms: int,
    funding: Funding | None = None,
) -> Iterator[Instant]:
    """Yield the instants of a run as the daemon sees them: with the longer candles, resampled from each coin's base.

    `bases`: one table per coin, in the order of `COINS`. Timeframes shorter than a coin's base are not built for it.
    """
    streams = [
        resample(base, timeframe)
        for base in bases
        for timeframe in {base.timeframe, *timeframes}
        if timeframe.ms >= base.timeframe.ms
    ]
    return replay(streams, start_ms, end_ms, funding)


def _blocks(
    streams: Sequence[CandleTable], start_ms: int, end_ms: int, rates: deque[FundingRate]
) -> Iterator[Iterator[Instant]]:
    span = BLOCK * streams[0].timeframe.ms
    for begin in range(start_ms, end_ms, span):
        parts = [_closing(stream, begin, min(begin + span, end_ms)) for stream in streams]
        yield _instants([part for part in parts if len(part)], rates)


def _closing(table: CandleTable, after_ms: int, until_ms: int) -> CandleTable:
    interval = table.timeframe.ms
    return table.between(after_ms - interval + 1, until_ms - interval + 1)


def _instants(parts: Sequence[CandleTable], rates: deque[FundingRate]) -> Iterator[Instant]:
    if not parts:
        return iter(())
    closes = [part.open_time + part.timeframe.ms for part in parts]
    candles = [_candles(part) for part in parts]
    if all(np.array_equal(close, closes[0]) for close in closes):
        return map(Instant, closes[0].tolist(), zip(*candles, strict=True), _due(closes[0], rates))
    times = np.unique(np.concatenate(closes))
    return map(Instant, times.tolist(), _together(times, closes, candles), _due(times, rates))


def _together(
    times: Times, closes: Sequence[Times], candles: Sequence[Iterator[Candle]]
) -> Iterator[tuple[Candle, ...]]:
    """Yield the candles of each time; which streams close together is looked up per time, not asked per stream."""
    present = np.zeros((len(times), len(closes)), np.bool_)
    for column, close in enumerate(closes):
        present[np.searchsorted(times, close), column] = True
    casts, which = np.unique(present, axis=0, return_inverse=True)
    feeds = [[candles[column] for column in np.flatnonzero(cast).tolist()] for cast in casts]
    return (tuple(map(next, feeds[cast])) for cast in which.ravel().tolist())


def _candles(part: CandleTable) -> Iterator[Candle]:
    names = list(VALUE_COLUMNS)
    while len(names) > len(PRICE_COLUMNS) and np.isnan(getattr(part, names[-1])).all():
        names.pop()
    values = (getattr(part, name).tolist() for name in names)
    return map(Candle, repeat(part.symbol), repeat(part.timeframe), part.open_time.tolist(), *values)


def _due(times: Times, rates: deque[FundingRate]) -> Iterable[tuple[FundingRate, ...]]:
    """Return for each time the rates that fall due there, and take them from `rates`."""
    if not (rates and rates[0].time <= times[-1]):
        return repeat(())
    due: list[tuple[FundingRate, ...]] = [()] * len(times)
    while rates and rates[0].time <= times[-1]:
        rate = rates.popleft()
        due[int(np.searchsorted(times, rate.time))] += (rate,)
    return due
