"""The candles that a report draws: those that the run has read already, the store's where they do not reach."""

from __future__ import annotations

from trader.core.timeframe import Timeframe
from trader.engine.result import RunResult
from trader.market.history import history
from trader.market.resample import resample
from trader.market.store import Store
from trader.market.table import CandleTable


class RunCandles:
    """Gives candles of a run, as `trader.reports.drawing.Candles` asks for them."""

    def __init__(self, result: RunResult, store: Store) -> None:
        self._bases = result.bases
        self._market = result.settings.MARKET
        self._store = store

    def __call__(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleTable:
        """Return the candles of a stream with `start_ms <= open_time < end_ms`."""
        base = self._bases.get(symbol)
        first, end = start_ms // timeframe.ms * timeframe.ms, -(-end_ms // timeframe.ms) * timeframe.ms
        if base is None or not _reaches(base, timeframe, first, end):
            return history(self._store, self._market, symbol, timeframe, start_ms, end_ms)
        return resample(base.between(first, end), timeframe).between(start_ms, end_ms)


def _reaches(base: CandleTable, timeframe: Timeframe, start_ms: int, end_ms: int) -> bool:
    """Tell whether a longer or equal timeframe can be built from `base` for the whole span."""
    if not len(base) or timeframe.ms % base.timeframe.ms:
        return False
    return bool(base.open_time[0] <= start_ms and end_ms <= base.open_time[-1] + base.timeframe.ms)
