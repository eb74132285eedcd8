"""Trainings beside the trading, with real processes: when they begin, how they end, what is said of them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.builders import settings
from trader.core.errors import ConfigError
from trader.core.settings.groups import Retrain
from trader.core.timeframe import DAY_MS
from trader.engine.live.retraining import LOG_NAME, NICE, RETRY_MS, STATE_NAME, Due, History, Retraining, next_due

DAY_0 = 20_000 * DAY_MS


def wanted(**changes: Any) -> Retrain:
    return settings(STRATEGY="classifier", RETRAIN={"enable": True, **changes}).RETRAIN


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.now = DAY_0 + 40 * DAY_MS

    def __call__(self) -> int:
        return self.now


def retraining(home: Path, text: str, clock: Clock, **rest: Any) -> Retraining:
    chosen = wanted(every_days=30, at_most_once_days=7)
    return Retraining(chosen, script(text), home, lambda: DAY_0, clock, look_s=0.01, **rest)


@asynccontextmanager
async def running(job: Retraining) -> AsyncIterator[None]:
    task = asyncio.create_task(job.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - a file, a process: nobody sets an event
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- when it is due -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "history", "drifted", "due"),
    [
        ({}, History(), None, 30),
        ({"every_days": 5}, History(), None, 5),
        ({}, History(), 12, 12),
        ({"on_drift": False}, History(), 12, 30),
        ({"every_days": None}, History(), None, None),
        ({"enable": False}, History(), 12, None),
        # at most once in 7 days; a training that kept the model counts as one
        ({}, History(began=DAY_0 + 10 * DAY_MS), 12, 17),
        ({}, History(began=DAY_0 + 10 * DAY_MS, succeeded=DAY_0 + 11 * DAY_MS), None, 41),
        # after failures sooner, and ever later
        ({}, History(began=DAY_0 + 30 * DAY_MS, ended=DAY_0 + 31 * DAY_MS, failures=1), None, 31 + 1 / 24),
        ({}, History(began=DAY_0 + 30 * DAY_MS, ended=DAY_0 + 31 * DAY_MS, failures=4), None, 31 + 8 / 24),
        ({}, History(began=DAY_0 + 30 * DAY_MS, ended=DAY_0 + 31 * DAY_MS, failures=99), None, 38),
    ],
)
def test_a_training_is_due_by_age_or_drift_and_not_too_often(
    changes: dict[str, Any], history: History, drifted: int | None, due: float | None
) -> None:
    since = None if drifted is None else DAY_0 + drifted * DAY_MS
    found = next_due(wanted(**changes), history, DAY_0, since)
    assert (found and found.at) == (None if due is None else DAY_0 + round(due * DAY_MS))


def test_without_a_model_age_asks_for_nothing_and_the_reason_is_said() -> None:
    assert next_due(wanted(), History(), None, None) is None
    assert next_due(wanted(), History(), None, DAY_0) == Due(DAY_0, "the market has drifted")
    failed = next_due(wanted(), History(ended=DAY_0, failures=2), DAY_0 - 90 * DAY_MS, None)
    assert failed == Due(DAY_0 + 2 * RETRY_MS, "try 3: the model is 30 days old")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"every_days": None, "on_drift": False}, "nothing would ever begin a training"),
        ({"span_days": 20, "judge_days": 20}, "no days would be left to learn from"),
        ({"drift_days": 2}, "allowed: a whole number of at least 3"),
    ],
)
def test_settings_by_which_nothing_could_be_trained_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        wanted(**changes)


# --- how it goes --------------------------------------------------------------------------------------------------


async def test_what_came_of_it_is_said_and_remembered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    job = retraining(
        tmp_path, "import os; print('fold 1'); print(os.getpriority(0, 0)); print('kept a@v0001: tie\\n')", clock
    )
    with caplog.at_level(logging.INFO, "trader"):
        async with running(job):
            await until(lambda: "trained: " in caplog.text)
    assert job.history.words == "kept a@v0001: tie"
    assert "trained: kept a@v0001: tie" in caplog.text
    assert job.pid is None
    assert (tmp_path / LOG_NAME).read_text().splitlines()[0] == "fold 1"
    assert f"\n{NICE}\n" in (tmp_path / LOG_NAME).read_text()
    again = retraining(tmp_path, "", clock)
    assert again.history == job.history
    assert again.due() == Due(clock.now + 30 * DAY_MS, "the model is 30 days old")
    assert again.line() == (
        "retraining: next 2024-12-13 00:00:00 (the model is 30 days old); last 2024-11-13 00:00:00: kept a@v0001: tie"
    )


async def test_a_failure_is_said_and_tried_again_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    job = retraining(tmp_path, "import sys; print('half done'); sys.exit('failed: no candles')", clock)
    async with running(job):
        await until(lambda: job.history.failures == 1)
        await asyncio.sleep(0.05)
        assert job.history.failures == 1, "not before its time"
        clock.now += RETRY_MS
        await until(lambda: job.history.failures == 2)
    assert "the training failed: code 1: failed: no candles; tried again after 2024-11-13 01:00:00" in caplog.text
    assert job.history.succeeded == 0


async def test_a_command_that_is_not_there_is_a_failure_like_others(tmp_path: Path) -> None:
    clock = Clock()
    job = Retraining(wanted(), [str(tmp_path / "nothing")], tmp_path, lambda: DAY_0, clock, look_s=0.01)
    async with running(job):
        await until(lambda: job.history.failures == 1)
    assert "No such file" in job.history.words


async def test_one_that_hangs_ends_with_the_daemon_and_its_children_too(tmp_path: Path) -> None:
    text = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('child', child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    job = retraining(tmp_path, text, Clock())
    async with running(job):
        await until(lambda: "child" in _text(tmp_path / LOG_NAME))
        pids = [job.pid or 0, int(_text(tmp_path / LOG_NAME).split()[1])]
        assert [is_alive(pid) for pid in pids] == [True, True]
        assert job.line() == "retraining: under way since 2024-11-13 00:00:00"
    assert not is_alive(pids[0])
    await until(lambda: not is_alive(pids[1]) or _is_gone(pids[1]))
    assert job.history.ended == 0


async def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    job = retraining(tmp_path, "import time; time.sleep(60)", Clock(), longest_s=0.3)
    async with running(job):
        await until(lambda: job.history.failures == 1)
    assert job.history.words == "it took longer than 0.3 s and was ended"


async def test_one_whose_daemon_was_killed_ends_by_itself() -> None:
    text = (
        "import time; from trader.cli.retrain import end_with_input; end_with_input()\n"
        "print(1, flush=True); time.sleep(60)"
    )
    process = await asyncio.create_subprocess_exec(
        *script(text), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, process_group=0
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    process.stdin.close()
    async with asyncio.timeout(10):
        assert await process.wait() == -signal.SIGTERM


async def test_there_are_never_two_at_once(tmp_path: Path) -> None:
    clock = Clock()
    mark = tmp_path / "marks"
    job = retraining(tmp_path, f"open({str(mark)!r}, 'a').write('x'); import time; time.sleep(60)", clock)
    async with running(job):
        await until(mark.exists)
        job.drift(True)
        clock.now += 90 * DAY_MS
        await asyncio.sleep(0.1)
    assert mark.read_text() == "x"


async def test_a_daemon_that_died_while_it_trained_does_not_begin_again_at_once(tmp_path: Path) -> None:
    clock = Clock()
    job = retraining(tmp_path, "import time; time.sleep(60)", clock)
    async with running(job):
        await until(lambda: job.pid)
        again = retraining(tmp_path, "", clock)
        assert again.due() == Due(clock.now + 7 * DAY_MS, "the model is 30 days old")


async def test_one_that_was_stopped_with_its_daemon_begins_with_the_next(tmp_path: Path) -> None:
    clock = Clock()
    job = retraining(tmp_path, "import time; time.sleep(60)", clock)
    async with running(job):
        await until(lambda: job.pid)
    again = retraining(tmp_path, "", clock).due()
    assert again is not None
    assert again.at < clock.now


def test_a_drift_counts_from_when_it_began(tmp_path: Path) -> None:
    clock = Clock()
    job = Retraining(wanted(every_days=None), [], tmp_path, lambda: DAY_0, clock)
    assert (job.due(), job.line()) == (None, "retraining: not due")
    job.drift(True)
    clock.now += 1_000
    job.drift(True)
    assert job.due() == Due(clock.now - 1_000, "the market has drifted")
    job.drift(False)
    assert job.due() is None


def test_what_cannot_be_read_of_earlier_trainings_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / STATE_NAME).write_bytes(b"{")
    assert retraining(tmp_path, "", Clock()).history == History()
    assert "says nothing of earlier trainings" in caplog.text


def test_off_is_said_so(tmp_path: Path) -> None:
    assert Retraining(wanted(enable=False), [], tmp_path, lambda: None).line() == "retraining: off"


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _is_gone(pid: int) -> bool:
    """Tell whether a process is over whose new parent has not noticed yet."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
