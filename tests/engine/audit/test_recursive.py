"""How far a column is from where it settles, by warm-up: what fades, what never does, and what was never far."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.engine.audit.grounds import SEED, ground_at, looking_also, sound, trailing_mean
from trader.engine.audit.ground import Ground
from trader.engine.audit.recursive import Drift, RecursiveAudit, audit_recursive
from trader.engine.audit.subject import Subject
from trader.market.table import CandleTable
from trader.ml.features import FEATURES
from trader.ml.inputs import INPUTS

WARMUPS = (60, 100, 200, 400)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return ground_at(tmp_path_factory.mktemp("store"), TIMEFRAMES=["1min", "15min"])


def counted(table: CandleTable) -> np.ndarray:
    """Return how many candles there have been: it never settles."""
    return np.arange(len(table), dtype=np.float64)


def long_mean(table: CandleTable) -> np.ndarray:
    """Return the mean of the last 150 closes, of fewer where there are no more."""
    sums = np.cumsum(np.r_[0.0, table.close])
    rows = np.arange(1, len(table) + 1)
    firsts = np.maximum(0, rows - 150)
    return (sums[rows] - sums[firsts]) / (rows - firsts)


def audited(ground: Ground, subject: Subject, moments: int = 8) -> RecursiveAudit:
    return audit_recursive(ground, subject, WARMUPS, moments, SEED, lambda *how: None)


@pytest.fixture(scope="module")
def audit(ground: Ground) -> RecursiveAudit:
    subject = looking_also(sound(ground), counted=counted, long_mean=long_mean, trailing=trailing_mean)
    return audited(ground, subject)


def drift(audit: RecursiveAudit, column: str) -> Drift:
    return next(each for each in audit.drifts if each.column == column)


def test_every_feature_and_input_is_measured_behind_every_warmup_and_that_in_force(audit: RecursiveAudit) -> None:
    columns = {each.column for each in audit.drifts}
    assert {f"features.{name}" for name in FEATURES} <= columns
    assert {f"inputs.{each.name}" for each in INPUTS} <= columns
    assert {"opinions.probability", "opinions.strength"} <= columns
    assert (audit.warmups, audit.in_force, audit.reference) == ((60, 100, 200, 300, 400), 300, 800)
    assert all(len(each.largest) == len(audit.warmups) for each in audit.drifts)


def test_what_counts_from_the_anchor_never_settles(audit: RecursiveAudit) -> None:
    found = drift(audit, "planted.counted")
    assert found.settled is None
    assert found.largest == tuple(sorted(found.largest, reverse=True))
    assert audit.drifts[0].column == "planted.counted"


def test_what_looks_back_over_a_window_is_settled_from_its_length_on(audit: RecursiveAudit) -> None:
    assert drift(audit, "planted.trailing").settled == 60
    assert drift(audit, "planted.long_mean").settled == 200
    assert drift(audit, "features.sma50").settled == 60
    assert drift(audit, "features.close").largest == (0.0,) * 5


def test_an_exponential_average_fades_in(audit: RecursiveAudit) -> None:
    largest = drift(audit, "features.ema50").largest
    assert largest[0] > largest[2] > largest[4]
    assert 60 < (drift(audit, "features.ema50").settled or 0) <= 400
    assert all(map(math.isfinite, largest))


def test_the_columns_farthest_off_with_the_warmup_in_force_come_first(audit: RecursiveAudit) -> None:
    place = audit.warmups.index(audit.in_force)
    distances = [round(each.largest[place], 9) for each in audit.drifts]
    assert distances == sorted(distances, reverse=True)


def test_decisions_change_less_the_longer_the_warmup(audit: RecursiveAudit) -> None:
    changed = [each.changed for each in audit.decisions]
    assert audit.decisions[0].seen >= 4
    assert changed[-1] <= changed[0]
    said = audit.decisions[audit.warmups.index(300)]
    assert f"{said.changed} of {said.seen} decisions are others than behind 800 candles" in audit.verdict


def test_a_stream_without_enough_history_is_left_out_and_named(audit: RecursiveAudit) -> None:
    assert audit.left_out == ["BTCUSDT 15min", "ETHUSDT 15min"]
    assert audit.moments == 16


def test_the_verdict_names_what_is_farthest_off(audit: RecursiveAudit) -> None:
    assert audit.verdict.startswith("NOT SETTLED: with PRELOAD_CANDLES=300 ")
    assert "PRELOAD_CANDLES=300 planted.counted (by up to " in audit.verdict


def test_where_no_stream_has_enough_history_nothing_is_said_of_any(ground: Ground) -> None:
    audit = audit_recursive(ground, sound(ground), (5_000,), 4, SEED, lambda *how: None)
    assert audit.verdict == "nothing was compared: no stream has enough history before the span"
    assert (audit.moments, audit.drifts, len(audit.left_out)) == (0, [], 4)


def test_equal_seeds_give_equal_audits(ground: Ground) -> None:
    one, other = (audited(ground, sound(ground), 3) for _ in range(2))
    assert (one.drifts, one.decisions) == (other.drifts, other.decisions)
