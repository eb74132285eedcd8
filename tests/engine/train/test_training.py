"""A training goes from the store to a model that can be asked; the same for a seed, whoever works on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import settings
from tests.engine.runs import stored
from tests.engine.train.lessons import COINS, DAYS, START_MS, TINY, tables
from trader.core.errors import ConfigError, ModelError
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS, Timeframe
from trader.engine.prepare import Span
from trader.engine.train.final import files_of, final_model, scores_of, size_of
from trader.engine.train.fold import CLASSES, Plan
from trader.engine.train.loading import before, load_streams
from trader.engine.train.pace import IN_ALL
from trader.engine.train.plans import MOST_BYTES, bounded, check_size, rounds_within, smaller
from trader.engine.train.spans import folds_of, last_fold, least_ms
from trader.engine.train.training import Request, Trained, Training, keep_folder, store_model, train
from trader.engine.train.walk import Keep
from trader.market.store import Store
from trader.ml.fitting import Trees
from trader.ml.pattern_model import PatternModel
from trader.ml.registry.store import Registry
from trader.patterns.labels import LabelRules

END_MS = START_MS + DAYS * DAY_MS
ASKED = Request(folds=2, plan=TINY)


class Heard:
    """Keeps what a run tells of its progress."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def __call__(self, what: str, done: int, total: int) -> None:
        self.told.append((what, done, total))

    @property
    def learned(self) -> set[str]:
        """What was learned, without parts and scores."""
        return {what.partition(":")[0] for what, _, _ in self.told if "loss" in what}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return stored(tmp_path_factory.mktemp("training") / "store", tables())


