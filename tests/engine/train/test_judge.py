"""A fold is judged on what it has not seen, against what whoever knows nothing would say."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from tests.engine.train.lessons import learned, lesson, tables
from trader.core.timeframe import DAY_MS
from trader.engine.train.judge import Judged, error_over_days, judge
from trader.ml.calibration import Curve
from trader.ml.pattern_model import NONE, RECOGNISER


@pytest.fixture(scope="module")
def judged() -> Judged:
    return judge(lesson(tables()), learned())


def test_the_recogniser_knows_more_than_the_shares_of_classes(judged: Judged) -> None:
    found = judged.recognised
    assert found.rows == len(lesson(tables()).parts.test) == sum(map(sum, found.confusion)) > 1_000
    assert found.log_loss < 0.8 * found.log_loss_of_shares
    assert 0.0 < found.early < 1.0
    assert found.calibration_error < 0.1


def test_entries_are_what_the_rules_would_have_made_and_lose_what_trading_costs(judged: Judged) -> None:
    found = judged.traded
    assert found.entries > 100
    assert -0.01 < found.net < 0.0, "a generated market has no edge, and every trade has its costs"
    assert 0.0 < found.net_error < 0.01
    assert 0.0 < found.won < 1.0


def test_a_model_that_says_the_same_of_all_is_worth_nothing() -> None:
    """Its curves are level: it calls what is most frequent."""
    level = tuple(Curve((0.0,), (0.6 if number == NONE else 0.04,)) for number in range(NONE + 1))
    blind = msgspec.structs.replace(learned(), calibration=learned().calibration | {RECOGNISER: level})
    found = judge(lesson(tables()), blind)
    assert found.recognised.early == 0.0
    assert found.recognised.log_loss > found.recognised.log_loss_of_shares
    assert (found.traded.entries, np.isnan(found.traded.net)) == (0, True)


def test_entries_of_one_day_count_as_one_when_they_go_together() -> None:
    random = np.random.default_rng(1)
    of_day = random.normal(size=50)
    time = np.repeat(np.arange(50) * DAY_MS, 20)
    together, apart = np.repeat(of_day, 20), random.normal(size=1_000)
    assert error_over_days(time, together) == pytest.approx(of_day.std(ddof=1) / np.sqrt(50), rel=1e-9)
    assert error_over_days(time, apart) == pytest.approx(apart.std() / np.sqrt(1_000), rel=0.3)
    assert np.isnan(error_over_days(time[:20], apart[:20]))
