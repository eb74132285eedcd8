"""Opinions worked out before the run: readings in their order, and counts of what they leave out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.builders import START_MS, settings, walk
from trader.core.events import Instant
from trader.core.signal import Reading
from trader.core.timeframe import HOUR_MS, Timeframe
from trader.engine.opinions import BatchOpinions, merged_counts, quiet_counts
from trader.strategy.base import OpinionArrays
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.opinions import StreamOpinions, stream_opinions
from trader.trading.checks import quiet_refusal

M1, M5 = Timeframe.MIN_1, Timeframe.MIN_5


def opinions(*seen: int, symbol: str = "BTCUSDT", timeframe: Timeframe = M1, rows: int = 20) -> StreamOpinions:
    """Return opinions that see a double bottom in these rows; the first five are warming up."""
    rank = np.arange(rows)
    sees = np.isin(rank, seen)
    pattern = np.where(sees, 4, -1).astype(np.int8)
    sure = np.where(sees, 0.7 + rank / 1_000, 0.0)
    times = START_MS + (rank + 1) * timeframe.ms
    prices = 100.0 + rank
    seen = OpinionArrays.of(pattern, sure, sure)
    return StreamOpinions(symbol, timeframe, times, prices, prices - 1, prices / 100, rank >= 5, *seen)


def read_all(batch: BatchOpinions, times: Sequence[int]) -> list[list[Reading]]:
    """Return what is read at each of `times`."""
    return [list(batch.read(Instant(time, ()))) for time in times]


def test_only_candles_on_which_something_is_seen_are_read() -> None:
    stream = opinions(7, 9)
    read = read_all(BatchOpinions([stream], ["BTCUSDT"]), stream.time.tolist())
    assert [row for row, readings in enumerate(read) if readings] == [7, 9]
    (reading,) = read[9]
    assert (reading.symbol, reading.timeframe, reading.close, reading.ema50) == ("BTCUSDT", M1, 109.0, 108.0)
    assert (reading.atr14, reading.ready, reading.gap) == (1.09, True, False)
    assert reading.signal is not None
    assert (reading.signal.pattern.value, reading.signal.probability) == ("double_bottom", 0.709)


def test_what_is_seen_while_warming_up_is_not_read() -> None:
    stream = opinions(3, 4, 5)
    read = read_all(BatchOpinions([stream], ["BTCUSDT"]), stream.time.tolist())
    assert [row for row, readings in enumerate(read) if readings] == [5]


def test_shorter_timeframes_come_first_then_the_order_of_the_coins() -> None:
    streams = [
        opinions(1, 5, symbol="BTCUSDT", timeframe=M5, rows=6),
        opinions(9, 14, symbol="BTCUSDT"),
        opinions(14, symbol="ETHUSDT"),
        opinions(14, symbol="SUIUSDT"),
    ]
    batch = BatchOpinions(streams, ["SUIUSDT", "BTCUSDT", "ETHUSDT"])
    read = read_all(batch, (START_MS + (np.arange(30) + 1) * M1.ms).tolist())
    assert [(each.symbol, each.timeframe) for each in read[14]] == [
        ("SUIUSDT", M1),
        ("BTCUSDT", M1),
        ("ETHUSDT", M1),
    ]
    assert [(each.symbol, each.timeframe) for each in read[29]] == [("BTCUSDT", M5)]
    assert sum(map(len, read)) == 5


def test_readings_of_times_without_an_instant_are_passed_over() -> None:
    stream = opinions(7, 8, 9)
    read = read_all(BatchOpinions([stream], ["BTCUSDT"]), [int(stream.time[6]), int(stream.time[8])])
    assert [len(readings) for readings in read] == [0, 1]
    assert read[1][0].close == 108.0


def test_without_streams_nothing_is_read() -> None:
    assert read_all(BatchOpinions([opinions()], ["BTCUSDT"]), [START_MS]) == [[]]


@pytest.mark.parametrize(
    "hours",
    [
        {"enable": False},
        {"enable": True, "start_hour": 6, "end_hour": 20},
        {"enable": True, "start_hour": 22, "end_hour": 3, "timezone": "Asia/Kathmandu"},
    ],
)
def test_quiet_candles_are_counted_as_the_checks_would_one_by_one(hours: dict[str, Any]) -> None:
    values = settings(TRADING_HOURS=hours)
    stream = stream_opinions(walk(3_000, sigma=0.003), GeometryStrategy(), START_MS)
    counted: Counter[str] = Counter()
    for time, ready, pattern in zip(stream.time.tolist(), stream.ready, stream.pattern, strict=True):
        reading = Reading("BTCUSDT", M1, 1.0, 1.0, 1.0, None, bool(ready))
        refusal = quiet_refusal(reading, time, values.TRADING_HOURS)
        if not (ready and pattern >= 0) and refusal is not None:
            counted[refusal.rule] += 1
    assert quiet_counts(stream, values) == counted
    assert set(counted) >= {"warming_up", "no_pattern"}
    assert ("outside_hours" in counted) == hours["enable"]


def test_hours_are_those_of_the_zone_when_clocks_change() -> None:
    night = int(np.datetime64("2025-03-30T00:00", "ms").astype(np.int64))
    values = settings(TRADING_HOURS={"enable": True, "start_hour": 3, "end_hour": 4, "timezone": "Europe/Berlin"})
    stream = stream_opinions(walk(360, start_ms=night - 2 * HOUR_MS), GeometryStrategy(), night)
    seen = int((stream.ready & (stream.pattern >= 0)).sum())
    assert len(stream) - seen - quiet_counts(stream, values)["outside_hours"] <= 60
    assert quiet_counts(stream, values)["no_pattern"] > 30


def test_counts_are_merged_into_a_row_for_every_stream() -> None:
    streams = [("BTCUSDT", M1), ("BTCUSDT", M5)]
    quiet = {"BTCUSDT": {"1min": {"no_pattern": 3}}}
    loud = {"BTCUSDT": {"1min": {"no_pattern": 1, "opened": 2}}, "ETHUSDT": {"5min": {"opened": 1}}}
    assert merged_counts(streams, quiet, loud) == {
        ("BTCUSDT", M1): {"no_pattern": 4, "opened": 2},
        ("BTCUSDT", M5): {},
        ("ETHUSDT", M5): {"opened": 1},
    }
