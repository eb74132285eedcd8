"""What was passed over at a glance is, once it is asked for, what would have been seen by looking at every candle."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ml.models import START_MS, registered
from tests.strategy.test_schedule import with_models
from trader.core.timeframe import Timeframe
from trader.market.synthetic import SyntheticMarket
from trader.market.table import VALUE_COLUMNS, CandleTable
from trader.strategy.base import OpinionArrays, signals_of
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.opinions import StreamOpinions, stream_opinions
from trader.strategy.registry import schedule_of_models
from trader.strategy.schedule import Schedule

M1, FIRST, COUNT, GAP = Timeframe.MIN_1, 700, 4_000, 2_500


@pytest.fixture(scope="module")
def table() -> CandleTable:
    """Return candles with a gap: behind it the kernel begins anew."""
    market = SyntheticMarket(8, ["BTCUSDT"], START_MS)
    whole = market.candles("BTCUSDT", M1, START_MS, START_MS + COUNT * M1.ms)
    kept = np.arange(COUNT) != GAP
    columns = {name: getattr(whole, name)[kept] for name in VALUE_COLUMNS}
    return CandleTable.build("BTCUSDT", M1, whole.open_time[kept], **columns)


@pytest.fixture(scope="module")
def schedule(tmp_path_factory: pytest.TempPathFactory) -> Schedule:
    """Return two models, one after the other."""
    folder = tmp_path_factory.mktemp("models")
    registered(folder)
    half = START_MS + COUNT // 2 * M1.ms
    return schedule_of_models(with_models(folder), [(0, "patterns@v0001"), (half, "patterns@v0002")])


def begun(table: CandleTable, schedule: Schedule, everywhere: bool) -> StreamOpinions:
    return stream_opinions(table, schedule, START_MS + FIRST * M1.ms, everywhere)


def test_each_row_is_what_looking_at_all_of_them_shows(table: CandleTable, schedule: Schedule) -> None:
    asked, all_of_them = begun(table, schedule, everywhere=False), begun(table, schedule, everywhere=True)
    assert asked.later is not None
    shown = list(signals_of(OpinionArrays(*(getattr(all_of_them, name) for name in OpinionArrays._fields))))
    rows = [*range(len(asked)), *np.random.default_rng(1).integers(0, len(asked), 50).tolist()]
    assert [asked.later.signal(row) for row in rows] == [shown[row] for row in rows]
    assert sum(signal is not None and signal.held_only for signal in shown) > 20


def test_nothing_is_left_for_later_where_every_candle_is_looked_at(table: CandleTable, schedule: Schedule) -> None:
    assert begun(table, schedule, everywhere=True).later is None
    assert begun(table, Schedule.of(GeometryStrategy()), everywhere=False).later is None
