"""Who does the work changes nothing of what is learned: this process, another one, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import distributed
import pytest

from tests.builders import settings
from tests.engine.train.lessons import COINS, TINY, streams
from tests.engine.train.test_walk import FOLDS
from trader.core.errors import ConfigError
from trader.engine.train.team import Team
from trader.engine.train.training import Request
from trader.engine.train.walk import ALONE, Keep, Walked, unheard, walk
from trader.ml.splits import Fold


def walked(team: Team, folder: Path, folds: Sequence[Fold] = FOLDS) -> list[Walked]:
    return list(walk(streams()[:1], folds, settings(COINS=COINS), TINY, Keep(folder), unheard, team))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[Walked]:
    return walked(ALONE, tmp_path_factory.mktemp("alone"))


@pytest.fixture
def cluster() -> Iterator[str]:
    """Yield the address of a Dask cluster of two threads, all of whose ports are on 127.0.0.1."""
    place = {"host": "127.0.0.1", "protocol": "tcp://", "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, **place) as made:
        yield made.scheduler_address


@pytest.mark.timeout(300)  # a process of its own imports for itself
def test_another_process_learns_the_same(alone: list[Walked], tmp_path: Path) -> None:
    assert walked(Team(workers=2), tmp_path, FOLDS[:1]) == alone[:1]
    assert sorted(Team(workers=2).each(abs, range(-9, 0))) == list(range(1, 10))


def test_a_cluster_learns_the_same(
    alone: list[Walked], cluster: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert walked(Team(cluster=cluster), tmp_path) == alone
    assert capfd.readouterr() == ("", ""), "what a cluster tells is not for who trains"


def test_a_cluster_that_is_not_there_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers there .*dask scheduler"):
        list(Team(cluster="tcp://127.0.0.1:9", wait_s=0.3).each(abs, [1]))
    assert capfd.readouterr() == ("", "")


def test_a_request_says_who_works() -> None:
    assert Request(workers=3).team == Team(3)
    assert Request(cluster="tcp://127.0.0.1:8786").team == Team(cluster="tcp://127.0.0.1:8786")
