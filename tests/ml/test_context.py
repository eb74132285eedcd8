"""Place in time, and longer candles as they were known at each candle's close."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders import START_MS, walk
from tests.ml.test_inputs import READY, rows_of
from trader.core.timeframe import Timeframe
from trader.market.resample import resample
from trader.market.table import CandleTable
from trader.ml.context import BLOCKS, CONTEXT, DAY_MS, SETTLED_CANDLES, WEEK_MS
from trader.ml.features import FEATURES, FIRST_CONTEXT

MINUTE_MS = 60_000
MONDAY_MS = 1_735_516_800_000  # 2024-12-30
LONGER = {15: Timeframe.MIN_15, 60: Timeframe.HOUR_1}


def moved(table: CandleTable, to_ms: int) -> CandleTable:
    """Return the candles with the first one at `to_ms`."""
    values = {name: getattr(table, name) for name in ("open", "high", "low", "close", "volume")}
    times = table.open_time - table.open_time[0] + to_ms
    return CandleTable.build(table.symbol, table.timeframe, times, **values)


def context_of(table: CandleTable) -> dict[str, NDArray[np.float64]]:
    return dict(zip(CONTEXT, rows_of(table)[:, FIRST_CONTEXT:].T, strict=True))


def test_the_context_comes_last_and_has_the_close() -> None:
    table = walk(300)
    assert FEATURES[FIRST_CONTEXT:] == CONTEXT
    assert context_of(table)["close"].tolist() == table.close[READY:].tolist()


def test_a_week_begins_on_monday_and_a_day_at_midnight_utc() -> None:
    seen = context_of(moved(walk(2_000, timeframe=Timeframe.HOUR_1), MONDAY_MS))
    opened = np.arange(READY, 2_000) * 3_600_000
    assert seen["day_fraction"].tolist() == ((opened % DAY_MS) / DAY_MS).tolist()
    assert seen["week_fraction"].tolist() == ((opened % WEEK_MS) / WEEK_MS).tolist()


@pytest.mark.parametrize("span", LONGER)
@pytest.mark.parametrize("late", [0, 7])
def test_longer_candles_are_those_that_had_closed_by_then(span: int, late: int) -> None:
    table = moved(walk(1_500, seed=1, sigma=0.003), MONDAY_MS + late * MINUTE_MS)
    longer, seen = resample(table, LONGER[span]), context_of(table)
    atr14 = rows_of(table)[:, FEATURES.index("atr14")]
    ends = longer.open_time + span * MINUTE_MS
    for at in range(READY, 1_500, 11):
        closed = int((ends <= table.open_time[at] + MINUTE_MS).sum())
        blocks, close, row = longer.rows(max(0, closed - BLOCKS), closed), table.close[at], at - READY
        if not len(blocks):
            assert [seen[f"block{span}_{name}"][row] for name in ("trend", "distance")] == [0.0, 0.0]
            continue
        ranges, way = (blocks.high - blocks.low).mean(), np.abs(np.diff(blocks.close)).sum()
        low, high = blocks.low.min(), blocks.high.max()
        expected = {
            "trend": (blocks.close[-1] - blocks.close[0]) / way if way else 0.0,
            "distance": (close - blocks.close.mean()) / ranges,
            "position": (close - low) / (high - low),
            "range_atr": ranges / atr14[row],
        }
        for name, value in expected.items():
            assert seen[f"block{span}_{name}"][row] == pytest.approx(value, abs=1e-12), (name, at)


def test_nothing_older_than_the_settled_candles_matters() -> None:
    table = walk(2_000, seed=2, sigma=0.003)
    whole = rows_of(table)[:, FIRST_CONTEXT:]
    for first in (1, 333, 1_000):
        cut = rows_of(table.rows(first, 2_000))[:, FIRST_CONTEXT:]
        settled = first + SETTLED_CANDLES
        same = [CONTEXT.index(name) for name in CONTEXT if not name.endswith("_atr")]
        assert cut[settled - first - READY :, same].tobytes() == whole[settled - READY :, same].tobytes()


def test_a_gap_begins_the_longer_candles_anew() -> None:
    table = walk(700, seed=3, without=[400])
    behind = rows_of(table.rows(400, 699))
    assert rows_of(table)[-len(behind) :].tobytes() == behind.tobytes()
    assert START_MS % DAY_MS == 0
