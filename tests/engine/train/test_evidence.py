"""The evidence on trained models: an edge that is there is found, one that is not there is not, and nothing is seen."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.engine.train import planted
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine.train.evidence import gather
from trader.engine.train.fold import Lesson, Stream
from trader.engine.train.judge import judge
from trader.engine.train.proof.alone import taken, thresholds
from trader.engine.train.proof.facts import Evidence
from trader.engine.train.proof.outside import Asked, made, seen
from trader.engine.train.verdict import verdict
from trader.ml.pattern_model import NONE, RECOGNISER
from trader.simulation.outcomes import Entries, follow_entries


@pytest.fixture(scope="module")
def streams() -> list[Stream]:
    return planted.streams_of(planted.market())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


@pytest.fixture(scope="module")
def found(streams: list[Stream], root: Path) -> Evidence:
    return planted.judged(streams, planted.rules(), root)


def shuffled(stream: Stream, seed: int) -> Stream:
    """Return a stream whose candidates have the patterns of others: "none" is dealt out too, but for what is over."""
    random, samples = np.random.default_rng(seed), stream.samples
    label = samples.label.copy()
    spare = np.flatnonzero(label == NONE)
    label[spare] = random.choice(label[label != NONE], len(spare))
    return msgspec.structs.replace(stream, samples=msgspec.structs.replace(samples, label=random.permutation(label)))


def test_a_planted_edge_is_found(found: Evidence) -> None:
    """On this market the geometry's formations are followed by more than what trading costs."""
    told = verdict(found)
    assert told.edge, told
    assert told.words.startswith("edge of ")
    assert found.geometry.net > 4 * found.geometry.error
    assert abs(found.chance.mean) < 0.5 * found.signals.net, "a random entry does not find it"
    assert found.pooled["model"].result > 0.1 > found.hold


def test_on_the_same_noise_without_the_edge_none_is_found(root: Path) -> None:
    calm = planted.streams_of(planted.market(pays=False))
    told = verdict(planted.judged(calm, planted.rules(), root / "calm", draws=200))
    assert not told.edge
    assert told.words.startswith("no edge after costs: -")
    assert told.trades > 100


def test_a_model_that_saw_shuffled_labels_has_no_edge_even_there(streams: list[Stream], root: Path) -> None:
    blind = [shuffled(stream, seed) for seed, stream in enumerate(streams)]
    loose = planted.rules(MIN_PROBABILITY=0.05, MIN_STRENGTH=0.0)
    judged = planted.judged(blind, loose, root / "blind", draws=200)
    told = verdict(judged)
    assert not told.edge, told
    assert told.words.startswith("no edge")
    assert told.trades > 100
    assert judged.recognised.log_loss > 0.97 * judged.recognised.log_loss_of_shares


def test_equal_arguments_give_equal_evidence(streams: list[Stream], root: Path, found: Evidence) -> None:
    again = planted.judged(streams, planted.rules(), root)
    assert msgspec.json.encode(again) == msgspec.json.encode(found)


def test_all_candidates_of_the_test_spans_are_judged_and_no_others(streams: list[Stream], found: Evidence) -> None:
    times = np.concatenate([stream.samples.time for stream in streams])
    inside = (times >= found.start) & (times < found.end)
    assert found.recognised.rows == inside.sum() == sum(map(sum, found.recognised.confusion))
    assert found.recognised.rows == sum(fold.recognised.rows for fold in found.folds)
    assert found.end - found.start == 2 * planted.TEST_DAYS * DAY_MS
    early = np.concatenate([stream.samples.lead for stream in streams]) > 0
    assert found.early.rows == (inside & early).sum()
    assert found.signals.entries == sum(group.signals.entries for group in found.by_month) > 100
    assert found.signals.total == pytest.approx(sum(group.signals.total for group in found.by_coin))


