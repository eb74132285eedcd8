"""The simulation itself: it repeats exactly, finds nothing in what is right, and finds what is wrong."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from tests.simulate.__main__ import main
from tests.simulate.bugs import BUGS
from tests.simulate.loop import Stuck, VirtualLoop
from tests.simulate.world import simulated

SEEDS = range(1, 11)
#: A seed that finds each bug, the first one; `python -m tests.simulate --bug NAME` plays two hundred.
FOUND_BY = {"resend": 4, "forget-stop": 4, "trust-answer": 2, "no-reconciliation": 18}
REPEATED = "from tests.simulate.world import simulated; print(*(simulated(seed).digest for seed in (3, 4)))"


def test_nothing_is_violated_on_either_market() -> None:
    results = [simulated(seed) for seed in SEEDS]
    assert [violation for result in results for violation in result.violations] == []
    assert {result.market for result in results} == {"spot", "futures"}
    assert sum(result.faults for result in results) > 100
    assert sum(result.orders for result in results) > 200


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    assert simulated(FOUND_BY[name], parts=BUGS[name]).violations
    assert not simulated(FOUND_BY[name]).violations


def test_a_seed_repeats_exactly_in_another_process() -> None:
    def digests(hash_seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", REPEATED]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    assert digests("1") == digests("2")


def test_the_last_line_counts_and_a_failing_seed_tells_its_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "1-2"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("2 seeds, ")
    assert last.endswith(" faults, 0 violations")
    assert main(["--seed", "4", "--bug", "resend"]) == 1
    told = capsys.readouterr().out
    assert "VIOLATION position" in told
    assert "entered by 2 orders" in told


def test_hours_pass_in_no_time() -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(asyncio.sleep(36_000))
        assert loop.time() == pytest.approx(36_000)
    finally:
        loop.close()


def test_waiting_for_ever_is_an_error() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    loop = VirtualLoop()
    with pytest.raises(Stuck):
        loop.run_until_complete(wait())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
