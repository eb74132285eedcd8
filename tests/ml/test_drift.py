"""A market that stays as it was raises no alarm, one that moves does; and what is kept of both is small."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.ml.models import market_rows
from trader.core.errors import ConfigError, ModelError
from trader.core.timeframe import DAY_MS
from trader.ml.candidates import is_candidate
from trader.ml.drift import NAMES, DayCounts, Reference, day_counts, decode, encode, reference_of
from trader.ml.drift_watch import BRIER, CANDIDATES, ERRORS, INPUT, WON, Drift, DriftWatch
from trader.ml.inputs import inputs_of
from trader.ml.scores import stability_index

SHARE = 0.26
TODAY = 20_000 * DAY_MS


def inputs(seed: int, count: int = 4_000, **moved: float) -> NDArray[np.float32]:
    """Return inputs of candidates, those of formations 0 in every other row; some of them moved."""
    random = np.random.default_rng(seed)
    made = random.normal(size=(count, len(NAMES)))
    made[:, :22] = np.maximum(made[:, :22], 0.0)
    for name, by in moved.items():
        made[:, NAMES.index(name)] += by
    return made.astype(np.float32)


def reference(spread: float = 0.0, excess: float = 0.0) -> Reference:
    random = np.random.default_rng(3)
    rate = np.clip(random.normal(SHARE, spread, 60), 0, 1)
    probability = random.uniform(0.2, 0.6, 4_000)
    counts = {"1min": DayCounts(np.full(60, 1_440), random.binomial(1_440, rate))}
    won = random.random(4_000) < probability + excess * np.sign(0.4 - probability)
    return reference_of(inputs(1), counts, probability, won)


def watched(rows: NDArray[np.float32], *, days: int = 4, share: float = SHARE, window: int = 14) -> DriftWatch:
    """Return a watch that has seen `rows` over some days, that part of the candles being candidates."""
    watch = DriftWatch(reference(), window)
    see(watch, rows, days=days, share=share)
    return watch


def see(watch: DriftWatch, rows: NDArray[np.float32], *, days: int = 4, share: float = SHARE, first: int = 0) -> None:
    for number, part in enumerate(np.array_split(rows, days)):
        others = round(len(part) / share) - len(part)
        for instant in np.array_split(np.arange(len(part)), 50):
            asked = np.r_[np.ones(len(instant), bool), np.zeros(others // 50, bool)]
            watch.take(TODAY + (first + number) * DAY_MS, ["1min"] * len(asked), asked, part[instant])


def trade(watch: DriftWatch, count: int, off: float = 0.0, probability: float = 0.3) -> None:
    """Close trades, some a day, that are won with `probability` and `off` more."""
    random = np.random.default_rng(5)
    for number in range(count):
        watch.closed(TODAY + number // 5 * DAY_MS, probability, bool(random.random() < probability + off))


def kinds(drift: Drift) -> list[tuple[str, str]]:
    return [(alarm.kind, alarm.name) for alarm in drift.alarms]


# --- inputs -----------------------------------------------------------------------------------------------------------


def test_what_has_not_moved_raises_no_alarm() -> None:
    drift = watched(inputs(2)).look()
    assert (drift.alarms, drift.days, drift.rows) == ((), 4, 4_000)
    assert max(each.index for each in drift.inputs) < 0.05


def test_an_input_that_moves_is_found_with_the_index_of_all_its_rows() -> None:
    rows = inputs(2, atr_pct=1.0, rsi14=0.45)
    drift = watched(rows).look()
    assert kinds(drift) == [(INPUT, "atr_pct")]
    assert drift.alarms[0].limit == 0.25
    assert drift.alarms[0].words.startswith("atr_pct has moved: PSI ")
    assert [each.name for each in drift.inputs[:2]] == ["atr_pct", "rsi14"]
    at = NAMES.index("atr_pct")
    assert drift.inputs[0].index == pytest.approx(stability_index(inputs(1)[:, at], rows[:, at]), rel=0.02)


def test_the_calendar_does_not_count() -> None:
    drift = watched(inputs(2, week_fraction=5.0)).look()
    assert drift.alarms == ()
    assert "week_fraction" not in {each.name for each in drift.inputs}


def test_a_few_rows_and_a_few_days_say_nothing() -> None:
    few = watched(inputs(2, count=900, atr_pct=9.0)).look()
    short = watched(inputs(2, atr_pct=9.0), days=2, share=0.9).look()
    assert (few.alarms, short.alarms) == ((), ())
    assert np.isnan(few.inputs[0].index)
    assert short.rates[0].errors == 0.0


def test_what_is_older_than_the_window_does_not_count() -> None:
    watch = watched(inputs(2, atr_pct=2.0), window=5)
    assert kinds(watch.look()) == [(INPUT, "atr_pct")]
    see(watch, inputs(4), first=5)
    assert watch.look().alarms == ()
    assert watch.look().rows < 5_000


def test_an_alarm_stays_until_its_input_is_well_below_the_limit_again() -> None:
    near = inputs(2, atr_pct=0.478)
    fresh = watched(near)
    index = fresh.look().inputs[0].index
    assert 0.2 < index < 0.25
    assert fresh.look().alarms == ()
    watch = watched(inputs(2, atr_pct=2.0), window=5)
    assert kinds(watch.look()) == [(INPUT, "atr_pct")]
    see(watch, near, days=5, first=5)
    assert kinds(watch.look()) == [(INPUT, "atr_pct")]
    see(watch, inputs(4), days=5, first=10)
    assert watch.look().alarms == ()


def test_rows_of_features_are_counted_as_a_model_is_asked_about_them() -> None:
    rows = market_rows()
    made = reference_of(inputs_of(rows[is_candidate(rows)]), {"1min": DayCounts(np.array([9]), np.array([3]))}, [], [])
    watch = DriftWatch(made)
    parts = np.array_split(rows, 100)
    for number, part in enumerate(parts):
        watch.see(TODAY + number * DAY_MS // 20, ["1min"] * len(part), part)
    drift = watch.look()
    assert drift.rows == is_candidate(rows).sum() > 1_000
    assert drift.rates[0].count == len(rows)
    assert max(each.index for each in drift.inputs) < 1e-6


# --- candidates -------------------------------------------------------------------------------------------------------


def test_a_rate_of_candidates_that_changes_is_found_and_said() -> None:
    drift = watched(inputs(2), share=0.4).look()
    assert kinds(drift) == [(CANDIDATES, "1min")]
    assert drift.alarms[0].words.startswith("candidates among candles of 1min: 0.4, expected 0.26 ± 0.0")
    assert drift.alarms[0].limit < drift.alarms[0].value


def test_days_that_always_differed_make_the_band_wider() -> None:
    assert reference().rates["1min"].spread < 0.005
    assert reference(spread=0.05).rates["1min"].spread == pytest.approx(0.05, rel=0.3)
    watch = DriftWatch(reference(spread=0.05))
    see(watch, inputs(2), share=0.32)
    assert watch.look().alarms == ()
    assert watched(inputs(2), share=0.32).look().alarms != ()


# --- outcomes ---------------------------------------------------------------------------------------------------------


def test_five_trades_raise_no_alarm_and_a_hundred_that_all_went_wrong_do() -> None:
    few, many = DriftWatch(reference()), DriftWatch(reference())
    trade(few, 5, off=0.7)
    trade(many, 40, off=0.7)
    assert few.look().alarms == ()
    assert few.look().brier.value == pytest.approx(0.49)
    assert kinds(many.look()) == [(BRIER, BRIER), (WON, WON)]
    assert many.look().brier.expected == pytest.approx(0.21, abs=0.001)


def test_probabilities_that_come_true_raise_no_alarm() -> None:
    watch = DriftWatch(reference())
    trade(watch, 60)
    drift = watch.look()
    assert drift.alarms == ()
    assert (drift.brier.count, abs(drift.brier.errors) < ERRORS, abs(drift.won.errors) < ERRORS) == (60, True, True)


def test_a_model_that_was_off_when_it_was_made_is_expected_to_be_so() -> None:
    honest, off = DriftWatch(reference()), DriftWatch(reference(excess=0.15))
    for watch in (honest, off):
        trade(watch, 30)
    assert off.look().brier.expected > honest.look().brier.expected + 0.01


def test_entries_without_a_success_model_do_not_count() -> None:
    watch = DriftWatch(reference())
    watch.closed(TODAY, float("nan"), True)
    assert watch.look().brier.count == 0


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_reference_comes_back_as_it_was_and_is_small() -> None:
    made = reference()
    content = encode(made)
    assert decode(content, "x") == made
    assert len(content) < 40_000
    assert made.outcomes.probability == pytest.approx(0.4, abs=0.01)
    assert made.outcomes.brier == pytest.approx(made.outcomes.brier_expected, abs=0.01)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "place: format 2; allowed: 1"),
        ({"rows": "many"}, "place is no reference for drift"),
        ({"inputs": [{"name": "a", "edges": [2.0, 1.0], "shares": [0.5, 0.25, 0.25]}]}, "place: a has 2 edges"),
        ({"inputs": [{"name": "a", "edges": [], "shares": [0.5]}]}, "that sum to 0.5; allowed"),
        ({"rates": {"1min": {"candles": 1, "candidates": 2, "spread": 0}}}, "1min: 2 candidates of 1 candles"),
    ],
)
def test_what_is_no_reference_is_refused(change: dict[str, object], words: str) -> None:
    broken = msgspec.json.encode(msgspec.to_builtins(reference()) | change)
    with pytest.raises(ModelError, match=words):
        decode(broken, "place")


def test_no_reference_is_made_of_nothing() -> None:
    with pytest.raises(ModelError, match="inputs of candidates are"):
        reference_of(inputs(1)[:0], {}, [], [])
    with pytest.raises(ModelError, match="2 probabilities of success and 1 outcomes"):
        reference_of(inputs(1), {}, [0.1, 0.2], [True])
    with pytest.raises(ModelError, match="0 candles"):
        reference_of(inputs(1), {"1min": day_counts(np.empty(0, np.int64), np.empty(0, np.int64))}, [], [])


def test_counts_go_on_over_a_restart_and_stay_small() -> None:
    whole, parted = DriftWatch(reference()), DriftWatch(reference())
    see(whole, inputs(2, atr_pct=2.0), days=3)
    see(parted, inputs(2, atr_pct=2.0), days=3)
    trade(whole, 7)
    trade(parted, 7)
    parted.look()
    again = DriftWatch(reference())
    again.restore(parted.save())
    for watch in (whole, again):
        see(watch, inputs(4)[:50], days=1, first=2)
        see(watch, inputs(4), days=3, first=3)
    whole.look()
    assert again.look() == whole.look()
    assert len(whole.save()) < 20_000


def test_counts_of_another_model_or_of_none_are_refused() -> None:
    watch = watched(inputs(2))
    before = watch.look()
    with pytest.raises(ModelError, match="another model"):
        watch.restore(DriftWatch(reference(excess=0.1)).save())
    with pytest.raises(ModelError, match="no counts of drift"):
        watch.restore(b"\x01nothing")
    assert watch.look() == before


def test_a_window_of_two_days_is_refused() -> None:
    with pytest.raises(ConfigError, match="allowed: 3 and more"):
        DriftWatch(reference(), 2)
