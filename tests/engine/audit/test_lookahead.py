"""An audit of the program finds nothing; what looks ahead is found, with its place and its column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders import START_MS, settings
from tests.engine.audit.grounds import (
    CUTS,
    FEW,
    SEED,
    audited,
    centred_mean,
    ground_at,
    looking_also,
    normalised,
    sound,
    trailing_mean,
)
from trader.core.errors import ConfigError
from trader.core.timeframe import DAY_MS, MINUTE_MS, Timeframe
from trader.engine.audit.cuts import SIGNAL, SPREAD, TRADE, choose_cuts
from trader.engine.audit.ground import Ground, ground_of
from trader.engine.audit.lookahead import LookaheadAudit
from trader.engine.audit.subject import Passed, passed, subject_of
from trader.engine.audit.views import Columns, Flags, Look
from trader.engine.prepare import Span
from trader.market.store import Store
from trader.market.table import CandleTable
from trader.ml.features import FEATURES
from trader.ml.inputs import INPUTS
from trader.patterns.labels import pattern_labels
from trader.strategy.base import OpinionArrays
from trader.strategy.geometry import GeometryStrategy
from trader.strategy.schedule import Schedule


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return ground_at(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def honest(ground: Ground) -> LookaheadAudit:
    """Return an audit of the program, with an honest column beside it."""
    return audited(ground, looking_also(sound(ground), trailing=trailing_mean))


class Tomorrow:
    """A strategy that sees in each candle what the next one of its chunk shows."""

    name = "tomorrow"
    passes_over = False

    def evaluate(self, rows: NDArray[np.float64], everywhere: NDArray[np.bool_] | None = None) -> OpinionArrays:
        return GeometryStrategy().evaluate(np.concatenate((rows[1:], rows[-1:])), everywhere)


# --- what is sound ----------------------------------------------------------------------------------------------


def test_the_program_looks_at_nothing_later(honest: LookaheadAudit) -> None:
    assert not honest.leaks, honest.findings.firsts()
    assert honest.verdict.startswith(f"no look-ahead: {honest.findings.values:,} values before {CUTS} cuts are the")


def test_every_feature_every_input_opinions_and_trades_are_compared(honest: LookaheadAudit) -> None:
    groups = honest.findings.groups()
    assert (len(groups["features"]), len(groups["inputs"])) == (len(FEATURES), len(INPUTS))
    opinions = {column for group, column in honest.findings.counts if group == "opinions"}
    assert {"ready", "pattern", "probability", "strength", "success", "expected"} <= opinions
    assert {"decisions", "entries", "exits", "stops", "equity", "planted"} <= set(groups)
    assert all(count.values > 0 for counts in groups.values() for count in counts)


def test_history_is_cut_behind_signals_and_trades_too(honest: LookaheadAudit) -> None:
    kinds = [cut.why for cut in honest.cuts]
    assert (kinds.count(SPREAD), kinds.count(SIGNAL), kinds.count(TRADE)) == (CUTS // 2, CUTS // 4, CUTS // 4)


# --- leaks that were planted ------------------------------------------------------------------------------------


def test_a_centred_window_is_found_at_the_candle_before_the_cut(ground: Ground) -> None:
    audit = audited(ground, looking_also(sound(ground), centred=centred_mean, trailing=trailing_mean), FEW)
    (first,) = audit.findings.firsts()
    assert (first.group, first.column) == ("planted", "centred")
    length = Timeframe.parse(first.stream.split()[1]).ms
    assert first.at_cut - 3 * length < first.time <= first.at_cut
    assert first.whole != first.cut
    assert audit.findings.counts["planted", "centred"].cuts == {cut.time for cut in audit.cuts}
    assert audit.verdict.startswith("LOOK-AHEAD: later candles change ")
    assert audit.verdict.endswith(" values: planted.centred")


def test_what_is_normalised_over_the_whole_table_is_found_from_the_first_candle_on(ground: Ground) -> None:
    audit = audited(ground, looking_also(sound(ground), z=normalised), FEW)
    (first,) = audit.findings.firsts()
    assert (first.column, first.time) == ("z", ground.span.start + MINUTE_MS)
    count = audit.findings.counts["planted", "z"]
    assert count.differing > 0.99 * count.values


def test_a_label_among_the_columns_is_found(ground: Ground) -> None:
    def label(table: CandleTable) -> np.ndarray:
        return pattern_labels(table, np.full(len(table), table.close[0] * 0.001)).label

    audit = audited(ground, looking_also(sound(ground), label=label), FEW)
    assert [each.column for each in audit.findings.firsts()] == ["label"]


def test_a_strategy_that_looks_at_its_next_row_is_found_in_what_it_says_and_in_its_trades(ground: Ground) -> None:
    audit = audited(ground, subject_of(ground, Schedule.of(Tomorrow())), FEW)
    firsts = {f"{each.group}.{each.column}": each for each in audit.findings.firsts()}
    assert {"opinions.pattern", "opinions.probability", "opinions.strength"} <= set(firsts)
    decided = [each for name, each in firsts.items() if name.startswith("decisions")]
    assert decided
    assert all(each.time == each.at_cut for each in decided)
    assert not any(name.startswith(("features", "inputs")) for name in firsts)
    seen = firsts["opinions.probability"]
    assert seen.time in {cut.time for cut in audit.cuts}


def test_a_setting_that_was_chosen_by_the_result_is_found_in_the_trades(ground: Ground) -> None:
    schedule = Schedule.of(GeometryStrategy())

    def best_of(end_ms: int) -> Passed:
        """Trade with whichever threshold turns out to earn most by the end."""
        tried = [ground.settings.model_copy(update={"MIN_STRENGTH": least}) for least in (0.5, 0.6, 0.7)]
        runs = [passed(each, ground, schedule, end_ms) for each in tried]
        return max(runs, key=lambda each: each.result.final_equity)

    audit = audited(ground, sound(ground)._replace(run=best_of))
    assert audit.leaks
    groups = {each.group for each in audit.findings.firsts()}
    assert {"decisions", "entries", "equity"} <= groups
    assert not groups & {"features", "inputs", "opinions"}


def test_a_candle_that_is_only_there_in_hindsight_is_found(ground: Ground) -> None:
    def swings(table: CandleTable, wanted: Flags) -> Columns:
        """Show the tops alone, which are known once a lower high follows."""
        tops = wanted & (table.high >= np.r_[table.high[1:], 0.0])
        return Columns(table.open_time[tops] + table.timeframe.ms, {"planted.top": table.high[tops]})

    subject = sound(ground)
    audit = audited(ground, subject._replace(looks=(*subject.looks, Look(swings, None))), FEW)
    (first,) = audit.findings.firsts()
    assert (first.group, first.column, first.whole, first.cut) == ("candles", "there", "no candle", "a candle")
    assert first.at_cut - Timeframe.parse(first.stream.split()[1]).ms < first.time <= first.at_cut


# --- cuts -------------------------------------------------------------------------------------------------------


def test_equal_seeds_give_equal_audits(ground: Ground) -> None:
    one, same = (audited(ground, looking_also(sound(ground), centred=centred_mean), FEW) for _ in range(2))
    assert (one.cuts, one.verdict) == (same.cuts, same.verdict)
    assert one.findings.firsts() == same.findings.firsts()


@pytest.mark.parametrize("count", [1, 2, 7, 50, 5_000])
def test_cuts_lie_inside_the_span_on_its_grid_and_are_no_more_than_there_are_moments(count: int) -> None:
    span = Span(START_MS + 30_000, START_MS + DAY_MS)
    signals, trades = [START_MS, START_MS + 90_000], [START_MS + 2 * DAY_MS]
    cuts = choose_cuts(span, MINUTE_MS, count, signals, trades, SEED)
    assert len(cuts) == min(count, 1_439)
    assert [cut.time for cut in cuts] == sorted({cut.time for cut in cuts})
    assert all(span.start < cut.time < span.end and cut.time % MINUTE_MS == 0 for cut in cuts)
    assert {cut.time for cut in cuts if cut.why == SIGNAL} <= {START_MS + 120_000}


def test_where_there_are_no_candles_yet_nothing_is_cut(ground: Ground) -> None:
    early = ground_of(ground.settings, ground.store, START_MS - 30 * DAY_MS, START_MS + DAY_MS // 4)
    audit = audited(early, sound(early), cuts=4)
    assert len(audit.cuts) == 4
    assert all(START_MS < cut.time < START_MS + DAY_MS // 4 for cut in audit.cuts)
    assert not audit.leaks


def test_a_span_of_a_single_candle_cannot_be_cut(ground: Ground) -> None:
    with pytest.raises(ConfigError, match="at least two candles"):
        ground_of(ground.settings, ground.store, ground.span.start, ground.span.start + MINUTE_MS)


def test_without_any_data_there_is_nothing_to_stand_on(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no stream is left"):
        ground_of(settings(), Store(tmp_path), None, None)
