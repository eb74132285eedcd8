"""A fold learns from its training span, is calibrated behind it, and never sees its test span."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.train.lessons import COINS, DAYS, FOLD, M1, START_MS, learned, lesson, tables
from trader.core.errors import ConfigError
from trader.core.timeframe import DAY_MS
from trader.engine.train.fold import _ended_by
from trader.engine.train.success import Entered
from trader.market.synthetic import SyntheticMarket
from trader.market.table import CandleTable
from trader.ml.features import FEATURES, columns_of, new_state, run
from trader.ml.forest import Forest
from trader.ml.pattern_model import EXPECTED, RECOGNISER, SUCCESS, PatternModel
from trader.ml.splits import Fold


def test_what_is_learned_is_a_model_that_can_be_asked() -> None:
    forests = {part: Forest.read(content) for part, content in learned().content.items()}
    model = PatternModel(forests, learned().calibration)
    table = tables()[0].rows(0, 5_000)
    rows, kept = np.empty((len(table), len(FEATURES))), np.empty(len(table), np.int64)
    nothing = np.empty(len(table))
    _, filled = run(*new_state(M1), 0, 0, columns_of(table), rows, kept, nothing, nothing.copy())
    seen = model.verdicts(rows[:filled])
    assert (seen.pattern >= 0).sum() > 50
    assert np.isfinite(seen.expected[seen.pattern >= 0]).all()
    assert set(learned().scores) == {RECOGNISER, SUCCESS, EXPECTED}


def test_the_test_span_has_no_part_in_it() -> None:
    other = SyntheticMarket(99, COINS, START_MS)
    end = FOLD.test_start
    changed = tuple(
        _joined(table, other.candles(table.symbol, M1, end, START_MS + DAYS * DAY_MS), end) for table in tables()
    )
    assert lesson(changed).learn() == learned()


def test_entries_behind_the_first_that_has_not_ended_are_left_out_however_they_end() -> None:
    time, end = np.array([1, 2, 3, 4]) * 1_000, np.array([2, 9, 4, 5]) * 1_000
    found = Entered(np.arange(4), np.zeros((4, 2), np.float32), np.zeros(4), time, end)
    assert _ended_by(found, 6_000).time.tolist() == [1_000]
    assert _ended_by(found, 10_000).time.tolist() == time.tolist()


def test_the_same_seed_gives_the_same_model() -> None:
    assert lesson(tables()).learn() == learned()


def test_spans_that_hold_nothing_are_refused_in_words() -> None:
    empty = Fold(*(START_MS - day * DAY_MS for day in (9, 8, 8, 7, 7, 6)))
    with pytest.raises(ConfigError, match="0 rows to hold back"):
        lesson(tables(), fold=empty).learn()


def _joined(table: CandleTable, later: CandleTable, end: int) -> CandleTable:
    """Return `table` up to `end`, and `later` behind it."""
    count = int(np.searchsorted(table.open_time, end))
    columns = {
        name: np.concatenate((getattr(table, name)[:count], getattr(later, name)))
        for name in CandleTable.__struct_fields__
        if isinstance(getattr(table, name), np.ndarray)
    }
    return CandleTable(table.symbol, table.timeframe, **columns)
