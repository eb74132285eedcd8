"""A search counts every plan it tries, and sees nothing of the spans by which the verdict is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.builders import settings
from tests.engine.train.lessons import COINS, DAYS, M1, QUICK, START_MS, streams, streams_of
from trader.core.errors import ConfigError
from trader.core.timeframe import DAY_MS
from trader.engine.train.fold import CLASSES, Plan, Stream
from trader.engine.train.judge import Judged, Recognised, Traded
from trader.engine.train.plans import rounds_within
from trader.engine.train.search import FOLDS, Search, Searched, lack
from trader.engine.train.team import Team, needed
from trader.engine.train.walk import ALONE, Keep
from trader.market.synthetic import SyntheticMarket

FIRST_TEST = START_MS + 22 * DAY_MS
#: Within what a search tries, and there at once.
SMALL = msgspec.structs.replace(
    QUICK,
    recogniser=msgspec.structs.replace(QUICK.recogniser, rounds=4),
    success=msgspec.structs.replace(QUICK.success, rounds=4),
)


def searched(
    folder: Path, trials: int, learned: list[int] | None = None, plan: Plan = SMALL, given: Sequence[Stream] = ()
) -> Searched:
    """Return a search on the generated market; `learned` gets the number of each trial that had to be learned."""
    begun = [-1]

    def told(number: int, *how: object) -> None:
        if learned is not None and begun[-1] not in learned:
            learned.append(begun[-1])

    search = Search(given or streams(), START_MS, FIRST_TEST, plan)
    return search.run(trials, settings(COINS=COINS), Keep(folder), ALONE, told, lambda number, of: begun.append(number))


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> tuple[Searched, Path]:
    folder = tmp_path_factory.mktemp("search")
    return searched(folder, 5), folder


def test_every_trial_is_counted_and_the_first_is_the_plan_that_was_given(five: tuple[Searched, Path]) -> None:
    found, folder = five
    assert len(found.trials) == 5
    assert found.trials[0].plan == SMALL
    assert len({msgspec.json.encode(trial.plan) for trial in found.trials}) == 5
    assert found.best.loss == min(trial.loss for trial in found.trials)
    assert all(0.0 < trial.loss < 3.0 for trial in found.trials)
    assert len(list(folder.iterdir())) == 5 * FOLDS


def test_plans_that_are_tried_keep_seed_threads_and_the_limit_of_rounds(five: tuple[Searched, Path]) -> None:
    for trial in five[0].trials:
        assert (trial.plan.seed, trial.plan.threads) == (SMALL.seed, SMALL.threads)
        assert trial.plan.recogniser.rounds <= min(4, rounds_within(trial.plan.recogniser, CLASSES))


def test_a_search_that_was_ended_asks_the_same_and_learns_only_what_lacks(five: tuple[Searched, Path]) -> None:
    found, folder = five
    learned: list[int] = []
    assert searched(folder, 5, learned) == found
    assert learned == []
    more = searched(folder, 6, learned)
    assert (more.trials[:5], learned) == (found.trials, [5])


def test_another_seed_tries_other_plans(five: tuple[Searched, Path], tmp_path: Path) -> None:
    other = searched(tmp_path, 2, plan=msgspec.structs.replace(SMALL, seed=2))
    assert other.trials[1].plan.recogniser not in [trial.plan.recogniser for trial in five[0].trials]


def test_candles_from_the_first_test_on_change_nothing(five: tuple[Searched, Path], tmp_path: Path) -> None:
    whole = SyntheticMarket(5, COINS, START_MS)
    end = START_MS + (DAYS + 2) * DAY_MS
    longer = streams_of(tuple(whole.candles(coin, M1, START_MS, end) for coin in COINS))
    assert searched(tmp_path, 1, given=longer).trials == five[0].trials[:1]


def test_folds_of_a_search_end_where_the_first_test_begins() -> None:
    search = Search(streams(), START_MS, FIRST_TEST, SMALL)
    assert [fold.test_end <= FIRST_TEST for fold in search.folds] == [True] * FOLDS
    with pytest.raises(ConfigError, match=r"too short|days"):
        Search(streams(), START_MS, START_MS + 5 * DAY_MS, SMALL)


def test_what_a_plan_lacks_is_measured_against_who_knows_nothing() -> None:
    recognised = Recognised(10, 0.5, 1.0, 0.0, 0.5, (), 0.5)
    traded = Traded(5, 0.5, 0.0, 0.1, 0.7, 0.7, 0.0, 0.0)
    assert lack(Judged(recognised, traded)) == pytest.approx(1.5)
    nothing = msgspec.structs.replace(traded, entries=0, log_loss=float("nan"), log_loss_of_share=float("nan"))
    assert lack(Judged(recognised, nothing)) == pytest.approx(1.5)


def test_a_package_that_is_not_there_is_named_with_how_to_get_it() -> None:
    with pytest.raises(ConfigError, match=r"--trials needs no_such_package, .* -r requirements-ml\.txt"):
        needed("no_such_package", "--trials")
    with pytest.raises(ConfigError, match="0 workers; allowed: 1 or more"):
        Team(workers=0)
