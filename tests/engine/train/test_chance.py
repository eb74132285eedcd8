"""Random entries: as many as were wanted, of their kinds, never two at once on a stream, and fair."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trader.engine.train.proof.alone import one_at_a_time
from trader.engine.train.proof.chance import Urn, clashes, drawn, p_value


def urn(wanted: int, *, size: int = 3_000, span: int = 1_000_000, held: int = 200, seed: int = 1) -> Urn:
    """Return entries of one kind, each held for up to `held`, with a mean net of -0.002."""
    random = np.random.default_rng(seed)
    time = np.sort(random.choice(span, size, replace=False))
    net = random.normal(-0.002, 0.01, size)
    ends = time + random.integers(1, held, size)
    return Urn(time, ends, net, np.zeros(wanted, np.int64), np.full(wanted, size))


def test_draws_centre_on_the_mean_of_what_was_followed() -> None:
    given = urn(100)
    found = drawn([given, urn(50, seed=2)], np.zeros(150), 500, np.random.default_rng(3))
    assert found.placed == pytest.approx(1.0, abs=1e-3)
    assert found.followed == 6_000
    assert found.mean == pytest.approx(-0.002, abs=0.0004)
    assert found.deviation == pytest.approx(0.01 / math.sqrt(150), rel=0.1)
    assert list(found.means) == sorted(found.means)


def test_the_same_seed_gives_the_same_draws() -> None:
    made = [drawn([urn(40)], np.zeros(40), 50, np.random.default_rng(seed)).means for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_p_is_fair_for_who_draws_as_chance_does() -> None:
    random, given = np.random.default_rng(5), urn(60)
    means = np.array(drawn([given], np.zeros(60), 400, random).means)
    values = [p_value(float(random.choice(given.net, 60).mean()), means) for _ in range(400)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)
    assert np.mean(np.array(values) < 0.05) == pytest.approx(0.05, abs=0.035)


def test_who_beats_all_draws_has_the_least_p_and_who_has_no_result_has_none() -> None:
    found = drawn([urn(60)], np.full(60, 0.05), 99, np.random.default_rng(1))
    assert found.p_value == 1 / 100
    nothing = drawn([urn(0)], np.empty(0), 99, np.random.default_rng(1))
    assert math.isnan(nothing.p_value)


def test_no_two_of_a_draw_are_open_at_once() -> None:
    given = urn(3, size=4, span=10, held=2)
    packed = Urn(np.array([0, 5, 10, 15]), np.array([6, 9, 15, 20]), given.net, given.first, given.last)
    chosen = np.array([[0, 1, 2], [3, 2, 1], [2, 2, 0]])
    assert clashes(packed, chosen).tolist() == [[False, True, False], [False, False, False], [False, True, False]]


def test_where_there_is_no_room_entries_are_left_out_and_counted() -> None:
    time = np.arange(0, 100, 10)
    crowded = Urn(time, time + 95, np.full(10, 0.01), np.zeros(8, np.int64), np.full(8, 10))
    found = drawn([crowded], np.zeros(8), 20, np.random.default_rng(1))
    assert 0 < found.placed < 0.3
    assert found.mean == pytest.approx(0.01)


def test_an_entry_waits_until_the_one_before_has_ended() -> None:
    assert one_at_a_time(np.array([0, 1, 4, 5]), np.array([4, 2, 9, 6])).tolist() == [0, 2]
    assert one_at_a_time(np.empty(0, np.int64), np.empty(0, np.int64)).tolist() == []
