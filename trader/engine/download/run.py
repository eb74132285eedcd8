"""A whole download: filters, then funding, then the candles of every stream, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import msgspec

from trader.core.errors import ConfigError
from trader.core.timeframe import Timeframe
from trader.engine.download.report import DownloadReport, StreamReport, moment
from trader.engine.download.stream import Stream, fetch_klines, market_end
from trader.engine.download.trades import fetch_trades
from trader.exchange.binance.rest import BinanceRest
from trader.exchange.binance.symbols import MarketInfo, market_info
from trader.market.manifest import Span
from trader.market.store import Store

#: Requests under way at a time: the way there and back should not be what one waits for.
AT_ONCE = 4

#: (what, candles settled so far, candles in all)
Progress = Callable[[str, int, int], None]


class DownloadRequest(msgspec.Struct, frozen=True):
    """What is wanted: candles with `start_ms <= open_time < end_ms`; without an end, up to now."""

    coins: Sequence[str]
    timeframes: Sequence[Timeframe]
    start_ms: int
    end_ms: int | None = None


class _Counter:
    """Adds up the candles of all streams for the progress."""

    def __init__(self, report: Progress) -> None:
        self.total = 0
        self._done = 0
        self._report = report

    def of(self, what: str) -> Callable[[int], None]:
        def settled(candles: int) -> None:
            self._done += candles
            self._report(what, self._done, self.total)

        return settled


async def download(rest: BinanceRest, store: Store, request: DownloadRequest, progress: Progress) -> DownloadReport:
    """Bring what `store` lacks of `request`; what has come is kept whatever happens.

    Raise `ConfigError` for coins that the exchange does not list, and whatever `BinanceRest` raises in the end.
    """
    info = await rest.exchange_info()
    _require_listed(market_info(info), request)
    store.save_exchange_info(rest.market, info)
    funding = await _fetch_funding(rest, store, request) if rest.market == "futures" else {}
    counter = _Counter(progress)
    plans = await _plan(rest, store, request, counter)
    counter.total = sum(last - first for stream, _, jobs in plans for first, last in _in_candles(stream, jobs))
    await _work([(stream, job) for stream, _, jobs in plans for job in jobs])
    return _report(rest, store, request, plans, funding)


def sources(market: str, timeframes: Iterable[Timeframe]) -> list[Timeframe]:
    """Return the timeframes to download: 15s and 30s are built from 1s when they are read.

    >>> [str(each) for each in sources("spot", [Timeframe.SEC_30, Timeframe.SEC_15, Timeframe.MIN_1])]
    ['1s', '1min']
    """
    return list(dict.fromkeys(each if each.wire else Timeframe.SEC_1 for each in timeframes))


#: A stream, where its closed candles end, and the spans to download.
_Plan = tuple[Stream, int, list[Span]]


async def _plan(rest: BinanceRest, store: Store, request: DownloadRequest, counter: _Counter) -> list[_Plan]:
    plans = []
    for symbol in request.coins:
        for timeframe in sources(rest.market, request.timeframes):
            stream = Stream(rest, store, symbol, timeframe, counter.of(f"{symbol} {timeframe}"))
            start, end = _aligned(request, timeframe, await market_end(rest, symbol, timeframe))
            plans.append((stream, end, stream.jobs(start, end)))
    return plans


def _aligned(request: DownloadRequest, timeframe: Timeframe, market_ms: int) -> Span:
    """Return the wanted span on the grid of `timeframe`, as far as the market has come."""
    end_ms = market_ms if request.end_ms is None else min(request.end_ms, market_ms)
    return -(-request.start_ms // timeframe.ms) * timeframe.ms, end_ms - end_ms % timeframe.ms


def _in_candles(stream: Stream, jobs: Iterable[Span]) -> list[Span]:
    step = stream.timeframe.ms
    return [(first // step, last // step) for first, last in jobs]


async def _work(jobs: Sequence[tuple[Stream, Span]]) -> None:
    """Do all jobs, some beside each other; the first failure ends the others."""
    waiting = iter(jobs)

    async def worker() -> None:
        for stream, job in waiting:
            fetch = fetch_trades if _by_trades(stream) else fetch_klines
            await fetch(stream, job)

    workers = [asyncio.create_task(worker()) for _ in range(AT_ONCE)]
    try:
        await asyncio.gather(*workers)
    finally:
        for each in workers:
            each.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*workers, return_exceptions=True)


def _by_trades(stream: Stream) -> bool:
    return stream.rest.market == "futures" and stream.timeframe is Timeframe.SEC_1


async def _fetch_funding(rest: BinanceRest, store: Store, request: DownloadRequest) -> dict[str, int]:
    added = {}
    end = request.end_ms if request.end_ms is not None else await rest.time()
    for symbol in request.coins:
        payments = await rest.funding_rates(symbol, request.start_ms, end)
        rows = [(payment.time, payment.rate) for payment in payments]
        added[symbol] = store.merge_funding(rest.market, symbol, rows).added
    return added


def _require_listed(info: MarketInfo, request: DownloadRequest) -> None:
    faults: list[str] = []
    for symbol in request.coins:
        try:
            info.require(symbol)
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)


def _report(
    rest: BinanceRest, store: Store, request: DownloadRequest, plans: Sequence[_Plan], funding: dict[str, int]
) -> DownloadReport:
    streams, notes = [], []
    for stream, end, _ in plans:
        held = store.manifest(rest.market, stream.symbol, stream.timeframe)
        absent = stream.absent_ms(request.start_ms, end) // stream.timeframe.ms
        streams.append(StreamReport(stream.symbol, stream.timeframe, stream.result, held, absent))
        if request.end_ms is not None and end < request.end_ms - request.end_ms % stream.timeframe.ms:
            notes.append(f"{stream.symbol} {stream.timeframe}: the market has come to {moment(end)} only")
    if any(not timeframe.wire for timeframe in request.timeframes):
        notes.append("15s and 30s are built from the 1s candles when they are read")
    return DownloadReport(rest.market, streams, funding, notes)
