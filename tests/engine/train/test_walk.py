"""A training that was ended goes on where it was, and what was made from something else is made anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
import pytest

from tests.builders import settings
from tests.engine.train.lessons import COINS, FOLD, QUICK, START_MS, tables
from tests.trading.worlds import FILTERS
from trader.core.errors import ConfigError
from trader.core.instrument import Instrument
from trader.core.settings import Settings
from trader.core.timeframe import DAY_MS
from trader.engine.train.fold import Plan, Stream
from trader.engine.train.samples import samples_of
from trader.engine.train.walk import RULES, Keep, Walked, data_digest, walk
from trader.ml.splits import Fold, walk_forward

FOLDS = walk_forward(START_MS, FOLD.test_end, folds=2, test_ms=3 * DAY_MS, calibrate_ms=5 * DAY_MS)
ONE = FOLDS[:1]


@cache
def streams() -> tuple[Stream, ...]:
    grid = Instrument.from_filters("BTCUSDT", FILTERS)
    return tuple(Stream(samples_of(table), table, grid) for table in tables())


def walked(folder: Path, folds: Sequence[Fold], plan: Plan = QUICK, **rules: object) -> tuple[list[Walked], set[int]]:
    """Return the folds, and which of them had to be learned."""
    learned: set[int] = set()
    chosen = settings(COINS=COINS, **rules)
    found = walk(streams(), folds, chosen, plan, Keep(folder), lambda number, *how: learned.add(number))
    return list(found), learned


def test_folds_that_are_done_are_not_learned_again(tmp_path: Path) -> None:
    first, learned = walked(tmp_path, FOLDS)
    assert learned == {0, 1}
    assert [each.fold for each in first] == list(FOLDS)
    (done,) = [path for path in tmp_path.iterdir() if Keep(tmp_path).find(path.stem) == first[1]]
    done.unlink()
    again, learned = walked(tmp_path, FOLDS)
    assert learned == {1}
    assert again == first


def test_a_file_that_cannot_be_read_is_made_anew(tmp_path: Path) -> None:
    first, _ = walked(tmp_path, ONE)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    again, learned = walked(tmp_path, ONE)
    assert (again, learned) == (first, {0})


def test_another_plan_or_rule_is_another_fold(tmp_path: Path) -> None:
    walked(tmp_path, ONE)
    assert walked(tmp_path, ONE, msgspec.structs.replace(QUICK, seed=2))[1] == {0}
    assert walked(tmp_path, ONE, SLIPPAGE_PCT=0.001)[1] == {0}
    assert walked(tmp_path, ONE, MAX_CONCURRENT_TRADES=1)[1] == set(), "no limit has a part in it"


def test_every_candle_counts_in_the_digest_of_the_data() -> None:
    made = streams()
    digest = data_digest(made)
    made[1].exits.close[7] += 0.01
    try:
        assert data_digest(made) != digest
    finally:
        made[1].exits.close[7] -= 0.01
    assert set(RULES) <= set(Settings.model_fields)


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 streams and 2 folds"):
        list(walk([], FOLDS, settings(), QUICK, Keep(tmp_path), lambda *how: None))
