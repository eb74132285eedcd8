"""A training that was ended goes on where it was, and what was made from something else is made anew."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.builders import settings
from tests.engine.train.lessons import COINS, FOLD, START_MS, TINY, streams
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine.train.fold import Plan
from trader.engine.train.walk import RULES, Keep, Walked, data_digest, walk
from trader.ml.splits import Fold, walk_forward

FOLDS = walk_forward(START_MS, FOLD.test_end, folds=2, test_ms=3 * DAY_MS, calibrate_ms=5 * DAY_MS)
ONE = FOLDS[:1]


def walked(folder: Path, folds: Sequence[Fold], plan: Plan = TINY, **rules: object) -> tuple[list[Walked], set[int]]:
    """Return the folds, and which of them had to be learned."""
    learned: set[int] = set()
    chosen = settings(COINS=COINS, **rules)
    found = walk(streams()[:1], folds, chosen, plan, Keep(folder), lambda number, *how: learned.add(number))
    return list(found), learned


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Walked], Path]:
    """Return both folds, and the folder where they are kept."""
    folder = tmp_path_factory.mktemp("folds")
    first, learned = walked(folder, FOLDS)
    assert learned == {0, 1}
    return first, folder


@pytest.fixture
def kept(done: tuple[list[Walked], Path], tmp_path: Path) -> Path:
    """Return a folder of its own where they are kept."""
    return shutil.copytree(done[1], tmp_path / "kept")


def test_folds_that_are_done_are_not_learned_again(done: tuple[list[Walked], Path], kept: Path) -> None:
    first, _ = done
    assert [each.fold for each in first] == list(FOLDS)
    (second,) = [path for path in kept.iterdir() if Keep(kept).find(path.stem) == first[1]]
    second.unlink()
    again, learned = walked(kept, FOLDS)
    assert learned == {1}
    assert again == first


def test_a_file_that_cannot_be_read_is_made_anew(done: tuple[list[Walked], Path], kept: Path) -> None:
    for path in kept.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    again, learned = walked(kept, ONE)
    assert (again, learned) == (done[0][:1], {0})


def test_another_plan_or_rule_is_another_fold(kept: Path) -> None:
    assert walked(kept, ONE, msgspec.structs.replace(TINY, seed=2))[1] == {0}
    assert walked(kept, ONE, SLIPPAGE_PCT=0.001)[1] == {0}
    assert walked(kept, ONE, MAX_CONCURRENT_TRADES=1)[1] == set(), "no limit has a part in it"


def test_every_candle_counts_in_the_digest_of_the_data() -> None:
    made = streams()
    close = made[1].exits.close.copy()
    close[7] += 0.01
    other = msgspec.structs.replace(made[1], exits=msgspec.structs.replace(made[1].exits, close=close))
    assert data_digest([made[0], other]) != data_digest(made)
    assert set(RULES) <= set(Settings.model_fields)


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 streams and 2 folds"):
        list(walk([], FOLDS, settings(), TINY, Keep(tmp_path), lambda *how: None))
