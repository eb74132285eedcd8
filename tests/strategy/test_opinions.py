"""Opinions as candles come and opinions computed before are the same, bit for bit."""

from __future__ import annotations

import doctest
import pickle
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.builders import START_MS, candle, walk
from tests.indicators.samples import real
from trader.core.candle import VALUE_COLUMNS, Candle
from trader.core.errors import ConfigError
from trader.core.events import Instant
from trader.core.signal import Reading
from trader.core.timeframe import MINUTE_MS, Timeframe
from trader.market.table import CandleTable
from trader.ml.features import FEATURES, run
from trader.strategy import schedule
from trader.strategy.base import OpinionArrays, signal_of
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.opinions import CHUNK_ROWS, LiveOpinions, StreamOpinions, stream_opinions

M1, M5 = Timeframe.MIN_1, Timeframe.MIN_5
BTC, ETH = ("BTCUSDT", M1), ("ETHUSDT", M1)


class Watcher:
    """A strategy that sees a pattern in every row and keeps what it was asked."""

    name = "watcher"
    passes_over = False

    def __init__(self) -> None:
        self.asked: list[np.ndarray] = []

    def evaluate(self, rows: np.ndarray, everywhere: np.ndarray | None = None) -> OpinionArrays:
        self.asked.append(rows.copy())
        certainty = rows[:, FEATURES.index("position20")].copy()
        return OpinionArrays.of((certainty * 10).astype(np.int8), certainty, certainty**2)


def instants(*streams: Iterable[Candle]) -> list[Instant]:
    by_time: dict[int, list[Candle]] = {}
    for each in (each for stream in streams for each in stream):
        by_time.setdefault(each.close_time, []).append(each)
    return [Instant(time, tuple(by_time[time])) for time in sorted(by_time)]


def readings_of(opinions: StreamOpinions) -> list[Reading]:
    seen = zip(opinions.pattern.tolist(), opinions.probability.tolist(), opinions.strength.tolist(), strict=True)
    values = (opinions.close.tolist(), opinions.ema50.tolist(), opinions.atr14.tolist(), seen, opinions.ready.tolist())
    return [
        Reading(opinions.symbol, opinions.timeframe, close, ema50, atr14, signal_of(*signal), ready)
        for close, ema50, atr14, signal, ready in zip(*values, strict=True)
    ]


def live_readings(table: CandleTable, first: int = 0) -> list[Reading]:
    live = LiveOpinions(GeometryStrategy(), [(table.symbol, table.timeframe)])
    live.preload(table.rows(0, first))
    return [live.read(Instant(each.close_time, (each,)))[0] for each in table.rows(first, len(table)).candles()]


def same(one: Sequence[Reading], other: Sequence[Reading]) -> bool:
    """Compare by their text: it has every digit, and NaN equals itself there."""
    return list(map(repr, one)) == list(map(repr, other))


def test_live_opinions_are_those_of_the_batch_on_real_candles() -> None:
    table = real("spot/SUIUSDT-1m-2025", 8_000)
    batch = stream_opinions(table, GeometryStrategy(), int(table.open_time[1_000]))
    assert same(live_readings(table, 1_000), readings_of(batch))
    assert len(batch) == 7_000
    assert len(set(batch.pattern.tolist())) > 3


def test_live_opinions_are_those_of_the_batch_across_a_real_outage() -> None:
    table = real("spot/BTCUSDT-1m-2023", 120_000)
    (gap,) = np.flatnonzero(np.diff(table.open_time) != MINUTE_MS)
    table = table.rows(int(gap) - 500, int(gap) + 500)
    batch = stream_opinions(table, GeometryStrategy(), 0)
    assert same(live_readings(table), readings_of(batch))
    assert batch.ready[480:580].tolist() == [True] * 21 + [False] * 59 + [True] * 20


@given(
    seed=some.integers(0, 1_000),
    missing=some.lists(some.integers(1, 299), max_size=3, unique=True),
    first=some.integers(0, 290),
)
@settings(max_examples=30, deadline=None)
def test_live_opinions_are_those_of_the_batch_with_any_gaps(seed: int, missing: list[int], first: int) -> None:
    table = walk(300, seed=seed, sigma=0.003, without=missing)
    batch = stream_opinions(table, GeometryStrategy(), int(table.open_time[first]))
    assert same(live_readings(table, first), readings_of(batch))


def test_the_batch_answers_for_the_candles_from_the_first_wanted_on() -> None:
    opinions = stream_opinions(walk(200), GeometryStrategy(), START_MS + 150 * MINUTE_MS)
    assert opinions.time.tolist() == [START_MS + at * MINUTE_MS for at in range(151, 201)]
    assert opinions.ready.all()


