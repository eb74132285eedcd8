"""Labels with hindsight: the class of what is being completed, and no look beyond the horizon that they state."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as some

from docs.draw_labels import formation_picture, overlap_picture
from tests.builders import table, walk
from tests.patterns.series import with_atr
from tests.patterns.shapes import drawn
from tests.shared import ROOT
from trader.core.errors import ConfigError
from trader.core.signal import Pattern
from trader.market.table import CandleTable
from trader.patterns.describe import Formation, completed
from trader.patterns.labels import CLASSES, NONE, UNKNOWN, LabelRules, PatternLabels, pattern_labels

ROWS = 4_000
ORDER = tuple(Pattern)


def atr14(candles: CandleTable) -> Any:
    """Return ATR14 of consecutive candles."""
    return with_atr(candles.open, candles.high, candles.low, candles.close, candles.volume)[5]


def labelled(candles: CandleTable, **limits: Any) -> PatternLabels:
    return pattern_labels(candles, atr14(candles), LabelRules(**limits))


def formations(candles: CandleTable) -> list[Formation]:
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    return completed(*columns, atr14(candles))


def same(one: PatternLabels, other: PatternLabels, rows: int) -> bool:
    """Tell whether the first `rows` labels are equal in all that they say."""
    names = ("label", "label_end", "lead", "score")
    return all(np.array_equal(getattr(one, name)[:rows], getattr(other, name)[:rows]) for name in names)


def textbook(pattern: Pattern, after: int) -> tuple[CandleTable, Any, int]:
    """Return the drawn formation with `after` flat candles behind it, its ATR14, and the length of the drawing."""
    *columns, atr = (np.r_[column, np.full(after, column[-1])] for column in drawn(pattern))
    flat = [columns[3][-1]] * after
    open, high, low, close, volume = (np.r_[column[: -after or None], flat] for column in columns)
    volume[-after:] = 1.0
    made = table(close.tolist(), open=open, high=high, low=low, volume=volume)
    return made, atr, len(close) - after


def test_the_classes_are_the_patterns_in_their_order_and_none() -> None:
    assert list(CLASSES) == [*ORDER, "none"]
    assert CLASSES.index("none") == NONE


@pytest.mark.parametrize("pattern", ORDER)
def test_the_last_leg_of_a_textbook_formation_carries_its_class(pattern: Pattern) -> None:
    candles, atr, length = textbook(pattern, after=30)
    labels = pattern_labels(candles, atr)
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    (formation,) = (each for each in completed(*columns, atr) if each.pattern == pattern)
    first, broken_at = formation.swings[-1][0], formation.broken_at
    assert first < broken_at < length
    assert set(labels.label[first : broken_at + 1]) == {ORDER.index(pattern)}
    assert labels.lead[first : broken_at + 1].tolist() == list(range(broken_at - first, -1, -1))
    assert set(labels.score[first : broken_at + 1]) == {formation.score}
    assert labels.label[first - 1] != ORDER.index(pattern)
    assert set(labels.label[broken_at + 1 : length]) <= {NONE}


@pytest.mark.parametrize("pattern", [each for each in ORDER if each != Pattern.SYMMETRICAL_TRIANGLE])
def test_a_textbook_formation_that_turns_before_its_break_is_not_its_class(pattern: Pattern) -> None:
    candles, atr, _ = textbook(pattern, after=30)
    broken_at = int(np.flatnonzero(pattern_labels(candles, atr).lead == 0)[-1])
    close = candles.close.copy()
    away = np.arange(1, len(close) - broken_at + 1) * np.sign(close[broken_at] - close[broken_at - 1])
    close[broken_at:] = close[broken_at - 1] - away
    turned = table(close.tolist(), high=np.maximum(candles.high, close), low=np.minimum(candles.low, close))
    assert ORDER.index(pattern) not in pattern_labels(turned, atr).label


def test_labels_are_those_of_the_completed_formations_by_the_stated_rule() -> None:
    candles, horizon, least = walk(ROWS, seed=1), 12, 0.2
    labels = labelled(candles, horizon=horizon, min_score=least)
    found = [each for each in formations(candles) if each.score >= least]
    overlaps = 0
    for t in range(ROWS - horizon):
        own = [each for each in found if each.swings[-1][0] <= t <= each.broken_at <= t + horizon]
        overlaps += len(own) > 1
        best = min(own, key=lambda each: (-each.score, each.broken_at, ORDER.index(each.pattern)), default=None)
        expected = (NONE, -1, 0.0) if best is None else (ORDER.index(best.pattern), best.broken_at - t, best.score)
        assert (labels.label[t], labels.lead[t], labels.score[t]) == expected
    assert overlaps > 50


@rules(max_examples=40, deadline=None)
@given(seed=some.integers(0, 9), horizon=some.integers(0, 60), cut=some.integers(1, 1_500))
def test_candles_behind_the_label_end_change_nothing(seed: int, horizon: int, cut: int) -> None:
    candles, limits = walk(1_500, seed=seed), {"horizon": horizon, "min_score": 0.3}
    whole, short = labelled(candles, **limits), labelled(candles.rows(0, cut), **limits)
    random = walk(1_500 - cut, seed=99, price=float(candles.close[cut - 1]), sigma=0.01)
    names = ("open", "high", "low", "close", "volume")
    columns = {name: np.r_[getattr(candles, name)[:cut], getattr(random, name)] for name in names}
    altered = CandleTable.build(candles.symbol, candles.timeframe, candles.open_time, **columns)
    decided = max(0, cut - horizon)
    assert (whole.label_end[:decided] < cut).all()
    assert same(whole, short, decided)
    assert same(whole, labelled(altered, **limits), decided)
    assert set(short.label[decided:]) <= {UNKNOWN}
    assert UNKNOWN not in short.label[:decided]


def test_the_candle_at_the_label_end_can_change_the_label() -> None:
    candles, horizon = walk(ROWS, seed=2), 4
    labels = labelled(candles, horizon=horizon)
    told_by_the_last = np.flatnonzero(labels.lead == horizon)
    assert len(told_by_the_last) > 20
    changed = 0
    for t in told_by_the_last[:20].tolist():
        end = int(labels.label_end[t])
        assert end == t + horizon
        columns = {name: getattr(candles, name).copy() for name in ("open", "high", "low", "close", "volume")}
        for name in ("open", "high", "low", "close"):
            columns[name][end] = candles.close[end - 1]
        other = CandleTable.build(candles.symbol, candles.timeframe, candles.open_time, **columns)
        changed += labelled(other, horizon=horizon).label[t] != labels.label[t]
    assert changed == 20


def test_every_label_ends_a_horizon_later_and_the_last_ones_are_unknown() -> None:
    labels = labelled(walk(500, seed=3), horizon=30)
    assert labels.label_end.tolist() == [min(t + 30, 499) for t in range(500)]
    assert set(labels.label[-30:]) == {UNKNOWN}
    assert UNKNOWN not in labels.label[:-30]
    assert set(labels.lead[-30:]) == {-1}
    assert not labels.score[-30:].any()


def test_behind_a_gap_all_begins_anew_and_before_it_labels_are_unknown() -> None:
    candles = walk(3_000, seed=4)
    hole = walk(3_000, seed=4, without=[1_700])
    atr = atr14(candles)
    labels = pattern_labels(hole, np.delete(atr, 1_700))
    before, behind = pattern_labels(candles.rows(0, 1_700), atr[:1_700]), candles.rows(1_701, 3_000)
    assert same(labels, before, 1_670)
    assert set(labels.label[1_670:1_700]) == {UNKNOWN}
    assert np.array_equal(labels.label[1_700:], pattern_labels(behind, atr[1_701:]).label)
    assert (labels.label[1_700:] != labels.label[0]).any()


def test_random_walks_are_mostly_none() -> None:
    labels = labelled(walk(50_000, seed=10))
    assert 0.85 < np.mean(labels.label == NONE) < 0.97


@pytest.mark.parametrize("rows", [0, 1, 29])
def test_tables_shorter_than_the_horizon_are_unknown(rows: int) -> None:
    assert pattern_labels(walk(30, seed=5).rows(0, rows), np.full(rows, 0.1)).label.tolist() == [UNKNOWN] * rows


def test_the_candles_are_left_as_they_were_and_may_be_read_only() -> None:
    candles = walk(2_000, seed=6)
    atr = atr14(candles)
    expected = pattern_labels(candles, atr)
    for column in (candles.open, candles.high, candles.low, candles.close, candles.volume, atr):
        column.flags.writeable = False
    assert same(pattern_labels(candles, atr), expected, 2_000)


@pytest.mark.parametrize("limits", [{"horizon": -1}, {"min_score": 1.5}, {"min_score": float("nan")}])
def test_impossible_rules_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="labels: a"):
        LabelRules(**limits)


@pytest.mark.parametrize("name", ["formation", "overlap", "won", "lost"])
def test_the_page_shows_each_picture(name: str) -> None:
    assert f"(labels/{name}.svg)" in (ROOT / "docs" / "labels.md").read_text("utf-8")
    assert 1_000 < (ROOT / "docs" / "labels" / f"{name}.svg").stat().st_size < 30_000


def test_the_tool_draws_a_label_and_an_overlap() -> None:
    candles = walk(20_000, seed=11)
    for svg in (formation_picture(candles, atr14(candles)), overlap_picture(candles, atr14(candles))):
        assert ElementTree.fromstring(svg).findall("{*}rect[@class]")