def rules(home: Path, **changes: object) -> Settings:
    return settings(**{"COINS": COINS, "TIMEFRAMES": ["1min", "5min"], "DATA_DIR": str(home), **changes})


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def trained(store: Store, heard: Heard, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(ASKED, rules(tmp_path_factory.mktemp("home")), store, heard)


# --- spans --------------------------------------------------------------------------------------------------------


def test_tests_follow_each_other_to_the_end_of_the_span_and_nothing_overlaps() -> None:
    folds = folds_of(Span(0, 100 * DAY_MS), 4)
    assert folds[-1].test_end == 100 * DAY_MS
    assert [fold.test_end for fold in folds[:-1]] == [fold.test_start for fold in folds[1:]]
    assert all(fold.train_end < fold.calibrate_start < fold.calibrate_end < fold.test_start for fold in folds)


def test_the_model_that_is_kept_learns_to_the_end_but_for_its_calibration() -> None:
    last = last_fold(Span(0, 100 * DAY_MS))
    assert (last.train_start, last.calibrate_end) == (0, 100 * DAY_MS)
    assert last.train_end == 89 * DAY_MS
    assert last.test_start == last.test_end


def test_a_span_that_is_too_short_is_refused_with_what_would_do() -> None:
    with pytest.raises(ConfigError, match=r"are 30\.0 days; 20 folds need 40 days .* allowed: --folds 15, a span"):
        folds_of(Span(0, 30 * DAY_MS), 20)
    with pytest.raises(ConfigError, match="need 20 days at least"):
        folds_of(Span(0, 19 * DAY_MS), 1)
    assert len(folds_of(Span(0, least_ms(3)), 3)) == 3


# --- loading ------------------------------------------------------------------------------------------------------


def test_streams_are_those_of_a_backtest_and_longer_ones_are_built(store: Store, tmp_path: Path) -> None:
    start = START_MS + 3 * DAY_MS
    loaded = load_streams(rules(tmp_path), store, start, None, LabelRules(), Heard())
    names = [(each.samples.symbol, each.samples.timeframe.value) for each in loaded.streams]
    assert names == [(coin, timeframe) for timeframe in ("1min", "5min") for coin in COINS]
    assert (loaded.span.start, loaded.span.end) == (start, END_MS)
    for stream in loaded.streams:
        assert stream.exits.timeframe is Timeframe.MIN_1
        assert stream.exits.open_time[0] >= start
        assert start < stream.samples.time[0] < start + DAY_MS, "what lies before the span warms it up"
        assert stream.samples.inputs.dtype == np.float32


def test_a_coin_without_candles_is_refused_and_not_left_out(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no candles of SOLUSDT: it has BTCUSDT, ETHUSDT\. Name others with --coins"):
        load_streams(rules(tmp_path, COINS=["BTCUSDT", "SOLUSDT"]), store, None, None, LabelRules(), Heard())
    with pytest.raises(ConfigError, match="it is empty"):
        load_streams(rules(tmp_path), Store(tmp_path), None, None, LabelRules(), Heard())


def test_a_span_without_candles_is_refused_with_what_is_stored(store: Store, tmp_path: Path) -> None:
    later = END_MS + DAY_MS
    with pytest.raises(ConfigError, match="stored are 2026-01-05 00:00 to"):
        load_streams(rules(tmp_path), store, later, later + DAY_MS, LabelRules(), Heard())


def test_what_was_known_at_a_time_has_no_label_and_no_candle_from_later(trained: Trained) -> None:
    cut = START_MS + 12 * DAY_MS
    for stream, whole in zip(before(trained.streams, cut), trained.streams, strict=True):
        assert 0 < len(stream.samples) < len(whole.samples)
        assert stream.samples.label_end.max() <= cut
        assert int(stream.exits.open_time[-1]) + stream.exits.timeframe.ms == cut


# --- the run ------------------------------------------------------------------------------------------------------


def test_a_training_gives_a_model_that_a_daemon_can_open(trained: Trained, tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    reference = store_model(registry, "mine", trained, {"report.html": b"<p>"}, "no edge")
    found = registry.open("mine", reference.version)
    PatternModel.open(found, ("1min", "5min"))
    told = found.metadata.description
    assert set(found.metadata.files) == {"recogniser.json", "success.json", "expected.json", "report.html"}
    assert (told.note, told.trials, told.seed, len(told.folds)) == ("no edge", 1, 1, 2)
    assert told.labels == {"horizon": 30, "min_score": 0.5}
    assert told.parameters["rules"]["SLIPPAGE_PCT"] == 0.0002
    assert {(each.use, each.coin) for each in told.spans} == {
        (use, coin) for use in ("train", "calibrate", "test") for coin in COINS
    }
    assert all(each.rows > 0 for each in told.spans)


def test_nothing_that_is_learned_by_reaches_past_the_span_of_its_use(trained: Trained) -> None:
    spans = {each.use: each for each in trained.description.spans}
    assert spans["train"].end < spans["calibrate"].start < spans["calibrate"].end == trained.span.end
    assert spans["test"].end == trained.span.end


def test_scores_are_those_of_all_tests_by_their_rows(trained: Trained) -> None:
    scores = scores_of(trained.walked)
    first, second = (each.judged.recognised for each in trained.walked)
    both = (first.log_loss * first.rows + second.log_loss * second.rows) / (first.rows + second.rows)
    assert scores["recogniser_log_loss"] == pytest.approx(both)
    assert scores["candidates"] == first.rows + second.rows


def test_progress_names_fold_part_and_rounds_and_only_grows(trained: Trained, heard: Heard) -> None:
    assert trained.walked
    assert heard.learned == {"fold 1 of 2", "fold 2 of 2", "the model to keep"}
    whats = [what for what, _, _ in heard.told]
    assert any(what.startswith("fold 2 of 2: recogniser of the earlier part, loss 1.") for what in whats)
    shares = [done / total for what, done, total in heard.told if what == IN_ALL]
    assert shares == sorted(shares)
    assert shares[-1] <= 1.0


def test_a_run_that_was_ended_goes_on_where_it_was(trained: Trained, store: Store, tmp_path: Path) -> None:
    class Ended(Heard):
        def __call__(self, what: str, done: int, total: int) -> None:
            super().__call__(what, done, total)
            if what.startswith("fold 2 of 2: success"):
                raise KeyboardInterrupt

    chosen = rules(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(ASKED, chosen, store, Ended())
    heard = Heard()
    again = Training(ASKED, chosen, store, heard)
    assert again.kept() == 1
    done = again.run()
    assert heard.learned == {"fold 2 of 2", "the model to keep"}
    assert (done.learned, done.walked) == (trained.learned, trained.walked)
    last = Heard()
    train(ASKED, chosen, store, last)
    assert last.learned == set(), "the model to keep is kept, too"
    Keep(keep_folder(chosen, ASKED.name)).clear()
    assert Training(ASKED, chosen, store, Heard()).kept() == 0


def test_candles_that_hold_too_little_are_refused_with_a_way_out(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There are \d+ candidates in all.* a longer span, more coins, shorter"):
        train(ASKED, rules(tmp_path, TIMEFRAMES=["1h"]), store, Heard())


@pytest.mark.parametrize("wrong", [{"trials": 0}, {"threads": 0}, {"workers": 0}])
def test_impossible_requests_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="allowed: 1 or more"):
        assert Request(**wrong).team  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="small letter"):
        Request(name="Mine")


# --- size ---------------------------------------------------------------------------------------------------------


def test_rounds_have_a_limit_that_falls_with_classes_and_depth() -> None:
    flat, deep = Trees(max_depth=3), Trees(max_depth=6)
    assert rounds_within(deep, CLASSES) < rounds_within(flat, CLASSES) < rounds_within(flat, 1)
    assert bounded(Plan(recogniser=Trees())).recogniser.rounds == rounds_within(Trees(), CLASSES) < Trees().rounds


def test_a_model_that_became_too_large_is_learned_again_with_fewer_rounds(trained: Trained, tmp_path: Path) -> None:
    most = int(size_of(trained.learned) * 0.7)
    chosen, last = rules(tmp_path), last_fold(trained.span)
    made, plan = final_model(trained.streams, last, chosen, ASKED.grown, Keep(tmp_path), lambda *how: None, most)
    assert size_of(made) <= most
    assert 1 <= plan.recogniser.rounds < ASKED.grown.recogniser.rounds


def test_a_version_that_is_too_large_is_refused_with_its_largest_files(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"\(report\.html 3,000,000, .*allowed: 3,000,000"):
        store_model(Registry(tmp_path), "mine", trained, {"report.html": b" " * MOST_BYTES})
    check_size({name: len(content) for name, content in files_of(trained.learned).items()})
    assert smaller(ASKED.grown, 0.01).recogniser.rounds == 1