def test_the_batch_of_a_table_that_ends_before_is_empty() -> None:
    assert len(stream_opinions(walk(200), GeometryStrategy(), START_MS + 500 * MINUTE_MS)) == 0
    assert len(stream_opinions(CandleTable.empty(*BTC), GeometryStrategy(), 0)) == 0


def test_the_batch_asks_in_chunks_and_only_about_rows_that_are_ready() -> None:
    watcher = Watcher()
    opinions = stream_opinions(walk(2_500), watcher, START_MS)
    assert [len(rows) for rows in watcher.asked] == [CHUNK_ROWS, CHUNK_ROWS, 2_500 - 59 - 2 * CHUNK_ROWS]
    assert opinions.ready.tolist() == [False] * 59 + [True] * 2_441
    asked = np.concatenate(watcher.asked)
    assert asked[:, FEATURES.index("ema50")].tobytes() == opinions.ema50[59:].tobytes()
    assert asked[:, FEATURES.index("position20")].tobytes() == opinions.probability[59:].tobytes()


def test_columns_that_may_not_be_written_need_no_other_compiled_code() -> None:
    table = walk(300)
    for name in ("open_time", *VALUE_COLUMNS):
        getattr(table, name).flags.writeable = False
    assert same(readings_of(stream_opinions(table, GeometryStrategy(), 0)), live_readings(table))
    assert len(run.signatures) == 1


def test_opinions_travel_between_processes() -> None:
    opinions = stream_opinions(walk(300), GeometryStrategy(), 0)
    assert same(readings_of(pickle.loads(pickle.dumps(opinions))), readings_of(opinions))


def test_one_instant_is_one_question_and_readings_keep_its_order() -> None:
    watcher = Watcher()
    live = LiveOpinions(watcher, [BTC, ETH])
    for table in (walk(100), walk(100, seed=1, symbol="ETHUSDT")):
        live.preload(table)
    instant = Instant(START_MS + 101 * MINUTE_MS, (candle(at=100, symbol="ETHUSDT"), candle(at=100)))
    readings = live.read(instant)
    assert [reading.symbol for reading in readings] == ["ETHUSDT", "BTCUSDT"]
    assert [len(rows) for rows in watcher.asked] == [2]


def test_a_stream_that_warms_up_is_not_asked_about_and_shows_nothing() -> None:
    watcher = Watcher()
    live = LiveOpinions(watcher, [BTC, ETH])
    live.preload(walk(100))
    assert [each.ready for each in live.read(Instant(0, (candle(at=100, symbol="ETHUSDT"), candle(at=100))))] == [
        False,
        True,
    ]
    assert [len(rows) for rows in watcher.asked] == [1]
    (reading,) = live.read(Instant(0, (candle(at=101, symbol="ETHUSDT"),)))
    assert (reading.ready, reading.signal, reading.close) == (False, None, 100.0)


def test_streams_of_one_instant_have_the_opinions_that_each_has_alone() -> None:
    tables = [walk(300, seed=1), walk(300, seed=2, symbol="ETHUSDT"), walk(60, seed=3, timeframe=M5)]
    live = LiveOpinions(GeometryStrategy(), [BTC, ETH, ("BTCUSDT", M5)])
    together = [
        reading for instant in instants(*(table.candles() for table in tables)) for reading in live.read(instant)
    ]
    for table in tables:
        stream = (table.symbol, table.timeframe)
        mine = [reading for reading in together if (reading.symbol, reading.timeframe) == stream]
        assert same(mine, live_readings(table))


def test_candles_of_other_streams_and_older_ones_give_no_reading() -> None:
    live = LiveOpinions(GeometryStrategy(), [BTC])
    assert live.read(Instant(0, (candle(at=5, symbol="XRPUSDT"), candle(at=5, timeframe=M5)))) == []
    assert len(live.read(Instant(0, (candle(at=5), candle(at=5), candle(at=4))))) == 1


def test_a_pending_gap_is_said_until_it_is_cleared() -> None:
    live = LiveOpinions(GeometryStrategy(), [BTC, ETH])
    live.mark_gap(*BTC)
    both = [(candle(at=at), candle(at=at, symbol="ETHUSDT")) for at in range(2)]
    assert [reading.gap for reading in live.read(Instant(0, both[0]))] == [True, False]
    live.clear_gap(*BTC)
    assert [reading.gap for reading in live.read(Instant(0, both[1]))] == [False, False]


def test_history_of_a_stream_that_is_not_in_the_run_is_an_error() -> None:
    live = LiveOpinions(GeometryStrategy(), [BTC])
    with pytest.raises(ConfigError, match="ETHUSDT 1min is not among the streams"):
        live.preload(walk(10, symbol="ETHUSDT"))


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(schedule).failed == 0
