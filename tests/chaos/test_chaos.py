"""A short chaos run: the daemon is killed some times, at points and at random, and nothing is lost or doubled."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.options import Options, parse
from tests.chaos.points import POINTS
from tests.chaos.run import Chaos


def options(*arguments: str) -> Options:
    return parse(["--seed", "1", "--kills", "2", "--minutes", "0.1", *arguments], "a short run")


@pytest.mark.parametrize("market", ["spot"])
def test_a_daemon_that_is_killed_loses_and_doubles_nothing(market: str, tmp_path: Path) -> None:
    said: list[str] = []
    result = Chaos(options("--market", market), tmp_path, said.append).run()
    assert result.violations == (), said
    assert sum(result.kills.values()) >= 2
    assert result.orders > 0


def test_every_point_is_a_method_of_the_program() -> None:
    assert [name for name, point in POINTS.items() if not callable(getattr(point.owner, point.method, None))] == []
    assert Counter(name.split(":")[0] for name in POINTS)["recovery"] == 6
