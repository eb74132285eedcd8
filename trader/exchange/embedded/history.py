"""All candles of one symbol, of every interval: the finest as held, longer ones by resampling, read block by block."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from trader.core.candle import VALUE_COLUMNS
from trader.core.timeframe import DAY_MS, Timeframe
from trader.exchange.embedded.source import Source
from trader.market.resample import resample
from trader.market.table import CandleTable

#: Candles in one block of those that are held; a block of longer ones spans about as much time, in whole days.
BLOCK_CANDLES = 4_096
#: Rows (of 80 bytes) that all blocks of an exchange may hold together.
CACHE_ROWS = 2_000_000

BlockKey = tuple[str, str, Timeframe, int]


class BlockCache:
    """Keeps the tables used last, up to `rows` together."""

    def __init__(self, rows: int = CACHE_ROWS) -> None:
        self._room = rows
        self._tables: OrderedDict[BlockKey, CandleTable] = OrderedDict()

    def get(self, key: BlockKey, make: Callable[[], CandleTable]) -> CandleTable:
        """Return the table of `key`, made when it is not held."""
        table = self._tables.get(key)
        if table is None:
            table = make()
            self._room -= len(table)
            self._tables[key] = table
            self._shrink()
        self._tables.move_to_end(key)
        return table

    def _shrink(self) -> None:
        while self._room < 0 and len(self._tables) > 1:
            _, oldest = self._tables.popitem(last=False)
            self._room += len(oldest)


class History:
    """One symbol's candles, past and future. Longer candles come from the finest; where that does not reach back,
    from those that the source holds in that length."""

    def __init__(self, source: Source, market: str, symbol: str, cache: BlockCache) -> None:
        self.market = market
        self.symbol = symbol
        self._source = source
        self._cache = cache
        held = source.timeframes(market, symbol)
        self._starts = {timeframe: source.span(market, symbol, timeframe)[0] for timeframe in held}
        self.finest = held[0]
        self.start, self.end = source.span(market, symbol, self.finest)
        self._last = max(source.span(market, symbol, timeframe)[1] for timeframe in held)

    def offers(self, timeframe: Timeframe) -> bool:
        """Tell whether candles of `timeframe` can be had: Binance names it, and it is no finer than what is held."""
        named = bool(timeframe.wire) and not (self.market == "futures" and timeframe is Timeframe.SEC_1)
        return named and timeframe.ms >= self.finest.ms

    def table(self, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        """Return the candles with `start_ms <= open_time < end_ms`."""
        start = max(start_ms, self._earliest(timeframe))
        if start >= end_ms:
            return CandleTable.empty(self.symbol, timeframe)
        blocks = range(self.block_of(timeframe, start), self.block_of(timeframe, end_ms - 1) + 1)
        return joined([self.block(timeframe, block) for block in blocks]).between(start_ms, end_ms)

    def first(self, timeframe: Timeframe, start_ms: int, end_ms: int, count: int) -> CandleTable:
        """Return the first `count` candles of `[start_ms, end_ms)`."""
        start, end = max(start_ms, self._earliest(timeframe)), min(end_ms, self._last)
        parts = [CandleTable.empty(self.symbol, timeframe)]
        for block in range(self.block_of(timeframe, start), self.block_of(timeframe, end) + 1):
            parts.append(self.block(timeframe, block).between(start_ms, end_ms))
            if sum(map(len, parts)) >= count:
                break
        return joined(parts).rows(0, count)

    def last(self, timeframe: Timeframe, start_ms: int, end_ms: int, count: int) -> CandleTable:
        """Return the last `count` candles of `[start_ms, end_ms)`."""
        start, end = max(start_ms, self._earliest(timeframe)), min(end_ms, self._last)
        parts = [CandleTable.empty(self.symbol, timeframe)]
        for block in range(self.block_of(timeframe, end), self.block_of(timeframe, start) - 1, -1):
            parts.append(self.block(timeframe, block).between(start_ms, end_ms))
            if sum(map(len, parts)) >= count:
                break
        whole = joined(parts[::-1])
        return whole.rows(max(0, len(whole) - count), len(whole))

    def block(self, timeframe: Timeframe, block: int) -> CandleTable:
        """Return the candles of one block of time."""
        key = (self.market, self.symbol, timeframe, block)
        return self._cache.get(key, lambda: self._make(timeframe, block))

    def block_of(self, timeframe: Timeframe, time_ms: int) -> int:
        """Return the number of the block that holds `time_ms`."""
        return time_ms // self.block_ms(timeframe)

    def block_ms(self, timeframe: Timeframe) -> int:
        """Return the length of blocks of `timeframe`: it follows from what these candles are built of."""
        base = self._base(timeframe)
        length = BLOCK_CANDLES * base.ms
        return length if timeframe is base else max(1, length // DAY_MS) * DAY_MS

    def _earliest(self, timeframe: Timeframe) -> int:
        return min(self.start, self._starts.get(timeframe, self.start))

    def _base(self, timeframe: Timeframe) -> Timeframe:
        return self._source.base_of(self.market, self.symbol, timeframe)

    def _make(self, timeframe: Timeframe, block: int) -> CandleTable:
        start, end = (each * self.block_ms(timeframe) for each in (block, block + 1))
        base = self._base(timeframe)
        if timeframe is base:
            return self._source.candles(self.market, self.symbol, timeframe, start, end)
        built = resample(self.table(base, start, end), timeframe)
        reach = self.start + -self.start % timeframe.ms
        if timeframe not in self._starts or start >= reach:
            return built
        older = self._source.candles(self.market, self.symbol, timeframe, start, min(end, reach))
        return joined([older, built.between(reach, end)])


def joined(tables: list[CandleTable]) -> CandleTable:
    """Return tables of one stream, in order of time, as one."""
    filled = [table for table in tables if len(table)]
    if len(filled) <= 1:
        return filled[0] if filled else tables[0]
    columns = {name: np.concatenate([getattr(table, name) for table in filled]) for name in VALUE_COLUMNS}
    times = np.concatenate([table.open_time for table in filled])
    return CandleTable.build(filled[0].symbol, filled[0].timeframe, times, **columns)