def test_a_fold_is_judged_as_the_training_judged_it(streams: list[Stream], root: Path, found: Evidence) -> None:
    walked = planted.walked(streams, planted.rules(), root / "folds")
    for own, each in zip(found.folds, walked, strict=True):
        lesson = Lesson(streams, each.fold, planted.rules(), planted.QUICK, lambda *how: None)
        judged = judge(lesson, each.learned)
        assert own.recognised.log_loss == pytest.approx(judged.recognised.log_loss)
        assert own.recognised.log_loss_of_shares == pytest.approx(judged.recognised.log_loss_of_shares)
        assert own.recognised.confusion == judged.recognised.confusion
        assert own.chances.entries == judged.traded.entries
        assert own.chances.net == pytest.approx(judged.traded.net)
        assert own.chances.log_loss == pytest.approx(judged.traded.log_loss)


def test_taken_entries_pass_the_thresholds_one_at_a_time_and_end_by_the_rules(
    streams: list[Stream], root: Path
) -> None:
    chosen: Settings = planted.rules()
    walked = planted.walked(streams, chosen, root / "folds")
    models = [Asked(each.learned) for each in walked]
    stream = streams[0]
    every = made(stream, seen(stream, 0, walked, models), models, chosen)
    mine = taken(every, thresholds(chosen))
    assert 20 < len(mine) < len(every)
    assert (mine.probability >= chosen.MIN_PROBABILITY).all()
    assert (mine.strength >= chosen.MIN_STRENGTH).all()
    assert (mine.time[1:] >= mine.end[:-1]).all()
    strict = taken(every, thresholds(chosen) | {"MIN_EXPECTED_RETURN": 0.005})
    assert (strict.expected >= 0.005).all()
    samples = stream.samples
    columns = (samples.close, samples.ema50, samples.atr14)
    entries = Entries(
        samples.symbol,
        samples.timeframe,
        mine.time,
        mine.pattern.astype(np.int8),
        mine.probability,
        *(column[mine.sample] for column in columns),
    )
    outcomes = follow_entries(chosen, stream.exits, stream.instrument, entries)
    assert outcomes.net.tolist() == mine.net.tolist()
    assert outcomes.direction.tolist() == mine.side.tolist()


def test_figures_are_within_what_they_can_be(found: Evidence) -> None:
    assert sum(weight.gain for weight in found.weights[RECOGNISER]) == pytest.approx(1.0)
    assert found.weights[RECOGNISER][0].loss > 10 * found.weights[RECOGNISER][0].deviation > 0
    assert sum(part.rows for part in found.lift) == found.recognised.rows
    assert sum(part.rows for part in found.net_by_expected) == found.chances.entries
    assert found.curves.model[0] == found.curves.geometry[0] == found.curves.hold[0] == 1.0
    assert found.curves.model[-1] - 1 == pytest.approx(found.pooled["model"].result, abs=1e-6)
    assert found.chance.placed > 0.99
    assert 0.0 < found.chance.p_value <= 1.0
    assert len(found.chance.means) == found.chance.draws
    assert not math.isnan(found.deflated)


def test_nothing_to_judge_is_refused(streams: list[Stream], tmp_path: Path) -> None:
    store = planted.stored(tmp_path, ())
    with pytest.raises(ConfigError, match="2 streams and 0 folds"):
        gather(streams, [], planted.rules(), store, trials=1, seed=1, progress=lambda *how: None)


def test_folds_that_know_their_own_future_are_refused(streams: list[Stream], root: Path) -> None:
    store = planted.stored(root / "data", ())
    walked = planted.walked(streams, planted.rules(), root / "folds")
    knows = msgspec.structs.replace(walked[0].fold, train_end=walked[0].fold.test_end)
    for folds in ([msgspec.structs.replace(walked[0], fold=knows)], walked[::-1]):
        with pytest.raises(ConfigError, match="allowed are tests behind their training"):
            gather(streams, folds, planted.rules(), store, trials=1, seed=1, progress=lambda *how: None)
