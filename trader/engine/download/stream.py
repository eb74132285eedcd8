"""One stream of a download: what of it lacks, and the keeping of each chunk that comes."""

from __future__ import annotations

from collections.abc import Callable

from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.engine.download.absences import Absences
from trader.engine.download.spans import absent, lacking, pieces
from trader.exchange.binance.rest import BinanceRest
from trader.market.manifest import Span
from trader.market.overlay import MergeResult
from trader.market.store import Store
from trader.market.table import CandleTable

#: Candles that one request after the other brings before another stream's turn, about a month of 1min.
JOB_CANDLES = 50_000
#: Candles that are kept at one stroke.
CHUNK_CANDLES = 5_000


class Stream:
    """Candles of `[start_ms, end_ms)` of one symbol and timeframe, into `store`.

    `progress(candles)` is called with how many candles of time have been settled, whether they came or are absent.
    """

    def __init__(
        self, rest: BinanceRest, store: Store, symbol: str, timeframe: Timeframe, progress: Callable[[int], None]
    ) -> None:
        self.symbol = symbol
        self.timeframe = timeframe
        self.result = MergeResult()
        self.rest = rest
        self._store = store
        self._absences = Absences(store, rest.market, symbol, timeframe)
        self._progress = progress

    def jobs(self, start_ms: int, end_ms: int) -> list[Span]:
        """Return what lacks, in pieces that are downloaded one beside the other."""
        known = [*self._store.manifest(self.rest.market, self.symbol, self.timeframe).spans, *self._absences.read()]
        spans = lacking(known, start_ms, end_ms)
        return [piece for span in spans for piece in pieces(span, JOB_CANDLES * self.timeframe.ms)]

    def keep(self, table: CandleTable, settled: Span) -> None:
        """Keep a chunk, and remember what of `settled` the venue does not have."""
        if len(table):
            self.result += self._store.merge(self.rest.market, table)
        self._absences.add(absent(table.open_time, settled, self.timeframe.ms))
        self._progress((settled[1] - settled[0]) // self.timeframe.ms)

    def absent_ms(self, start_ms: int, end_ms: int) -> int:
        """Return how much time of `[start_ms, end_ms)` the venue is known not to have."""
        spans = [(max(first, start_ms), min(last, end_ms)) for first, last in self._absences.read()]
        return sum(last - first for first, last in spans if first < last)


async def market_end(rest: BinanceRest, symbol: str, timeframe: Timeframe) -> int:
    """Return the time up to which candles are closed, ms; 0 when there is none.

    For candles that are built from trades it is the last full minute that the market has passed.
    """
    asked = timeframe if timeframe.ms >= MINUTE_MS or rest.market == "spot" else Timeframe.MIN_1
    return await rest.newest_open_ms(symbol, asked) or 0


async def fetch_klines(stream: Stream, job: Span) -> None:
    """Download the candles of `job`, all of them closed, a chunk at a time."""
    step = stream.timeframe.ms
    start, end = job
    while start < end:
        stop = min(end, start + CHUNK_CANDLES * step)
        table = await stream.rest.klines(stream.symbol, stream.timeframe, start, stop, closed_before_ms=end)
        if not len(table):
            stop = await _next_candle(stream, stop, end)
        stream.keep(table, (start, stop))
        start = stop


async def _next_candle(stream: Stream, start: int, end: int) -> int:
    """Return where the next candle begins, at most `end`: over a long absence one jumps."""
    table = await stream.rest.klines(stream.symbol, stream.timeframe, start, end, 1, closed_before_ms=end)
    return int(table.open_time[0]) if len(table) else end
