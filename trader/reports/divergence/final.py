"""The final candles of a day, with what the strategy says of them: the market as a backtest sees it afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from trader.core.events import Instant
from trader.core.signal import Reading
from trader.core.timeframe import Timeframe
from trader.engine.opinions import BatchOpinions
from trader.engine.prepare import Preparation, Span
from trader.engine.replay import settings_of
from trader.engine.streams import StreamPlan
from trader.journal.records import Run
from trader.market.history import closing
from trader.market.replay import replay
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.strategy.registry import STRATEGIES, schedule_of, schedule_of_models


class FinalDay(msgspec.Struct, frozen=True, eq=False):
    """Instants by T in ascending order, what is seen at each T (nothing where it is absent), each coin's candles."""

    instants: dict[int, Instant]
    readings: dict[int, tuple[Reading, ...]]
    bases: dict[str, CandleTable]

    def marks(self, time: int) -> dict[str, float]:
        """Return each coin's last close at T, in quote currency."""
        found = {}
        for symbol, table in self.bases.items():
            row = int(np.searchsorted(table.open_time, time - table.timeframe.ms, "right")) - 1
            if row >= 0:
                found[symbol] = float(table.close[row])
        return found

    def between(self, symbol: str, start_ms: int, end_ms: int) -> CandleTable:
        """Return a coin's candles of which any part lies in `[start, end)`."""
        table = self.bases[symbol]
        return table.between(start_ms - start_ms % table.timeframe.ms, end_ms)


def final_day(
    store: Store,
    run: Run,
    exits: Mapping[str, Timeframe],
    models: Sequence[tuple[int, str]],
    start_ms: int,
    end_ms: int,
) -> FinalDay:
    """Read and judge the candles whose instants lie in `(start, end]`, under the settings of a run and from its anchor.

    `models` are those that the daemon asked, each with the T from which on; geometry needs none.
    Indicators begin where the daemon's began, so that both say the same of the same candles.
    """
    settings = settings_of(run)
    streams = [_stream(text) for text in run.streams]
    plan = StreamPlan(dict(exits), streams, [])
    schedule = schedule_of(settings) if settings.STRATEGY in STRATEGIES else schedule_of_models(settings, models)
    preparation = Preparation(settings, store, plan, Span(min(run.anchor, start_ms), end_ms), schedule, True)
    tables = [closing(table, start_ms, end_ms) for table in preparation.bases(_silent)]
    opinions = BatchOpinions(preparation.opinions(_silent), list(exits))
    rates = {}
    if run.market == "futures":
        rates = {symbol: store.funding("futures", symbol, start_ms + 1, end_ms + 1) for symbol in exits}
    instants = {each.time: each for each in replay(tables, start_ms, end_ms, {k: v for k, v in rates.items() if v})}
    readings = {time: seen for time, instant in instants.items() if (seen := tuple(opinions.read(instant)))}
    return FinalDay(instants, readings, {table.symbol: table for table in tables})


def _stream(text: str) -> tuple[str, Timeframe]:
    symbol, _, timeframe = text.partition(",")
    return symbol, Timeframe.parse(timeframe)


def _silent(what: str, done: int, total: int) -> None:
    """Tell nobody how far it is."""
