"""A fold learns from its training span, is calibrated behind it, and never sees its test span."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import settings
from tests.trading.worlds import FILTERS
from trader.core.errors import ConfigError
from trader.core.instrument import Instrument
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.train.fold import Learned, Lesson, Plan, Stream, _ended_by
from trader.engine.train.samples import samples_of
from trader.engine.train.success import Entered
from trader.market.synthetic import SyntheticMarket
from trader.market.table import CandleTable
from trader.ml.features import FEATURES, columns_of, new_state, run
from trader.ml.fitting import Trees
from trader.ml.forest import Forest
from trader.ml.pattern_model import EXPECTED, RECOGNISER, SUCCESS, PatternModel
from trader.ml.splits import Fold

START_MS, DAYS, M1 = 1_767_571_200_000, 24, Timeframe.MIN_1
COINS = ["BTCUSDT", "ETHUSDT"]
FOLD = Fold(*(START_MS + day * DAY_MS for day in (0, 14, 14, 20, 20, DAYS)))
QUICK = Plan(
    Trees(max_depth=3, eta=0.3, rounds=25, patience=4),
    Trees(max_depth=2, eta=0.2, rounds=15, patience=4, min_child_weight=20.0),
)


@pytest.fixture(scope="module")
def tables() -> list[CandleTable]:
    market = SyntheticMarket(5, COINS, START_MS)
    return [market.candles(coin, M1, START_MS, START_MS + DAYS * DAY_MS) for coin in COINS]


def learned(tables: list[CandleTable], plan: Plan = QUICK, fold: Fold = FOLD) -> Learned:
    grid = Instrument.from_filters("BTCUSDT", FILTERS)
    streams = [Stream(samples_of(table), table, grid) for table in tables]
    return Lesson(streams, fold, settings(COINS=COINS), plan, lambda *how: None).learn()


@pytest.fixture(scope="module")
def made(tables: list[CandleTable]) -> Learned:
    return learned(tables)


def test_what_is_learned_is_a_model_that_can_be_asked(made: Learned, tables: list[CandleTable]) -> None:
    forests = {part: Forest.read(content) for part, content in made.content.items()}
    model = PatternModel(forests, made.calibration)
    table = tables[0].rows(0, 5_000)
    rows, kept = np.empty((len(table), len(FEATURES))), np.empty(len(table), np.int64)
    _, filled = run(*new_state(M1), 0, 0, columns_of(table), rows, kept, np.empty(len(table)), np.empty(len(table)))
    seen = model.verdicts(rows[:filled])
    assert (seen.pattern >= 0).sum() > 50
    assert np.isfinite(seen.expected[seen.pattern >= 0]).all()
    assert set(made.scores) == {RECOGNISER, SUCCESS, EXPECTED}


def test_the_test_span_has_no_part_in_it(made: Learned, tables: list[CandleTable]) -> None:
    other = SyntheticMarket(99, COINS, START_MS)
    end = FOLD.test_start
    changed = [_joined(table, other.candles(table.symbol, M1, end, START_MS + DAYS * DAY_MS), end) for table in tables]
    assert learned(changed) == made


def test_entries_behind_the_first_that_has_not_ended_are_left_out_however_they_end() -> None:
    time, end = np.array([1, 2, 3, 4]) * 1_000, np.array([2, 9, 4, 5]) * 1_000
    found = Entered(np.arange(4), np.zeros((4, 2), np.float32), np.zeros(4), time, end)
    assert _ended_by(found, 6_000).time.tolist() == [1_000]
    assert _ended_by(found, 10_000).time.tolist() == time.tolist()


def test_the_same_seed_gives_the_same_model(made: Learned, tables: list[CandleTable]) -> None:
    assert learned(tables) == made


def test_spans_that_hold_nothing_are_refused_in_words(tables: list[CandleTable]) -> None:
    empty = Fold(*(START_MS - day * DAY_MS for day in (9, 8, 8, 7, 7, 6)))
    with pytest.raises(ConfigError, match="0 rows to hold back"):
        learned(tables, fold=empty)


def _joined(table: CandleTable, later: CandleTable, end: int) -> CandleTable:
    """Return `table` up to `end`, and `later` behind it."""
    count = int(np.searchsorted(table.open_time, end))
    columns = {
        name: np.concatenate((getattr(table, name)[:count], getattr(later, name)))
        for name in CandleTable.__struct_fields__
        if isinstance(getattr(table, name), np.ndarray)
    }
    return CandleTable(table.symbol, table.timeframe, **columns)
